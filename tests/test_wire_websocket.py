"""RFC 6455 through the whole path: rows W1 to W9 and W12 of the wire rules (W10 and W11 need real sockets)."""

from __future__ import annotations

from typing import Any

from meshproxy.core.policy import RequestSettings

from .support.house import COOKIE, Browser, House
from .support.strict import read_answer, read_request
from .support.wire import SWITCHING, ServiceTransport
from .test_channel import ChannelCase

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
FIREFOX = COOKIE + b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n" + KEY


class WebSocketTests(ChannelCase):
    def asked(self, fields: bytes = FIREFOX, **more: Any) -> tuple[House, Browser, ServiceTransport]:
        """A handshake that has reached the service."""
        house = self.house(**more)
        browser = house.browser()
        browser.asks(b"/ws", fields=fields)
        return house, browser, house.wire.accept()

    def test_handshake(self) -> None:
        """W1: a handshake as Firefox writes it becomes a tunnel; extensions and protocols are between the two ends."""
        _house, browser, service = self.asked(FIREFOX + b"Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n")
        sent = read_request(service.takes())
        self.assertEqual((sent.start, sent.values(b"connection")), ((b"GET", b"/ws"), [b"Upgrade"]))
        self.assertEqual((sent.values(b"upgrade"), sent.values(b"sec-websocket-version")), ([b"websocket"], [b"13"]))
        self.assertEqual(sent.values(b"sec-websocket-protocol"), [b"a, b"])
        self.assertEqual(sent.values(b"x-user"), [b"alice"])
        service.answers(SWITCHING[:-2] + b"Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
        opened = browser.takes()
        self.assertTrue(opened.startswith(b"HTTP/1.1 101 "), opened)
        for line in (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Protocol: b",
                     b"Sec-WebSocket-Extensions: permessage-deflate"):
            self.assertIn(b"\r\n" + line + b"\r\n", opened)
        every = bytes(range(256)) * 10
        browser.sends(every)
        service.answers(every)
        self.assertEqual((service.takes(), browser.takes()), (every, every))

    def test_anonymous(self) -> None:
        """W2: without a session an upgrade is 401, never a redirect, whatever the browser accepts; nothing goes up."""
        for fields in (b"", b"Accept: text/html\r\n", b"Sec-Fetch-Mode: navigate\r\n", b"Cookie: meshproxy=forged\r\n"):
            house = self.house()
            browser = house.browser()
            browser.asks(b"/ws", fields=FIREFOX.replace(COOKIE, fields))
            answer = read_answer(browser.takes())
            self.assertEqual((answer.status, answer.values(b"location"), house.wire.waiting), (401, [], 0))

    def test_early_bytes(self) -> None:
        """W3: what the client sends before the 101 is held, at most 16 KiB of it, and goes up behind the 101."""
        _house, browser, service = self.asked()
        service.takes()
        browser.sends(b"a" * 10_000)
        self.assertEqual((service.takes(), browser.producerState), (b"", "producing"))
        browser.sends(b"b" * 10_000)
        self.assertEqual((service.takes(), browser.producerState), (b"", "paused"))
        service.answers(SWITCHING)
        self.assertEqual((service.takes(), browser.producerState), (b"a" * 10_000 + b"b" * 10_000, "producing"))

    def test_refused(self) -> None:
        """W3, W4, W6: another answer passes as it is; then both connections end, and early bytes are nobody's request."""
        smuggled = b"GET /admin HTTP/1.1\r\nHost: apps.test:8080\r\n" + COOKIE + b"\r\n"
        for start, field in ((b"200 OK", b"X: y"), (b"403 Forbidden", b"X: y"), (b"426 Upgrade Required", b"Sec-WebSocket-Version: 13")):
            house, browser, service = self.asked(FIREFOX.replace(b"Version: 13", b"Version: 7"))
            self.assertEqual(read_request(service.takes()).values(b"sec-websocket-version"), [b"7"])
            browser.sends(smuggled)
            service.answers(b"HTTP/1.1 %b\r\n%b\r\nContent-Length: 2\r\n\r\nno" % (start, field))
            browser.sends(smuggled)
            told = read_answer(browser.takes())
            self.assertEqual((str(told.status).encode(), told.body, told.rest), (start[:3], b"no", b""))
            name, _, value = field.partition(b": ")
            self.assertEqual((told.values(name.lower()), told.values(b"connection")), ([value], [b"close"]))
            self.assertTrue(browser.half_closed or browser.disconnecting)
            self.assertEqual((service.takes(), house.wire.waiting), (b"", 0))

    def test_false_101(self) -> None:
        """W5: a 101 that nobody asked for, or that does not answer this handshake, is 502."""
        for fields, answer in (
            (COOKIE, SWITCHING), (FIREFOX, SWITCHING.replace(b"websocket", b"h2c")),
            (FIREFOX, SWITCHING.replace(b"Upgrade: websocket\r\n", b"")),
            (FIREFOX, SWITCHING.replace(b"s3pP", b"AAAA")), (FIREFOX, SWITCHING.replace(b"Sec-WebSocket-Accept", b"X-Accept")),
            (FIREFOX, SWITCHING.replace(b"Connection: Upgrade", b"Connection: close")),
            (FIREFOX, SWITCHING.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")),
        ):
            house, browser, service = self.asked(fields)
            service.answers(answer + b"raw")
            told = read_answer(browser.takes())
            self.assertEqual((told.status, b"raw" in told.body, service.disconnected), (502, False, True), answer)
            self.assertEqual((len(house.gateway.tunnels), house.wire.pool.tunnels), (0, 0))

    def test_not_quite_an_upgrade(self) -> None:
        """§0.9: what is not exactly a handshake goes up as a plain request, and a 101 to it is 502."""
        for fields in (
            FIREFOX.replace(b"websocket\r\n", b"websocket, h2c\r\n"), FIREFOX.replace(KEY, b""), FIREFOX.replace(KEY, KEY + KEY),
            FIREFOX.replace(b"Sec-WebSocket-Version: 13\r\n", b""), FIREFOX.replace(b"ZQ==", b"ZQ="),
            FIREFOX.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Key: short"),
            FIREFOX.replace(b"keep-alive, Upgrade", b"keep-alive"),
        ):
            _house, browser, service = self.asked(fields)
            sent = read_request(service.takes())
            self.assertEqual((sent.values(b"upgrade"), b"upgrade" in b"".join(sent.values(b"connection")).lower()), ([], False), fields)
            service.answers(SWITCHING)
            self.assertEqual(read_answer(browser.takes()).status, 502)

    def test_foreign_origin(self) -> None:
        """W7: only pages of the route's own origin and the allowed ones open WebSockets with a cookie; no Origin is no browser."""
        request = RequestSettings(allowed_origins=("https://other.test",))
        for origin, allowed in (
            (b"", True), (b"Origin: http://apps.test:8080\r\n", True), (b"Origin: https://other.test\r\n", True),
            (b"Origin: http://evil.test\r\n", False), (b"Origin: null\r\n", False), (b"Origin: http://apps.test\r\n", False),
            (b"Origin: https://apps.test:8080\r\n", False), (b"Origin: http://apps.test:8080.evil.test\r\n", False),
        ):
            house = self.house(request=request)
            browser = house.browser()
            browser.asks(b"/ws", fields=FIREFOX + origin)
            self.assertEqual(house.wire.waiting, int(allowed), origin)
            if not allowed:
                self.assertEqual(read_answer(browser.takes()).status, 403, origin)

    def test_session_ends(self) -> None:
        """W8: with its session a tunnel ends: a 1008 close frame where a frame has just ended, else the end alone."""
        for came, frame in ((b"\x81\x02hi", b"\x88\x08\x03\xf0logout"), (b"\x81\x7e\x01\x00half", b""), (b"", b"\x88\x08\x03\xf0logout")):
            house, browser, service = self.asked()
            service.answers(SWITCHING, came)
            browser.takes()
            (relay,) = house.sessions.live[b"alice"].channels
            relay.session_ended("logout")
            self.assertEqual(browser.takes(), frame)
            self.assertTrue(browser.disconnecting and service.disconnecting)
            self.assertEqual((house.sessions.live[b"alice"].channels, len(house.gateway.tunnels)), (set(), 0))

    def test_ends(self) -> None:
        """W9: FIN passes on as FIN, RST as RST, at once and in both directions; no tunnel is left."""
        for side in ("browser", "service"):
            for end in ("fin", "reset"):
                house, browser, service = self.asked()
                service.answers(SWITCHING)
                this, that = (browser, service) if side == "browser" else (service, browser)
                if end == "fin":
                    this.fin()
                    self.assertEqual((that.half_closed, that.disconnecting), (True, False), (side, end))
                    that.fin()
                    self.assertTrue(this.disconnecting and that.disconnecting)
                else:
                    this.lost(clean=False)
                    self.assertTrue(that.disconnected, (side, end))
                house.wire.reactor.advance(0)
                self.assertEqual((len(house.gateway.tunnels), house.wire.pool.tunnels, house.wire.pool.connections), (0, 0, 0))

    def test_no_http2(self) -> None:
        """W12: there is no HTTP/2, so no WebSocket over it: its preface and its upgrade lead nowhere."""
        house = self.house()
        browser = house.browser()
        browser.sends(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\x06\x04\0\0\0\0\0\0\x08\0\0\0\x01")
        answer = read_answer(browser.takes())
        self.assertIn(answer.status, (400, 505))
        self.assertEqual((answer.rest, house.wire.waiting), (b"", 0))
