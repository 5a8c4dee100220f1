"""A real Redis of one's own for a test: on a free port and a socket, without anything on disk, to be killed, frozen and filled."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from .ports import free_ports

BINARY = shutil.which("redis-server")
MISSING = None if BINARY else "redis-server is not installed"


class RedisServer:
    """``redis-server``, running from the start.

    :param options: further options of ``redis.conf``.
    """

    def __init__(self, **options: str) -> None:
        self.directory = Path(tempfile.mkdtemp())
        (self.port,) = free_ports(1)
        self.socket = self.directory / "redis.sock"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert BINARY is not None
        given = {"port": str(self.port), "bind": "127.0.0.1", "unixsocket": str(self.socket), "save": "", "appendonly": "no",
                 "dir": str(self.directory), **self._options}  # fmt: skip
        arguments = [word for name, value in given.items() for word in ("--" + name.replace("_", "-"), *(value.split() or [""]))]
        self._process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.settimeout(1)
                    probe.connect(str(self.socket))
                    probe.sendall(b"PING\r\n")
                    if probe.recv(100):
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError("redis-server does not answer")

    def say(self, *command: str) -> bytes:
        """Say something to it beside everything else, through its socket; the raw reply."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            words = [word.encode() for word in command]
            connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            return connection.recv(65536)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def freeze(self) -> None:
        """It keeps its connections and says nothing more."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """The end, of its directory too."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
