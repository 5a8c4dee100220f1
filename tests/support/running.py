"""A whole meshproxy as its users run it: ``twistd -n meshproxy --conf DIR`` in a process of its own, on free ports.

    running = Running(reactor, directory, services={"orders": '…'}, main='…', files={"users.toml": '…'})
    await running.start()
    …  # running.port, running.admin_port, running.conf_dir
    await running.stop()      # SIGTERM; asserts that it exits 0
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater

from .ports import free_ports
from .raw_http import RawClient

ROOT = Path(__file__).resolve().parents[2]
_START_WITHIN = 30.0
_STOP_WITHIN = 45.0


class Running:
    """One meshproxy.

    :param directory: for the conf directory and what the process writes.
    :param services: the text of each service's file, by name.
    :param main: the rest of ``meshproxy.toml``; ``public_url`` and the listeners are put before it.
    :param files: further files of the conf directory, by relative path.
    :param arguments: further options of ``twistd meshproxy``.
    """

    def __init__(
        self, reactor: Any, directory: Path, services: Mapping[str, str], main: str = "", files: Mapping[str, str] | None = None,
        arguments: tuple[str, ...] = (),
    ) -> None:
        self._reactor = reactor
        self._directory = directory.resolve()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._arguments = arguments
        self.conf_dir = self._directory / "conf"
        self.port, self.admin_port = free_ports(2)
        self.url = f"http://localhost:{self.port}"
        head = (
            f'public_url = "{self.url}"\nlisten = ["tcp:{self.port}:interface=127.0.0.1"]\n'
            f'admin_listen = "tcp:{self.admin_port}:interface=127.0.0.1"\n'
        )
        self.write("meshproxy.toml", head + main)
        for name, text in services.items():
            self.write(f"services/{name}.toml", text)
        for name, text in (files or {}).items():
            self.write(name, text)

    @classmethod
    def demo(cls, reactor: Any, directory: Path) -> Running:
        """The repository's ``conf/``, which is the embedded default, on other ports and with the access log as JSON."""
        running = cls(reactor, directory, {})
        main = (ROOT / "conf" / "meshproxy.toml").read_text("utf-8")
        for was, port in ((":8080", running.port), (":9901", running.admin_port)):
            main = main.replace(was, f":{port}")
        shutil.copytree(ROOT / "conf", running.conf_dir, dirs_exist_ok=True)
        running.write("meshproxy.toml", main.replace('access = "text"', 'access = "json"'))
        return running

    def write(self, name: str, text: str) -> None:
        """Write a file of the conf directory, readable by its owner alone."""
        path = self.conf_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o600)

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        twistd = Path(sys.executable).with_name("twistd")
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with open(self._directory / "stdout", "wb") as out, open(self._directory / "stderr", "wb") as err:
            self._process = subprocess.Popen(
                [str(twistd), "-n", "--pidfile=", "meshproxy", "--conf", str(self.conf_dir), *self._arguments],
                cwd=self._directory, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
            )
        deadline = self._reactor.seconds() + _START_WITHIN
        while True:
            if self._process.poll() is not None or self._reactor.seconds() > deadline:
                raise AssertionError(f"meshproxy does not get ready (exit {self._process.poll()}):\n{self.stderr()[-6000:]}")
            try:
                if b" 200 " in (await self.admin("/readyz")).partition(b"\r\n")[0]:
                    return
            except ConnectError:
                pass
            await deferLater(self._reactor, 0.05)

    async def connect(self, port: int | None = None) -> RawClient:
        """A connection to its public port."""
        return await connectProtocol(TCP4ClientEndpoint(self._reactor, "127.0.0.1", port or self.port, timeout=5), RawClient())

    async def exchange(self, request: bytes, port: int | None = None) -> bytes:
        """Send bytes; what comes until it closes (ask it to, by ``Connection: close``)."""
        client = await self.connect(port)
        client.write(request)
        await client.closed
        return client.take()

    async def admin(self, path: str) -> bytes:
        """What the admin listener answers."""
        return await self.exchange(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(), self.admin_port)

    def stderr(self) -> str:
        """Its log so far."""
        return (self._directory / "stderr").read_text("utf-8", "replace")

    def records(self) -> list[dict[str, Any]]:
        """What it wrote to standard output: every line is a JSON object."""
        return [json.loads(line) for line in (self._directory / "stdout").read_bytes().splitlines()]

    async def records_with(self, **wanted: Any) -> list[dict[str, Any]]:
        """The records that have these values, as soon as there is one."""
        deadline = self._reactor.seconds() + 5
        while self._reactor.seconds() < deadline:
            found = [record for record in self.records() if all(record.get(key) == value for key, value in wanted.items())]
            if found:
                return found
            await deferLater(self._reactor, 0.05)
        raise AssertionError(f"no record with {wanted} among {self.records()}")

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def log_says(self, text: str, within: float = 10.0) -> None:
        """Wait until its log has a text."""
        deadline = self._reactor.seconds() + within
        while text not in self.stderr():
            if self._reactor.seconds() > deadline:
                raise AssertionError(f"its log never says {text!r}:\n{self.stderr()[-4000:]}")
            await deferLater(self._reactor, 0.05)

    async def kill(self) -> None:
        """End it however it is, for clean-up."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    async def stop(self) -> None:
        """SIGTERM; it must drain and exit 0, without a traceback in its log."""
        process = self._process
        assert process is not None
        try:
            process.send_signal(signal.SIGTERM)
            deadline = self._reactor.seconds() + _STOP_WITHIN
            while process.poll() is None and self._reactor.seconds() < deadline:
                await deferLater(self._reactor, 0.05)
            if process.poll() != 0:
                raise AssertionError(f"meshproxy ended with {process.poll()}:\n{self.stderr()[-6000:]}")
            if "Traceback" in self.stderr():
                raise AssertionError(f"there is a traceback in its log:\n{self.stderr()[-6000:]}")
        finally:
            await self.kill()


def run_with(running: Running, test: Any) -> Deferred[None]:
    """Run an async test while it runs, and stop it as its users do."""

    async def whole() -> None:
        try:
            await running.start()
            await test(running)
            await running.stop()
        finally:
            await running.kill()

    return Deferred.fromCoroutine(whole())
