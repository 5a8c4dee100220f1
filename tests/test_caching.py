"""Cache-Control and Clear-Site-Data where our cookies are concerned."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.caching import without_our_cookies, without_shared_caching


class CachingTests(SynchronousTestCase):
    def test_private(self) -> None:
        """Shared caching goes, ``private`` comes, everything else stays: ``no-store`` above all."""
        for value, expected in {
            b"public, max-age=60": b"private, max-age=60", b"no-store": b"private, no-store", b"": b"private",
            b'Private="x", S-MaxAge=9, no-cache="a"': b'private, no-cache="a"', b"s-maxage = 5": b"private",
        }.items():
            self.assertEqual(without_shared_caching(value), expected, value)


class ClearSiteDataTests(SynchronousTestCase):
    def test_cookies_stay(self) -> None:
        """A service clears everything but cookies; where it wanted nothing else, nothing."""
        self.assertIsNone(without_our_cookies(b'"cookies"'))
        self.assertIsNone(without_our_cookies(b'"Cookies" , cookies'))
        self.assertEqual(without_our_cookies(b'"cache", "cookies", "storage"'), b'"cache", "storage"')
        everything = without_our_cookies(b'"*"')
        assert everything is not None
        self.assertNotIn(b"ookies", everything)
        self.assertIn(b'"storage"', everything)
