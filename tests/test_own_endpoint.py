"""What all our endpoints share: :mod:`meshproxy.web.own.endpoint`."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.core.heads import Answer
from meshproxy.web.own.endpoint import Endpoint
from meshproxy.web.own.visit import Visit
from tests.support.own_site import Browser, OwnSite, Reply, log_in


class Probe(Endpoint):
    """Answers what the test says."""

    seen: Visit
    result: Any = Answer(200, ((b"Content-Type", b"text/plain"),), b"body")

    async def get(self, visit: Visit) -> Answer:
        self.seen = visit
        visit.cookies.append(b"a=1")
        if isinstance(self.result, Deferred):
            answer: Answer = await self.result
            return answer
        if isinstance(self.result, Exception):
            raise self.result
        return self.result  # type: ignore[no-any-return]


class Both(Probe):
    async def post(self, visit: Visit) -> Answer:
        self.seen = visit
        return Answer(204)


class EndpointTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.site = OwnSite()
        self.browser = Browser(self.site)

    def mount(self, kind: type[Probe] = Probe, **attributes: Any) -> Probe:
        probe = kind(self.site.parts)
        for name, value in attributes.items():
            setattr(probe, name, value)
        self.site.site.resource.putChild(b"probe", probe)
        return probe

    def test_an_answer(self) -> None:
        """Status, fields, cookies and body as the endpoint says; whose answer it is, for whoever wonders."""
        self.mount()
        reply = self.browser.fetch("/probe?x=1")
        self.assertEqual((reply.status, reply.text, reply["Set-Cookie"], reply["Content-Length"]), (200, "body", "a=1", "4"))
        self.assertEqual((reply["Server"], reply["X-Meshproxy-Source"]), ("meshproxy", "meshproxy"))

    def test_methods(self) -> None:
        """HEAD is GET without the body; what an endpoint does not have is 405 and says what it has."""
        self.mount()
        reply = self.browser.fetch("/probe", "HEAD")
        self.assertEqual((reply.status, reply.body, reply["Content-Length"]), (200, b"", "4"))
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            reply = self.browser.fetch("/probe", method)
            self.assertEqual((reply.status, reply["Allow"]), (405, "GET, HEAD"))
        self.mount(Both)
        self.assertEqual(self.browser.fetch("/probe", "PUT")["Allow"], "GET, HEAD, POST")

    def test_forms(self) -> None:
        """Only what a form sends is read, and not more of it than any form of ours has."""
        probe = self.mount(Both)
        self.assertEqual(self.browser.post("/probe?a=1", {"b": "ü"}).status, 204)
        self.assertEqual((probe.seen.query, probe.seen.form), ({"a": "1"}, {"b": "ü"}))
        self.assertEqual(self.site.ask("POST", "/probe", body=b"{}", fields=[("Content-Type", "application/json")]).status, 400)
        self.assertEqual(
            self.site.ask("POST", "/probe", body=b"a=1&a=2", fields=[("Content-Type", "application/x-www-form-urlencoded")]).status, 400
        )
        self.assertEqual(self.site.ask("POST", "/probe", body=b"x" * 70_000).status, 413)

    def test_a_session_store_that_is_down(self) -> None:
        """503 with a time to come back, and no cookie of anybody's is touched."""
        log_in(self.browser)
        self.mount()
        self.site.sessions.load = lambda cookie, host, now: fail(StoreDown("redis"))  # type: ignore[method-assign]
        self.site.sessions.recall = lambda cookie, host, now: None  # type: ignore[method-assign]
        reply = self.browser.fetch("/probe")
        self.assertEqual((reply.status, reply["Retry-After"], reply["Set-Cookie"]), (503, "5", ""))
        self.assertEqual(reply.json["error"], "unavailable")

    def test_a_fault_of_ours(self) -> None:
        """500 with nothing of the fault in it, for people and for programs; the log has it."""
        self.mount(result=ZeroDivisionError("secret"))
        for reply in (self.browser.get("/probe"), self.browser.fetch("/probe")):
            self.assertEqual(reply.status, 500)
            self.assertNotIn("secret", reply.text)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_a_head_that_is_none(self) -> None:
        """In a plain ``Site`` heads come in that our channel refuses: so does the endpoint."""
        self.mount()
        self.assertEqual(self.site.ask("GET", "/probe", host="a b").status, 400)

    def test_the_use_of_a_session_counts(self) -> None:
        """After a tenth of the idle timeout the cookie is written anew here as everywhere."""
        log_in(self.browser)
        self.mount()
        self.assertNotIn("__Host-meshproxy=", self.browser.fetch("/probe")["Set-Cookie"])
        self.site.clock.advance(361)
        self.assertIn("__Host-meshproxy=", self.browser.fetch("/probe")["Set-Cookie"])

    def test_a_browser_that_leaves(self) -> None:
        """The coroutine goes to its end, and its answer to nobody: without an error."""
        waits: Deferred[Answer] = Deferred()
        self.mount(result=waits)
        protocol: Any = self.site.site.buildProtocol(IPv4Address("TCP", "192.0.2.7", 1))
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET /probe HTTP/1.1\r\nHost: apps.example.com\r\n\r\n")
        from twisted.internet.error import ConnectionLost
        from twisted.python.failure import Failure

        protocol.connectionLost(Failure(ConnectionLost()))
        waits.callback(Answer(200))
        self.assertEqual((transport.value(), self.flushLoggedErrors()), (b"", []))

    def test_an_answer_that_comes_later(self) -> None:
        """Nothing is sent before it is there."""
        waits: Deferred[Answer] = Deferred()
        self.mount(result=waits)
        transport = self.site.open("GET", "/probe")
        self.assertEqual(transport.value(), b"")
        waits.callback(Answer(404))
        self.assertEqual(Reply.read(transport.value()).status, 404)
