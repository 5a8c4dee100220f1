"""meshproxy.serving"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.configured import Configured, read
from meshproxy.observing import Observing
from meshproxy.problems import ConfError
from meshproxy.serving import Serving
from meshproxy.sessions.shared_state import LocalState
from meshproxy.web.downstream_tls import listen_endpoint

from .support.certificates import Authority
from .support.house import Browser

MAIN = 'public_url = "http://localhost:8080"\nmesh = false\n[log]\naccess = "off"\n[identity.local]\ntype = "users"\nfile = "users.toml"\n'
USERS = '[alice]\npassword = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$1qeXPBwLQyzaHEs0EYaHJGGmzVKwX7MYHAEdxz2Dx8w"\n'
PUBLIC = 'upstream = "http://127.0.0.1:9000"\n[route]\npath = "/%s"\n[access]\npublic = true\n'


class ServingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.write("meshproxy.toml", MAIN)
        self.write("users.toml", USERS)
        self.write("services/app.toml", PUBLIC % "app")
        self.reactor = MemoryReactorClock()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def serving(self, listen: tuple[str, ...] = ("tcp:8080",), endpoint: Any = None, **options: Any) -> Serving:
        configured = read(self.folder)
        observing = Observing(self.reactor, configured)
        self.plugins = configured.plugins
        serving = Serving(self.reactor, configured, LocalState(self.reactor), observing, **options)
        self.addCleanup(lambda: self.comes_to(observing.stop()))
        self.addCleanup(lambda: self.comes_to(serving.stop()))
        self.comes_to(serving.start(listen, endpoint))
        return serving

    def comes_to(self, coroutine: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def browser(self, serving: Serving) -> Browser:
        site = serving.worker.site
        assert site is not None
        return Browser(self.reactor, site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 5)))

    def asks(self, serving: Serving, path: bytes) -> bytes:
        browser = self.browser(serving)
        browser.sends(b"GET %b HTTP/1.1\r\nHost: localhost:8080\r\n\r\n" % path)
        answer = browser.takes()
        browser.lost()
        return answer

    def reread(self) -> Configured:
        return read(self.folder, self.plugins)

    def test_listens(self) -> None:
        """It listens where it is told, once what it serves is complete; the first request is answered."""
        serving = self.serving(("tcp:8080", "tcp:8081:interface=127.0.0.1"))
        self.assertEqual([8080, 8081], [port for port, *_ in self.reactor.tcpServers])
        self.assertIs(serving.worker.site, self.reactor.tcpServers[0][1])
        self.assertTrue(self.asks(serving, b"/_meshproxy/userinfo").startswith(b"HTTP/1.1 401 "))

    def test_sockets_of_others(self) -> None:
        """Who has opened the sockets already is asked for the endpoint of each."""
        asked: list[str] = []
        other = MemoryReactorClock()

        def endpoint(text: str, tls: Any) -> Any:
            asked.append(text)
            return listen_endpoint(other, text, tls)

        self.serving(("tcp:8080", "tcp:8081"), endpoint)
        self.assertEqual((["tcp:8080", "tcp:8081"], 2, 0), (asked, len(other.tcpServers), len(self.reactor.tcpServers)))

    def test_one_key_for_the_run(self) -> None:
        """Processes that are given the same key read each other's sessions; without one each has its own."""
        key = bytes(range(32))
        rings = [self.serving(run_key=given).worker._keys(read(self.folder).settings) for given in (key, key, None)]
        sealed = rings[0].seal(b"session", b"x", b"alice", bytes(12))
        self.assertEqual([b"alice", b"alice", None], [ring.open(b"session", b"x", sealed) for ring in rings])

    def test_reload_in_two_steps(self) -> None:
        """What is prepared is not used before it is taken, and leaves nothing when it is not wanted."""
        serving = self.serving()
        self.write("services/more.toml", PUBLIC % "more")
        new = self.reread()
        serving.prepare(new)
        self.assertIn(b" 404 ", self.asks(serving, b"/more"))
        serving.discard()
        serving.prepare(new)
        serving.take(new)
        self.assertNotIn(b" 404 ", self.asks(serving, b"/more"))

    def test_a_bad_reload(self) -> None:
        """What cannot be made is refused before anything changes."""
        self.write("plugins/fragile.py", FRAGILE)
        self.write("services/app.toml", PUBLIC % "app" + '[[rewrite]]\nuse = "fragile"\n')
        serving = self.serving()
        self.write("services/app.toml", PUBLIC % "other" + '[[rewrite]]\nuse = "fragile"\nbreaks = true\n')
        waiting = Deferred.fromCoroutine(serving.reload(self.reread()))
        self.failureResultOf(waiting, ConfError)
        self.assertIn(b" 404 ", self.asks(serving, b"/other"))

    def test_certificates(self) -> None:
        """A reload reads certificates anew; one that cannot be used keeps the old one, says so, and is no reason to keep the rest."""
        authority = Authority(self.folder / "tls")
        cert, key = authority.issue("localhost")
        other = authority.issue("other.example")
        for name, path in (("cert.pem", cert), ("key.pem", key)):
            self.write(name, path.read_text())
        self.write("meshproxy.toml", MAIN.replace("http:", "https:").replace("[log]", TLS + "[log]", 1))
        serving = self.serving(("tls:8443",))
        tls = serving.worker.gateway.tls
        assert tls is not None
        self.assertEqual([8443], [port for port, *_ in self.reactor.sslServers])
        self.assertEqual((True, False), (tls.covers("localhost"), tls.covers("other.example")))
        new = self.reread()
        for name, path in zip(("cert.pem", "key.pem"), other, strict=True):
            self.write(name, path.read_text())
        self.comes_to(serving.reload(new))
        self.assertEqual((False, True), (tls.covers("localhost"), tls.covers("other.example")))
        self.write("services/more.toml", PUBLIC % "more")
        new = self.reread()
        self.write("cert.pem", "no certificate")
        self.comes_to(serving.reload(new))
        self.assertTrue(tls.covers("other.example"))
        self.assertIn("more", serving.worker.pools)

    def test_drain(self) -> None:
        """It accepts no more, closes what is idle, waits for what is under way, and not for ever."""
        serving = self.serving()
        idle, busy = self.browser(serving), self.browser(serving)
        busy.sends(b"POST /app/ HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 5\r\n\r\nab")
        draining = Deferred.fromCoroutine(serving.drain(30))
        self.reactor.advance(0.1)
        self.assertNoResult(draining)
        self.assertTrue(idle.disconnecting)
        self.assertFalse(busy.disconnecting)
        for browser in (idle, busy):
            browser.lost()
        self.reactor.advance(0.1)
        self.successResultOf(draining)

    def test_drain_ends(self) -> None:
        """What has not finished in time is not waited for."""
        serving = self.serving()
        busy = self.browser(serving)
        busy.sends(b"POST /app/ HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 5\r\n\r\nab")
        draining = Deferred.fromCoroutine(serving.drain(1))
        for _ in range(12):
            self.reactor.advance(0.1)
        self.successResultOf(draining)
        busy.lost()

    def test_questions(self) -> None:
        """The command line can ask it."""
        serving = self.serving()
        self.assertEqual({"sessions.list", "sessions.revoke", "login-report", "request"}, set(serving.questions()))


TLS = 'listen = ["tls:8443"]\n[tls]\ncert_file = "cert.pem"\nkey_file = "key.pem"\n'
FRAGILE = """
from meshproxy.api import hookimpl


class Fragile:
    name = "fragile"
    managed_fields = [b"X-Fragile"]

    def __init__(self, settings, context):
        if settings.get("breaks"):
            raise ValueError("it breaks")

    def identity_fields(self, principal):
        return []


@hookimpl
def meshproxy_header_rewriters():
    return [Fragile]
"""
