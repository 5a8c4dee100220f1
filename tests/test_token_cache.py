"""Verdicts about tokens: by hash, bounded, each for its time."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.identity.token_cache import TokenCache


class TokenCacheTests(SynchronousTestCase):
    def test_until(self) -> None:
        """A verdict holds until its end and is gone after it."""
        cache: TokenCache[str] = TokenCache()
        cache.put(cache.key("a"), "good", 10)
        self.assertEqual((cache.get(cache.key("a"), 9.9), cache.get(cache.key("a"), 10), len(cache)), ("good", None, 0))
        self.assertIsNone(cache.get(cache.key("b"), 0))

    def test_bounded(self) -> None:
        """The one that was used longest ago gives way."""
        cache: TokenCache[int] = TokenCache(most=2)
        for number, token in enumerate("ab"):
            cache.put(cache.key(token), number, 10)
        cache.get(cache.key("a"), 0)
        cache.put(cache.key("c"), 2, 10)
        self.assertEqual([cache.get(cache.key(token), 0) for token in "abc"], [0, None, 2])

    def test_keys_are_hashes(self) -> None:
        """No token is kept: what is known is its SHA-256."""
        cache: TokenCache[int] = TokenCache()
        cache.put(cache.key("s3cret"), 1, 10)
        self.assertNotIn("s3cret", repr(vars(cache)))
        self.assertEqual(len(cache.key("s3cret")), 32)
