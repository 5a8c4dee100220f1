"""The conformance suite finds the faults that stores have: each broken store here fails the test that is about its fault."""

from __future__ import annotations

import unittest
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from meshproxy.api.store_conformance import SessionStoreConformance
from meshproxy.api.testing import context
from meshproxy.builtin.memory_store import MemoryStore


class Waiting(MemoryStore):
    """A right store that always answers by a Deferred."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("load", "save", "delete", "find", "lock", "unlock"):
            return found

        def later(*arguments: Any) -> Deferred[Any]:
            answer: Deferred[Any] = Deferred()
            answer.callback(found(*arguments))
            return answer

        return later


class NoVersions(MemoryStore):
    def save(self, key: str, value: bytes, expires_at: float, tags: Any, if_version: int | None = None) -> bool:
        return super().save(key, value, expires_at, tags)


class NoExpiry(MemoryStore):
    def save(self, key: str, value: bytes, expires_at: float, tags: Any, if_version: int | None = None) -> bool:
        return super().save(key, value, expires_at + 1000, tags, if_version)


class TextOnly(MemoryStore):
    def save(self, key: str, value: bytes, expires_at: float, tags: Any, if_version: int | None = None) -> bool:
        return super().save(key, value.decode(errors="replace").encode(), expires_at, tags, if_version)


class StickyTags(MemoryStore):
    def delete(self, key: str) -> None:
        self._entries.pop(key, None)


class OpenLocks(MemoryStore):
    def unlock(self, key: str, token: str) -> None:
        self._locks.pop(key, None)


class EternalLocks(MemoryStore):
    def lock(self, key: str, seconds: float) -> str | None:
        return super().lock(key, 1e9)


FAULTS: dict[type[MemoryStore], set[str]] = {
    MemoryStore: set(), Waiting: set(),
    NoVersions: {"test_if_version", "test_if_version_zero", "test_one_writer_wins", "test_tags_follow_the_value"},
    NoExpiry: {"test_expiry", "test_later_expiry"}, TextOnly: {"test_any_bytes"}, StickyTags: {"test_tags_follow_the_value"},
    OpenLocks: {"test_lock_lapses"}, EternalLocks: {"test_lock_lapses"},
}


class ConformanceTests(SynchronousTestCase):
    """The suite against right and broken stores."""

    def failing(self, store: type[MemoryStore]) -> set[str]:
        class Case(SessionStoreConformance, TestCase):
            def setUp(self) -> None:
                self.clock = Clock()

            def make_store(self) -> Any:
                return store(store.Settings(), context(reactor=self.clock))

            def now(self) -> float:
                return self.clock.seconds()

            def advance(self, seconds: float) -> None:
                self.clock.advance(seconds)

        failing = set()
        for name in unittest.TestLoader().getTestCaseNames(Case):
            case = Case(name)
            case.setUp()
            running = Deferred.fromCoroutine(getattr(case, name)())
            outcome: list[Any] = []
            running.addBoth(outcome.append)
            if outcome[0] is not None:
                failing.add(name)
        return failing

    def test_each_fault_is_found(self) -> None:
        """A right store passes all of it, at once or later; a broken one fails the tests about its fault, and no right one."""
        for store, tests in FAULTS.items():
            self.assertEqual(self.failing(store), tests, store.__name__)
