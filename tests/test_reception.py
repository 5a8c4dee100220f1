"""Requests as they come in: ids, addresses, what trusted peers claim."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.internet.address import IPv4Address

from meshproxy.core.trust import Trust
from meshproxy.settings import LimitSettings
from meshproxy.web.channel import MeshChannel

from .support.house import COOKIE
from .test_channel import OK, ChannelCase

FORWARDED = b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Request-Id: from-the-gateway\r\n"


class ReceptionTests(ChannelCase):
    def test_stranger(self) -> None:
        """What a stranger claims about the client is not believed, and not passed on."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=COOKIE + FORWARDED)
        sent = house.wire.accept().takes()
        self.assertIn(b"\r\nX-Forwarded-For: 192.0.2.7\r\n", sent)
        self.assertNotIn(b"from-the-gateway", sent)
        self.assertNotIn(b"203.0.113.9", sent)

    def test_trusted_peer(self) -> None:
        """A trusted peer's word is believed: client, request id, and the host that the browser asked for."""
        house = self.house(trust=Trust((ip_network("192.0.2.0/24"),), (), ()))
        browser = house.browser()
        browser.sends(b"GET / HTTP/1.1\r\nHost: meshproxy.svc\r\nX-Forwarded-Host: apps.test:8080\r\n" + COOKIE + FORWARDED + b"\r\n")
        service = house.wire.accept()
        sent = service.takes()
        self.assertIn(b"\r\nX-Forwarded-For: 203.0.113.9, 192.0.2.7\r\n", sent)
        self.assertIn(b"\r\nX-Request-Id: from-the-gateway\r\n", sent)
        service.answers(OK)
        self.assertIn(b"\r\nX-Request-Id: from-the-gateway\r\n", browser.takes())
        record = house.records[0]
        self.assertEqual((record.client, record.authority, record.scheme), ("203.0.113.9", "apps.test:8080", "https"))

    def test_request_ids(self) -> None:
        """Every request has an id of its own."""
        house = self.house()
        ids = {house.gateway.next_request_id() for _ in range(1000)}
        self.assertEqual(len(ids), 1000)

    def test_date(self) -> None:
        """The date is that of the clock, and changes with it."""
        house = self.house()
        first = house.gateway.date()
        self.assertEqual(first, b"Thu, 01 Jan 1970 00:16:40 GMT")
        house.wire.advance(61.0)
        self.assertEqual(house.gateway.date(), b"Thu, 01 Jan 1970 00:17:41 GMT")

    def test_connections_per_peer(self) -> None:
        """Connections are counted by address, and no longer when they are gone."""
        house = self.house(limits=LimitSettings(connections_per_peer=2, connections=3))
        one, two = house.browser("192.0.2.1"), house.browser("192.0.2.1")
        self.assertEqual(house.gateway.connections_of("192.0.2.1"), 2)
        third = house.site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 5))
        self.assertNotIsInstance(third, MeshChannel)
        one.lost()
        self.assertEqual(house.gateway.connections_of("192.0.2.1"), 1)
        two.lost()
        self.assertEqual(house.gateway.connections_of("192.0.2.1"), 0)

    def test_broken_observer(self) -> None:
        """An observer that breaks keeps neither the answer nor the other observers from it."""
        house = self.house()
        seen = []

        def breaks(exchange: object) -> None:
            raise RuntimeError("observer")

        house.gateway.observers = (breaks, seen.append)
        browser = house.browser()
        browser.asks()
        house.wire.accept().answers(OK)
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 200 "))
        self.assertEqual(len(seen), 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
