"""meshproxy.workers.process"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.workers import process

ROOT = Path(__file__).resolve().parents[1]
EPOLL = "twisted.internet.epollreactor" if sys.platform == "linux" else "twisted.internet.selectreactor"


class ProcessTests(SynchronousTestCase):
    def run_one(self, link: socket.socket) -> subprocess.CompletedProcess[bytes]:
        command = process.arguments(EPOLL, link.fileno(), Path("/nowhere"))
        return subprocess.run(
            command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=self.mktemp_folder(), pass_fds=[link.fileno()], capture_output=True,
            timeout=60,
        )

    def mktemp_folder(self) -> str:
        folder = self.mktemp()
        os.mkdir(folder)
        return folder

    def test_command_line(self) -> None:
        """This interpreter, this module, the parent's reactor; what lies in the working directory is not imported."""
        command = process.arguments("twisted.internet.epollreactor", 3, Path("/etc/meshproxy"))
        expected = ["-P", "-m", "meshproxy.workers.process", "--reactor=twisted.internet.epollreactor", "--link=3", "/etc/meshproxy"]
        self.assertEqual([sys.executable, *expected], command)

    def test_without_a_parent(self) -> None:
        """A worker whose parent is gone before it has begun ends, with 1 and without a traceback."""
        ours, theirs = socket.socketpair()
        ours.close()
        with theirs:
            done = self.run_one(theirs)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertNotIn(b"Traceback", done.stderr)

    def test_a_conf_directory_that_is_not_there(self) -> None:
        """It says hello, is told what to do, and says what is wrong in answer."""
        ours, theirs = socket.socketpair()
        task = b'{"answer":1,"is":{"workers":2,"run_key":"","store":"cookie","revoked":[],"sockets":{}}}'
        ours.sendall(len(task).to_bytes(4, "big") + task)
        with theirs:
            done = self.run_one(theirs)
        with ours:
            said = ours.recv(65536)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn(b'"ask":"hello"', said)
        self.assertIn(b'"tell":"refused"', said)
        self.assertIn(b"no such directory", said)

    def test_signals(self) -> None:
        """What a terminal sends to all of a group is the parent's to act on; SIGTERM ends this worker well."""
        began: list[Any] = []

        class Reactor:
            def callWhenRunning(self, function: Any) -> None:
                began.append(function)

            def callFromThread(self, function: Any) -> None:
                function()

        class Inside:
            terminations = 0

            def terminated(self) -> None:
                self.terminations += 1

        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        inside = Inside()
        process._take_signals(Reactor(), inside)
        self.assertEqual([signal.SIG_IGN] * 2, [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)])
        began[0]()
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        self.assertEqual(1, inside.terminations)
