"""meshproxy.sessions.cache"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.sessions.cache import LONGEST_KEY, RecallCache, Recalled


class CacheTests(SynchronousTestCase):
    def test_bounded_by_number(self) -> None:
        """However many cookies there are, two generations are kept and no more."""
        cache = RecallCache(entries=10)
        for number in range(100):
            cache.put(b"%d" % number, Recalled(None, b""))
            self.assertLessEqual(len(cache), 20)
        self.assertIsNone(cache.young.get(b"50") or cache.older(b"50"))
        self.assertIsNotNone(cache.young.get(b"99") or cache.older(b"99"))

    def test_bounded_by_size(self) -> None:
        """Large cookies turn the generations sooner, and too large ones are not kept at all."""
        cache = RecallCache(size_bytes=10_000)
        for number in range(100):
            cache.put(b"%1000d" % number, Recalled(None, b"x" * 1000))
        self.assertLessEqual(len(cache), 10)
        before = len(cache)
        cache.put(bytes(LONGEST_KEY + 1), Recalled(None, b""))
        self.assertEqual(len(cache), before)

    def test_what_is_asked_for_stays(self) -> None:
        """An entry that is asked for is young again; one that is not goes with the second turn."""
        cache = RecallCache()
        used, unused = Recalled(None, b"1"), Recalled(None, b"2")
        cache.put(b"used", used)
        cache.put(b"unused", unused)
        cache.turn()
        self.assertIs(cache.older(b"used"), used)
        cache.turn()
        self.assertIs(cache.older(b"used"), used)
        self.assertIsNone(cache.older(b"unused"))
