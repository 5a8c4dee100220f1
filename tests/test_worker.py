"""The worker half of the composition root: a configuration becomes what serves, and a reload swaps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.configured import Configured, read
from meshproxy.problems import ConfError
from meshproxy.sessions.shared_state import LocalState
from meshproxy.worker import Worker, needed_tokens

from .support.house import Browser

MAIN = 'public_url = "http://localhost:8080"\nmesh = false\n[identity.local]\ntype = "users"\nfile = "users.toml"\n'
USERS = '[alice]\npassword = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$1qeXPBwLQyzaHEs0EYaHJGGmzVKwX7MYHAEdxz2Dx8w"\n'
PUBLIC = 'upstream = "http://127.0.0.1:9000"\n[route]\npath = "/%s"\n[access]\npublic = true\n'


class Audit:
    required = False

    def __call__(self, event: str, **about: Any) -> None:
        """Nobody listens."""


class WorkerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.write("meshproxy.toml", MAIN)
        self.write("users.toml", USERS)
        self.write("services/app.toml", PUBLIC % "app")
        self.configured = read(self.folder)
        self.reactor = MemoryReactorClock()
        self.shared = LocalState(self.reactor)
        self.worker = Worker(self.reactor, self.configured, shared=self.shared, audit=Audit(), observers=[])
        self.site = self.successResultOf(Deferred.fromCoroutine(self.worker.start()))

    def tearDown(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.worker.stop()))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def reread(self) -> Configured:
        return read(self.folder, self.configured.plugins)

    def asks(self, path: bytes, fields: bytes = b"") -> bytes:
        protocol = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 5))
        browser = Browser(self.reactor, protocol)
        browser.sends(b"GET %b HTTP/1.1\r\nHost: localhost:8080\r\n%b\r\n" % (path, fields))
        answer = browser.takes()
        browser.lost()
        return answer

    def test_serves(self) -> None:
        """Services are relayed to, our own pages answer, the rest is 404."""
        self.asks(b"/app/x")
        self.assertEqual([(host, port) for host, port, *_ in self.reactor.tcpClients], [("127.0.0.1", 9000)])
        self.assertTrue(self.asks(b"/_meshproxy/userinfo").startswith(b"HTTP/1.1 401 "))
        self.assertTrue(self.asks(b"/other").startswith(b"HTTP/1.1 404 "))

    def test_reload(self) -> None:
        """A new configuration is in force with the next request; pools of services that did not change stay."""
        pool = self.worker.pools["app"]
        self.write("services/more.toml", PUBLIC % "more")
        self.successResultOf(Deferred.fromCoroutine(self.worker.reconfigure(self.reread())))
        self.assertIs(self.worker.pools["app"], pool)
        self.assertNotIn(b"404", self.asks(b"/more"))
        self.write("services/app.toml", (PUBLIC % "app").replace("9000", "9001"))
        (self.folder / "services/more.toml").unlink()
        self.successResultOf(Deferred.fromCoroutine(self.worker.reconfigure(self.reread())))
        self.assertIsNot(self.worker.pools["app"], pool)
        self.assertEqual(list(self.worker.pools), ["app"])
        self.assertTrue(self.asks(b"/more").startswith(b"HTTP/1.1 404 "))

    def test_discarded(self) -> None:
        """What was prepared and is not wanted leaves nothing behind."""
        before = self.worker._instances.known()
        self.write("services/more.toml", PUBLIC % "more" + '[[rewrite]]\nuse = "forwarded-user"\n')
        self.worker.prepare(self.reread())
        self.assertNotEqual(self.worker._instances.known(), before)
        self.worker.discard()
        self.assertEqual(self.worker._instances.known(), before)
        self.assertTrue(self.asks(b"/more").startswith(b"HTTP/1.1 404 "))

    def test_unmakeable(self) -> None:
        """A configuration whose instances cannot be made changes nothing."""
        self.write("plugins/bad.py", "")
        self.write("users.toml", "[alice]\n")
        with self.assertRaises(ConfError):
            self.worker.prepare(self.reread())
        self.assertNotIn(b"404", self.asks(b"/app"))

    def test_needed_tokens(self) -> None:
        """Only the tokens that a rewriter hands on are needed."""
        self.assertEqual(needed_tokens(self.configured.settings), set())
        self.write("services/app.toml", PUBLIC % "app" + '[[rewrite]]\nuse = "bearer"\ntoken = "id"\n')
        self.assertEqual(needed_tokens(self.reread().settings), {"id"})
