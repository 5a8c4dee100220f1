"""A request that has become a tunnel: bytes both ways, and every way to end."""

from __future__ import annotations

from meshproxy.settings import TimeoutSettings

from .support.house import COOKIE, Browser, House
from .support.wire import SWITCHING, ServiceTransport
from .test_channel import ChannelCase

HANDSHAKE = COOKIE + (
    b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


class TunnelTests(ChannelCase):
    def test_both_ways(self) -> None:
        """W1: after a verified 101 bytes pass both ways as they are."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=HANDSHAKE)
        service = house.wire.accept()
        self.assertIn(b"\r\nUpgrade: websocket\r\n", service.takes())
        service.answers(SWITCHING + b"\x81\x02hi")
        opened = browser.takes()
        self.assertTrue(opened.startswith(b"HTTP/1.1 101 Switching Protocols\r\n"))
        self.assertIn(b"\r\nUpgrade: websocket", opened)
        self.assertIn(b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", opened)
        self.assertTrue(opened.endswith(b"\x81\x02hi"))
        browser.sends(b"\x81\x82abcd12")
        self.assertEqual(service.takes(), b"\x81\x82abcd12")

    def test_anonymous(self) -> None:
        """W2: an upgrade without a session is 401, never a redirect, and nothing goes up."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=HANDSHAKE.replace(COOKIE, b"Accept: text/html\r\n"))
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 401 "))
        self.assertEqual(house.wire.waiting, 0)

    def test_early_bytes(self) -> None:
        """W3: bytes before the 101 are held, and go up when it comes."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=HANDSHAKE)
        service = house.wire.accept()
        service.takes()
        browser.sends(b"early")
        self.assertEqual(service.takes(), b"")
        service.answers(SWITCHING)
        self.assertEqual(service.takes(), b"early")

    def test_refused_upgrade(self) -> None:
        """W4: another answer than 101 is an ordinary answer; early bytes are not taken for a request."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=HANDSHAKE)
        service = house.wire.accept()
        browser.sends(b"GET /smuggled HTTP/1.1\r\nHost: apps.test:8080\r\n\r\n")
        service.takes()
        service.answers(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        answer = browser.takes()
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)
        self.assertTrue(answer.endswith(b"no"))
        self.assertTrue(browser.half_closed)
        self.assertEqual(service.takes(), b"")

    def test_wrong_accept(self) -> None:
        """W5: a 101 that does not fit the handshake is 502."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=HANDSHAKE)
        house.wire.accept().answers(SWITCHING.replace(b"s3pP", b"XXXX"))
        self.assertTrue(browser.takes().startswith(b"HTTP/1.1 502 "))

    def test_foreign_origin(self) -> None:
        """W7: a page of another origin cannot open a WebSocket with somebody's cookie."""
        house = self.house()
        for origin, allowed in ((b"http://evil.test", False), (b"http://apps.test:8080", True)):
            browser = house.browser()
            browser.asks(fields=HANDSHAKE + b"Origin: %b\r\n" % origin)
            self.assertEqual(browser.takes().startswith(b"HTTP/1.1 403 "), not allowed)
        self.assertEqual(house.wire.waiting, 1)

    def test_session_ends(self) -> None:
        """W8: when its session ends a tunnel is closed, with a 1008 close frame between two frames."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=HANDSHAKE)
        service = house.wire.accept()
        service.answers(SWITCHING + b"\x81\x02hi")
        browser.takes()
        (channel,) = house.sessions.live[b"alice"].channels
        channel.session_ended("logout")
        self.assertEqual(browser.takes(), b"\x88\x08\x03\xf0logout")
        self.assertTrue(browser.disconnecting)
        self.assertTrue(service.disconnecting)
        self.assertEqual(house.sessions.live[b"alice"].channels, set())
        self.assertTrue(house.records[0].tunnel)

    def test_session_ends_inside_a_frame(self) -> None:
        """Inside a frame no close frame is written: it would be taken for payload."""
        house = self.house()
        browser = house.browser()
        browser.asks(fields=HANDSHAKE)
        house.wire.accept().answers(SWITCHING + b"\x81\x05he")
        browser.takes()
        next(iter(house.sessions.live[b"alice"].channels)).session_ended("logout")
        self.assertEqual(browser.takes(), b"")
        self.assertTrue(browser.disconnecting)


class EndTests(ChannelCase):
    """W9: what one side does to its connection is done to the other; nothing is left behind."""

    def opened(self, **more: object) -> tuple[House, Browser, ServiceTransport]:
        house = self.house(**more)
        browser = house.browser()
        browser.asks(fields=HANDSHAKE)
        service = house.wire.accept()
        service.answers(SWITCHING)
        browser.takes()
        service.takes()
        return house, browser, service

    def over(self, house: House) -> None:
        """No tunnel is counted any more, and its record is written."""
        self.assertEqual((len(house.gateway.tunnels), house.wire.pool.tunnels, len(house.records)), (0, 0, 1))
        self.assertEqual(house.sessions.live[b"alice"].channels, set())

    def test_service_finishes_first(self) -> None:
        """The service's FIN reaches the browser as one; what the browser still says arrives, until it finishes too."""
        house, browser, service = self.opened()
        service.answers(b"last words")
        service.fin()
        self.assertEqual((browser.takes(), browser.half_closed, browser.disconnecting), (b"last words", True, False))
        self.assertEqual(len(house.gateway.tunnels), 1)
        browser.sends(b"and mine")
        self.assertEqual(service.takes(), b"and mine")
        browser.fin()
        self.assertTrue(service.disconnecting and browser.disconnecting)
        self.assertFalse(service.disconnected or browser.disconnected)  # in order, no reset
        self.over(house)

    def test_browser_finishes_first(self) -> None:
        """The browser's FIN reaches the service as one; what the service still says arrives."""
        house, browser, service = self.opened()
        browser.sends(b"last words")
        browser.fin()
        self.assertEqual((service.takes(), service.half_closed, service.disconnecting), (b"last words", True, False))
        service.answers(b"and mine")
        self.assertEqual(browser.takes(), b"and mine")
        service.fin()
        self.assertTrue(service.disconnecting and browser.disconnecting)
        self.assertFalse(service.disconnected or browser.disconnected)
        self.over(house)

    def test_service_gone_after_its_fin(self) -> None:
        """A service that closed altogether resets what comes after its FIN: the browser, which has all it said, sees an orderly end."""
        house, browser, service = self.opened()
        service.fin()
        service.lost(clean=False)
        self.assertTrue(browser.disconnecting)
        self.assertFalse(browser.disconnected)
        self.over(house)

    def test_reset(self) -> None:
        """A reset of one side resets the other at once."""
        house, browser, service = self.opened()
        service.lost(clean=False)
        self.assertTrue(browser.disconnected)
        self.over(house)
        house, browser, service = self.opened()
        browser.lost(clean=False)
        self.assertTrue(service.disconnected)
        self.over(house)

    def test_no_half_close(self) -> None:
        """Where the browser's side knows no half-close (TLS), the service's FIN is the end of both directions."""
        house, browser, service = self.opened()
        (channel,) = house.gateway.channels
        channel.scheme = "https"
        service.fin()
        self.assertTrue(browser.disconnecting and service.disconnecting)
        self.assertFalse(browser.disconnected)
        self.over(house)

    def test_half_open_for_long(self) -> None:
        """A tunnel of which only one direction is left does not stay for ever, whichever side keeps silent."""
        for end in ("service", "browser"):
            house, browser, service = self.opened()
            (service if end == "service" else browser).fin()
            house.wire.advance(29.0)
            self.assertEqual(len(house.gateway.tunnels), 1)
            house.wire.advance(2.0)
            self.assertTrue(browser.disconnecting and service.disconnecting)
            self.over(house)

    def test_idle(self) -> None:
        """An idle tunnel is closed in order after ``tunnel_idle``."""
        house, browser, _service = self.opened(timeouts=TimeoutSettings(tunnel_idle=60.0))
        house.wire.advance(59.0)
        self.assertFalse(browser.disconnecting)
        house.wire.advance(2.0)
        self.assertTrue(browser.disconnecting)
        self.assertFalse(browser.disconnected)
        self.over(house)

    def test_drained(self) -> None:
        """When meshproxy ends, a tunnel gets a close frame that says so: 1001."""
        house, browser, service = self.opened()
        for channel in list(house.gateway.channels):
            channel.close_when_idle()
        self.assertEqual(browser.takes(), b"\x88\x0c\x03\xe9going away")
        self.assertTrue(browser.disconnecting and service.disconnecting)
        self.over(house)

    def test_session_ends_twice(self) -> None:
        """What has ended does not end again: no second frame, no second record."""
        house, browser, _service = self.opened()
        (relay,) = house.gateway.tunnels
        relay.session_ended("logout")
        relay.session_ended("logout")
        relay.tunnel_closed(False)
        self.assertEqual(browser.takes().count(b"logout"), 1)
        self.over(house)
