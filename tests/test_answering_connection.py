"""How answers get out of a connection of ours: framing, one at a time, and the end where nothing else would be certain."""

from __future__ import annotations

from meshproxy.core.heads import Answer

from .support.house import COOKIE, Browser, House
from .support.wire import ServiceTransport
from .test_channel import OK, ChannelCase

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class AnswerTests(ChannelCase):
    def asked(self, **more: bytes) -> tuple[House, Browser, ServiceTransport]:
        house = self.house()
        browser = house.browser()
        browser.asks(**more)  # type: ignore[arg-type]
        return house, browser, house.wire.accept()

    def test_one_write(self) -> None:
        """Head and body that came together go out together."""
        _, browser, service = self.asked()
        writes: list[bytes] = []
        browser.write = writes.append  # type: ignore[method-assign]
        (channel,) = _.gateway.channels
        channel._writer.__init__(browser)  # a writer takes its transport's write once
        service.answers(OK)
        self.assertEqual(len(writes), 1)
        self.assertTrue(writes[0].endswith(b"\r\n\r\nok"))

    def test_as_it_comes(self) -> None:
        """A piece of an answer is sent when it comes, in a chunk of its own."""
        _, browser, service = self.asked()
        service.answers(CHUNKED)
        self.assertIn(b"\r\nTransfer-Encoding: chunked\r\n", browser.takes())
        for _ in range(3):
            service.answers(b"5\r\ndata\n\r\n")
            self.assertEqual(browser.takes(), b"5\r\ndata\n\r\n")
        service.answers(b"0\r\n\r\n")
        self.assertEqual(browser.takes(), b"0\r\n\r\n")

    def test_interim(self) -> None:
        """P6: 103 arrives before the answer; an HTTP/1.0 client never sees it."""
        for version, count in ((b"1.1", 1), (b"1.0", 0)):
            _, browser, service = self.asked(version=version)
            service.answers(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + OK)
            answer = browser.takes()
            self.assertEqual((answer.count(b"103 Early Hints\r\nLink: </a.css>\r\n\r\n"), answer.count(b" 200 OK\r\n")), (count, 1))

    def test_cut(self) -> None:
        """P9: a cut answer ends with FIN where the framing tells that it is not whole, else with RST."""
        for version, head, reset in (
            (b"1.1", CHUNKED + b"2\r\nok\r\n", False), (b"1.1", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", False),
            (b"1.0", CHUNKED + b"2\r\nok\r\n", True),
        ):
            _, browser, service = self.asked(version=version)
            service.answers(head)
            service.lost(clean=False)
            self.assertNotIn(b"0\r\n\r\n", browser.takes())
            self.assertEqual((browser.disconnecting, browser.disconnected), (True, reset))

    def test_head_without_body(self) -> None:
        """An answer of ours to HEAD has the length of its body, and no body."""
        house = self.house()
        browser = house.browser()
        browser.asks(method=b"HEAD", fields=b"")
        head, _, body = browser.takes().partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 401 "), head)
        self.assertNotIn(b"\r\nContent-Length: 0", head)
        self.assertEqual(body, b"")

    def test_malformed_after_head(self) -> None:
        """A refusal is not framed by the request before it: after a HEAD it has its body, and its own line in the record."""
        house = self.house()
        browser = house.browser()
        browser.asks(b"/before", method=b"HEAD", fields=b"")
        browser.takes()
        for bad in (b"\x00\x01", b"GET /bad HTTP/1.1\r\nHost: a\x01b\r\n\r\n"):
            browser.sends(bad)
            head, _, body = browser.takes().partition(b"\r\n\r\n")
            self.assertIn(b"\r\nContent-Length: %d" % len(body), head)
            self.assertTrue(body)
            browser = house.browser()
        self.assertEqual([(record.method, record.target) for record in house.records[1:]], [(b"", b""), (b"GET", b"/bad")])

    def test_field_that_would_be_two(self) -> None:
        """An answer of ours that could not be framed is not sent at all: the connection ends, the log says why."""
        house = self.house()
        browser = house.browser()
        house.gateway.refusals.challenge = lambda *_, **__: Answer(302, ((b"Location", b"/\r\nX: y"),), b"")  # type: ignore[method-assign]
        browser.asks(fields=b"")
        self.assertEqual(browser.takes(), b"")
        self.assertTrue(browser.disconnecting)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_early_bytes_do_not_outlive_their_tunnel(self) -> None:
        """An answer with a request body still on its way ends the connection, and reads a little of the rest first (P12)."""
        _, browser, service = self.asked(method=b"POST", fields=COOKIE + b"Content-Length: 500000\r\n")
        service.answers(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        self.assertTrue(browser.half_closed)
        self.assertFalse(browser.disconnecting)
        browser.sends(b"x" * 30000, b"x" * 30000)
        self.assertEqual(browser.producerState, "producing")
        browser.sends(b"x" * 30000)
        self.assertEqual(browser.producerState, "paused")
        _.wire.advance(1.5)
        self.assertTrue(browser.disconnecting)
        self.assertFalse(browser.disconnected)
