"""The control socket: :mod:`meshproxy.control`, over real Unix sockets."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from shutil import rmtree
from typing import Any
from unittest.mock import patch

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from meshproxy.control import ControlError, ControlServer, default_path, default_paths
from meshproxy.control_client import ask


async def echo(question: Mapping[str, Any]) -> Any:
    return dict(question)


async def refuse(question: Mapping[str, Any]) -> Any:
    raise ControlError("not today")


async def broken(question: Mapping[str, Any]) -> Any:
    raise RuntimeError("hush, a secret")


class Raw(Protocol):
    """Collects what comes."""

    def __init__(self) -> None:
        self.data = b""
        self.line: Deferred[bytes] = Deferred()
        self.closed: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if b"\n" in self.data and not self.line.called:
            self.line.callback(self.data)

    def connectionLost(self, reason: Any = None) -> None:
        self.closed.callback(None)


class Places(SynchronousTestCase):
    def test_one_for_each_conf_directory(self) -> None:
        """Named after the directory, whatever way leads to it; two directories of one name do not meet."""
        one, same, other = (
            default_path(Path("/etc/meshproxy")),
            default_path(Path("/etc/x/../meshproxy")),
            default_path(Path("/opt/etc/meshproxy")),
        )
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)
        self.assertRegex(one.name, r"\Aetc-meshproxy-[0-9a-f]{8}\.sock\Z")
        self.assertLess(len(os.fsencode(default_path(Path("/" + "long/" * 60)).name)), 60)

    def test_in_the_run_time_directory(self) -> None:
        """The session's own where there is one, else one of ours in the temporary directory."""
        run_time = patch.dict(os.environ, {"XDG_RUNTIME_DIR": "/run/user/x"})
        with run_time, patch("os.getuid", return_value=4711), patch("os.access", lambda path, mode: str(path) == "/run/user/x"):
            places = list(default_paths(Path("/etc/meshproxy")))
        self.assertEqual([str(place.parent) for place in places], ["/run/user/x/meshproxy", f"{tempfile.gettempdir()}/meshproxy-4711"])


class Sockets(TestCase):
    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="ctl-"))
        self.addCleanup(rmtree, self.directory, ignore_errors=True)
        self.path = self.directory / "run" / "s.sock"

    def serve(self) -> ControlServer:
        server = ControlServer(reactor, self.path, {"echo": echo, "refuse": refuse, "broken": broken})
        server.start()
        self.addCleanup(server.stop)
        return server

    def ask(self, name: str, **arguments: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(ask(reactor, str(self.path), self.directory, name, **arguments))

    async def test_question_and_answer(self) -> None:
        """The handler gets the question's other keys, and the asker what it returns, however large."""
        self.serve()
        self.assertEqual(await self.ask("echo", a=1, b=["ü"]), {"a": 1, "b": ["ü"]})
        self.assertEqual(len((await self.ask("echo", big="x" * 60_000))["big"]), 60_000)

    async def test_only_its_own_user_can_open_it(self) -> None:
        """The socket is 0600 and its directory 0700."""
        self.serve()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.path.parent.stat().st_mode), 0o700)

    async def test_no_answers(self) -> None:
        """A handler's no, a name that is not there and a bug are sentences; the bug is logged, and nothing of it is told."""
        self.serve()
        for name, words in (("refuse", "not today"), ("other", "nothing of that name can be asked"), ("broken", "its log says why")):
            with self.assertRaises(ControlError) as raised:
                await self.ask(name)
            self.assertIn(words, str(raised.exception))
            self.assertNotIn("hush", str(raised.exception))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_what_is_no_question(self) -> None:
        """Anything else than one JSON object a line is answered with a sentence; a line without end is cut off."""
        self.serve()
        for sent in (b"hello\n", b"[]\n", b"{}\n", b'{"ask": 1}\n', b"\xff\n", b"[" * 5000 + b"\n"):
            raw = await connectProtocol(UNIXClientEndpoint(reactor, str(self.path)), Raw())
            raw.transport.write(sent)
            self.assertIn(b'"ok": false', await raw.line, sent[:10])
            raw.transport.loseConnection()
            await raw.closed
        raw = await connectProtocol(UNIXClientEndpoint(reactor, str(self.path)), Raw())
        raw.transport.write(b"x" * 100_000)
        await raw.closed
        self.assertEqual(raw.data, b"")

    async def test_what_a_killed_process_left(self) -> None:
        """A socket that nobody listens on is replaced; one that somebody listens on is an error."""
        first = self.serve()
        second = ControlServer(reactor, self.path, {})
        self.assertRaises(ControlError, second.start)
        await first.stop()
        self.assertFalse(self.path.exists())
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(self.path))
        left.close()
        os.symlink("999999999", f"{self.path}.lock")
        self.serve()
        self.assertEqual(await self.ask("echo"), {})

    async def test_a_place_that_cannot_be(self) -> None:
        """A path that no socket can have, and a directory that others can write to."""
        long = ControlServer(reactor, self.directory / ("x" * 120), {})
        self.assertRaises(ControlError, long.start)
        shared = self.directory / "shared"
        shared.mkdir()
        shared.chmod(0o777)
        with self.assertRaises(ControlError) as raised:
            ControlServer(reactor, shared / "s", {}).start()
        self.assertIn("somebody else's", str(raised.exception))

    async def test_nobody_runs(self) -> None:
        """The error names the socket that is not there."""
        with self.assertRaises(ControlError) as raised:
            await self.ask("echo")
        self.assertIn("no meshproxy runs", str(raised.exception))
        self.assertIn(str(self.path), str(raised.exception))
