"""The resource tree, asked with a head and asked by Twisted Web."""

from __future__ import annotations

from twisted.web.static import Data

from meshproxy.core.inspection import Facts, Malformed

from .support.house import COOKIE
from .test_channel import ChannelCase


def facts(host: str, path: bytes) -> Facts:
    made = Facts()
    made.host, made.path = host, path
    return made


class TreeTests(ChannelCase):
    def test_locate(self) -> None:
        """A service's paths lead to its resource; ours and the home page to none."""
        house = self.house(path="/app")
        self.assertEqual(house.tree.locate(facts("apps.test", b"/app/x")), (house.resource, b"/app/x"))
        self.assertIsNone(house.tree.locate(facts("apps.test", b"/_meshproxy/login")))
        self.assertIsNone(house.tree.locate(facts("apps.test", b"/")))

    def test_nowhere(self) -> None:
        """A path that nobody has is 404, a host that nobody has 421, a path of two meanings 400."""
        house = self.house(path="/app")
        for host, path, status in (("apps.test", b"/other", 404), ("b.test", b"/", 421), ("apps.test", b"/app/..%2f_meshproxy", 400)):
            with self.assertRaises(Malformed) as caught:
                house.tree.locate(facts(host, path))
            self.assertEqual(caught.exception.status, status, path)

    def test_mounted_by_others(self) -> None:
        """What others put into the tree is rendered as Twisted Web does."""
        house = self.house(path="/app")
        house.tree.putChild(b"hello", Data(b"there", "text/plain"))
        browser = house.browser()
        browser.asks(b"/hello", fields=COOKIE)
        self.assertTrue(browser.takes().endswith(b"there"))
        browser.asks(b"/_meshproxy/x")
        self.assertIn(b"own page", browser.takes())
