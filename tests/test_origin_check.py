"""The cross-origin check of contract §2.4.3."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.inspection import Facts
from meshproxy.core.origin_check import cross_origin

PUBLIC = "https://apps.example.com"


def refused(method: bytes, origin: bytes | None = None, site: bytes | None = None, *, websocket: bool = False) -> bool:
    facts = Facts()
    facts.origin, facts.sec_fetch_site, facts.upgrade_websocket = origin, site, websocket
    return cross_origin(facts, PUBLIC, frozenset({b"https://friend.example"}), method) is not None


class CrossOriginTests(SynchronousTestCase):
    def test_table(self) -> None:
        """W7 and contract §2.4.3: Origin first, then ``Sec-Fetch-Site``, then whether any browser sent it."""
        for origin, site, refusal in (
            (b"https://apps.example.com", None, False),
            (b"HTTPS://Apps.example.com", None, False),
            (b"https://apps.example.com", b"cross-site", False),
            (b"https://friend.example", b"cross-site", False),
            (b"https://evil.example", None, True),
            (b"https://evil.example", b"same-origin", True),
            (b"http://apps.example.com", None, True),
            (b"https://apps.example.com:8443", None, True),
            (b"https://apps.example.com.evil.example", None, True),
            (b"", None, True),
            (None, None, False),
            (None, b"same-origin", False),
            (None, b"none", False),
            (None, b"same-site", True),
            (None, b"cross-site", True),
            (None, b"none, cross-site", True),
            (None, b"", True),
            (b"null", None, True),
            (b"null", b"same-origin", False),
            (b"null", b"cross-site", True),
        ):
            for method in (b"POST", b"PUT", b"PATCH", b"DELETE", b"MOVE"):
                self.assertEqual(refused(method, origin, site), refusal, (method, origin, site))
            self.assertEqual(refused(b"GET", origin, site, websocket=True), refusal, ("websocket", origin, site))

    def test_safe_methods_pass(self) -> None:
        """Reading across origins is the browser's to judge."""
        for method in (b"GET", b"HEAD", b"OPTIONS"):
            self.assertFalse(refused(method, b"https://evil.example", b"cross-site"))
