"""Who takes a request's body."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.web.sink import Unread

from .support.house import COOKIE, House


class UnreadTests(SynchronousTestCase):
    def test_body_of_an_answered_request(self) -> None:
        """A request that is answered at once may have a body; it is not taken for the next request, and the connection ends."""
        house = House()
        self.addCleanup(house.close)
        browser = house.browser()
        browser.asks(b"*", method=b"OPTIONS", fields=COOKIE, body=b"GET /smuggled HTTP/1.1\r\nHost: apps.test:8080\r\n\r\n")
        self.assertEqual(browser.takes().count(b"HTTP/1.1 "), 1)
        self.assertEqual(house.wire.waiting, 0)

    def test_takes_all(self) -> None:
        """It takes anything in any order and says nothing."""
        sink = Unread()
        sink.request_data(b"x")
        sink.request_end()
        sink.client_gone(False)
        self.assertEqual(vars(sink) if hasattr(sink, "__dict__") else {}, {})
