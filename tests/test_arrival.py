"""What a page of ours knows of the request it answers."""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from meshproxy.web.arrival import Arrival

from .support.house import COOKIE, House
from .support.wire import ServiceTransport

HEAD = b"GET /_meshproxy/x?y=1 HTTP/1.1\r\nHost: apps.test:8080\r\nAccept: text/html\r\n" + COOKIE + b"\r\n"


class Page(Resource):
    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.arrivals: list[Arrival] = []

    def render(self, request: Any) -> bytes:
        self.arrivals.append(Arrival.of(request))
        return b"ok"


class ArrivalTests(SynchronousTestCase):
    def check(self, arrival: Arrival) -> None:
        self.assertEqual((arrival.authority, arrival.host, arrival.scheme), ("apps.test:8080", "apps.test", "http"))
        self.assertEqual(arrival.cookie, b"meshproxy=alice; theirs=1")
        self.assertEqual((arrival.head.method, arrival.head.target), (b"GET", b"/_meshproxy/x?y=1"))
        self.assertTrue(arrival.html)

    def test_our_channel(self) -> None:
        """Under our channel the facts that were found are used, the request's id too."""
        house = House()
        self.addCleanup(house.close)
        page = house.tree._own = Page()
        browser = house.browser()
        browser.sends(HEAD)
        (arrival,) = page.arrivals
        self.check(arrival)
        self.assertEqual((arrival.client, arrival.peer.address), ("192.0.2.7", "192.0.2.7"))
        self.assertIn(b"x-request-id: " + arrival.request_id.encode(), browser.takes().lower())

    def test_plain_site(self) -> None:
        """In anybody's Site they are found by the same rules."""
        page = Page()
        reactor = MemoryReactorClock()
        channel = Site(page, reactor=reactor).buildProtocol(None)
        channel.makeConnection(ServiceTransport(reactor, channel))
        channel.dataReceived(HEAD)
        (arrival,) = page.arrivals
        self.check(arrival)
        self.assertEqual(arrival.request_id, "")
