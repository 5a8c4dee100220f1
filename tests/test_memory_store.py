"""``memory``."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from meshproxy.api.testing import SessionStoreConformance, context, make
from meshproxy.builtin.memory_store import MemoryStore


class MemoryStoreConformanceTests(SessionStoreConformance, TestCase):
    """It keeps every promise of a session store."""

    def setUp(self) -> None:
        self.clock = Clock()

    def make_store(self) -> MemoryStore:
        return make(MemoryStore, given=context(reactor=self.clock))

    def now(self) -> float:
        return self.clock.seconds()

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)


class BoundsTests(SynchronousTestCase):
    """Memory has an end."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = make(MemoryStore, {"max_sessions": 3}, given=context(reactor=self.clock))

    def test_least_recently_used_goes(self) -> None:
        """Over the bound the session that was used longest ago goes, its tags too."""
        for key in "abc":
            self.store.save(key, b"v", 60, ["t"])
        self.store.load("a")
        self.store.save("d", b"v", 60, ["t"])
        self.assertEqual(sorted(self.store.find("t")), ["a", "c", "d"])

    def test_nothing_stays_behind(self) -> None:
        """Expired sessions, their tags and lapsed locks leave no memory."""
        for number in range(5000):
            self.store.save(f"k{number}", b"v", self.clock.seconds() + 1, [f"t{number}"])
            self.assertTrue(self.store.lock(f"k{number}", 1))
            self.clock.advance(2)
        self.assertEqual(self.store.find(), [])
        self.assertEqual((len(self.store._entries), len(self.store._tagged)), (0, 0))
        self.assertLessEqual(len(self.store._locks), 1001)
