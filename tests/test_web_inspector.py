"""The inspector's page, JSON and stream: :mod:`meshproxy.web.own.inspector`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.exchange import Exchange
from meshproxy.core.peer import Peer
from meshproxy.observe.inspector import Inspector
from meshproxy.settings import OperatorSettings
from tests.support.own_site import OTHER, Browser, OwnSite, log_in

PAGE = "/_meshproxy/inspector"


def exchange(number: int, service: str = "headers", failed: bool = False) -> Exchange:
    one = Exchange(b"id%d" % number, b"GET", b"/headers/<b>%d" % number, "apps.example.com", Peer("192.0.2.7"), 1000.0 + number)
    one.service, one.event, one.status = service, "request.failed" if failed else "request.forwarded", 502 if failed else 200
    one.fields = [(b"Cookie", b"meshproxy=hush"), (b"X", b"<script>alert(1)</script>")]
    one.outgoing_head = b"GET / HTTP/1.1\r\nHost: headers.svc\r\nX-User: alice\r\n\r\n"
    return one


class Pages(SynchronousTestCase):
    def setUp(self) -> None:
        self.inspector = Inspector()
        plain = OwnSite()
        self.site = OwnSite(settings=replace(plain.settings, operators=OperatorSettings(groups=("sre",))), inspector=self.inspector)
        self.operator, self.other = Browser(self.site), Browser(self.site)
        log_in(self.operator)
        log_in(self.other, "bob")
        for number, service, failed in ((1, "headers", False), (2, "board", True), (3, "headers", True)):
            self.inspector.record(exchange(number, service, failed))

    def test_for_operators_alone(self) -> None:
        """Nobody is sent to the login, everybody else gets 403 and which groups would do; the stream likewise."""
        for path in (PAGE, f"{PAGE}/live"):
            self.assertEqual(Browser(self.site).get(path).status, 302)
            self.assertEqual(Browser(self.site).fetch(path).status, 401)
            reply = self.other.fetch(path)
            self.assertEqual((reply.status, reply.json["needs"]), (403, {"groups": ["sre"]}))
            self.assertNotIn("headers.svc", self.other.get(path).text)

    def test_the_page(self) -> None:
        """Each request with both heads, what somebody else wrote in it escaped, no secret; opened where it is the one asked for."""
        reply = self.operator.get(PAGE)
        self.assertEqual((reply.status, reply["Cache-Control"]), (200, "no-store"))
        self.assertIn("default-src 'none'", reply["Content-Security-Policy"])
        for words in ("/headers/&lt;b&gt;1", "headers.svc", "X-User:", "&lt;script&gt;", "did not pass", "set here"):
            self.assertIn(words, reply.text)
        self.assertNotIn("hush", reply.text)
        self.assertNotIn("<script", reply.text)
        self.assertIn("<details open>", self.operator.get(f"{PAGE}?id=id2").text)
        self.assertIn("not remembered", self.operator.get(f"{PAGE}?id=id9").text)

    def test_json(self) -> None:
        """For programs: the same, newest first, of one service, failures only, one by its id."""
        def ids(query: str) -> list[str]:
            return [one["request_id"] for one in self.operator.fetch(PAGE + query).json["requests"]]

        self.assertEqual(ids(""), ["id3", "id2", "id1"])
        self.assertEqual(ids("?service=headers"), ["id3", "id1"])
        self.assertEqual((ids("?service=*&failed=1"), ids("?service=")), (["id3", "id2"], []))
        self.assertEqual(ids("?id=id1"), ["id1"])
        self.assertEqual(self.operator.fetch(PAGE).json["services"], ["board", "headers"])

    def test_other_paths_and_methods(self) -> None:
        """There is nothing to send to it."""
        self.assertEqual(self.operator.post(PAGE, {"a": "b"}).status, 405)

    def look(self, accept: str, query: str = "", host: str = "apps.example.com") -> StringTransport:
        fields = [("Accept", accept), ("Cookie", self.operator.cookie())]
        return self.site.open("GET", f"{PAGE}/live{query}", host=host, fields=fields)

    def test_live_for_programs(self) -> None:
        """Server-sent events: one a request from now on, of the service that was asked for; signs of life in between."""
        transport = self.look("text/event-stream", "?service=headers")
        self.assertIn(b"text/event-stream", transport.value())
        transport.clear()
        self.inspector.record(exchange(4, "board", True))
        self.inspector.record(exchange(5, "headers", True))
        [event] = transport.value().split(b"data: ")[1:]
        self.assertEqual(json.loads(event.partition(b"\n\n")[0])["request_id"], "id5")
        transport.clear()
        self.site.clock.advance(16)
        self.assertIn(b": \n\n", transport.value())
        self.leave(transport)

    def test_live_for_people(self) -> None:
        """A page that goes on, without a script."""
        transport = self.look("text/html")
        self.assertIn(b"<ul class=\"requests\">", transport.value())
        self.assertNotIn(b"</html>", transport.value())
        transport.clear()
        self.inspector.record(exchange(6, failed=True))
        self.assertIn(b"/headers/&lt;b&gt;6", transport.value())
        self.leave(transport)

    def leave(self, transport: StringTransport) -> None:
        """The viewer goes: nothing is left behind."""
        self.protocols(transport)
        self.assertEqual(self.inspector._listeners, [])
        self.assertEqual([call for call in self.site.clock.getDelayedCalls() if "LoopingCall" in repr(call.func)], [])

    @staticmethod
    def protocols(transport: StringTransport) -> None:
        from twisted.internet.error import ConnectionLost
        from twisted.python.failure import Failure

        producer: Any = transport.producer
        channel = producer if hasattr(producer, "connectionLost") else producer._channel
        channel.connectionLost(Failure(ConnectionLost()))

    def test_the_stream_ends_with_the_session(self) -> None:
        """Who is logged out sees nothing more."""
        transport = self.look("text/event-stream")
        live = next(iter(self.site.sessions.book))
        for one in self.site.sessions.book:
            if one.principal.subject == "alice":
                live = one
        live.end("logout")
        self.assertIn(b"event: end", transport.value())
        self.assertEqual(self.inspector._listeners, [])

    def test_who_does_not_keep_up(self) -> None:
        """Misses some, and is told how many; nothing is kept for them."""
        transport = self.look("text/event-stream")
        producer: Any = transport.producer
        producer.pauseProducing()
        transport.clear()
        for number in range(10, 15):
            self.inspector.record(exchange(number, failed=True))
        self.assertEqual(transport.value(), b"")
        producer.resumeProducing()
        self.inspector.record(exchange(20, failed=True))
        self.assertIn(b'"missed": 5', transport.value())
        self.leave(transport)

    def test_without_an_inspector(self) -> None:
        """There is no such page."""
        site = OwnSite()
        browser = Browser(site)
        log_in(browser)
        self.assertEqual(browser.get(PAGE).status, 404)
        self.assertEqual(browser.get(f"https://{OTHER}{PAGE}").status, 404)
