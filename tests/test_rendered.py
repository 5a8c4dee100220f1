"""Requests that a Twisted resource renders."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from .support.house import COOKIE
from .test_channel import ChannelCase


class Slow(Resource):
    """Answers when the test says so."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Any] = []
        self.gone: list[Any] = []

    def render(self, request: Any) -> int:
        self.requests.append(request)
        request.notifyFinish().addErrback(self.gone.append)
        return NOT_DONE_YET


class RenderedTests(ChannelCase):
    def test_continue(self) -> None:
        """A form that is announced with Expect is asked for."""
        house = self.house()
        browser = house.browser()
        browser.asks(b"/_meshproxy/x", method=b"POST", fields=b"Expect: 100-continue\r\nContent-Length: 2\r\n")
        self.assertEqual(browser.takes(), b"HTTP/1.1 100 Continue\r\n\r\n")
        browser.sends(b"ok")
        self.assertTrue(browser.takes().endswith(b"POST ok"))

    def test_client_leaves(self) -> None:
        """A resource learns that nobody waits any more."""
        house = self.house()
        slow = house.tree._own = Slow()
        browser = house.browser()
        browser.asks(b"/_meshproxy/x")
        browser.lost()
        self.assertEqual(len(slow.gone), 1)

    def test_close(self) -> None:
        """A client that wants the connection closed is told that it will be."""
        house = self.house()
        browser = house.browser()
        browser.asks(b"/_meshproxy/x", fields=b"Connection: close\r\n")
        self.assertIn(b"connection: close\r\n", browser.takes().lower())
        self.assertTrue(browser.disconnecting)

    def test_waits_for_its_turn(self) -> None:
        """What comes behind a rendered request waits for its answer."""
        house = self.house()
        slow = house.tree._own = Slow()
        browser = house.browser()
        browser.asks(b"/_meshproxy/x")
        browser.asks(b"/", fields=COOKIE)
        self.assertEqual(house.wire.waiting, 0)
        slow.requests[0].write(b"done")
        slow.requests[0].finish()
        self.assertEqual(house.wire.waiting, 1)
