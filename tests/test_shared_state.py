"""meshproxy.sessions.shared_state"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.sessions import shared_state
from meshproxy.sessions.shared_state import LocalState, Revocation

from .support.sessions import START, result_of


class LocalStateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.state = LocalState(self.clock)

    def test_once(self) -> None:
        """The first who asks gets it, everybody after does not; after its time it may be forgotten."""
        self.assertEqual([result_of(self.state.add_once("k", START + 10)) for _ in range(3)], [True, False, False])
        self.clock.advance(11)
        self.assertTrue(result_of(self.state.add_once("k", START + 20)))

    def test_a_flood_is_refused(self) -> None:
        """Where there is no room to remember what was used up, nothing is used up: nobody can flood a used ticket out of memory."""
        with patch.object(shared_state, "ONCE_ENTRIES", 10):
            for number in range(10):
                result_of(self.state.add_once(str(number), START + 100))
            self.assertRaises(StoreDown, result_of, self.state.add_once("one more", START + 100))
            self.assertFalse(result_of(self.state.add_once("0", START + 100)))
            self.clock.advance(200)
            self.assertTrue(result_of(self.state.add_once("one more", START + 300)))

    def test_revocations(self) -> None:
        """A revocation is known at once, and whoever watches is told; the later instant wins."""
        told: list[tuple[str, str]] = []
        self.state.watch(lambda name, revocation: told.append((name, revocation.cause)))
        result_of(self.state.revoke("sub:x", Revocation(START, START + 100, "logout")))
        result_of(self.state.revoke("sub:x", Revocation(START - 5, START + 200, "late")))
        found = self.state.revocation("sub:x")
        assert found is not None
        self.assertEqual((found.at, told), (START, [("sub:x", "logout"), ("sub:x", "logout")]))
        self.assertIsNone(self.state.revocation("sub:y"))

    def test_revocations_end(self) -> None:
        """They live as long as a session could have, and are swept away then."""
        result_of(self.state.revoke("a", Revocation(START, START + 100, "logout")))
        self.clock.advance(200)
        result_of(self.state.revoke("b", Revocation(START, START + 900, "logout")))
        self.assertIsNone(self.state.revocation("a"))
        self.assertIsNotNone(self.state.revocation("b"))

    def test_locks(self) -> None:
        """One holder, until they give it back or the lease ends; a token that is not the holder's opens nothing."""
        token = result_of(self.state.lock("k", 10))
        self.assertIsNone(result_of(self.state.lock("k", 10)))
        result_of(self.state.unlock("k", "not mine"))
        self.assertIsNone(result_of(self.state.lock("k", 10)))
        result_of(self.state.unlock("k", token))
        self.assertIsNotNone(result_of(self.state.lock("k", 10)))
        self.clock.advance(10)
        self.assertIsNotNone(result_of(self.state.lock("k", 10)))

    def test_notes(self) -> None:
        """A note can be read until its time is over; the oldest go when there are too many."""
        with patch.object(shared_state, "NOTES", 3):
            for name in "abcd":
                result_of(self.state.put(name, name.encode(), START + 10))
        self.assertEqual([result_of(self.state.get(name)) for name in "abcd"], [None, b"b", b"c", b"d"])
        self.clock.advance(10)
        self.assertIsNone(result_of(self.state.get("d")))

    def test_counts(self) -> None:
        """Counted within a window that the first event opens; then, and when told to, from one again."""
        self.assertEqual([result_of(self.state.count("k", 60)) for _ in range(3)], [1, 2, 3])
        self.clock.advance(59)
        self.assertEqual(result_of(self.state.count("k", 60)), 4)
        self.clock.advance(1)
        self.assertEqual(result_of(self.state.count("k", 60)), 1)
        result_of(self.state.forget_count("k"))
        self.assertEqual(result_of(self.state.count("k", 60)), 1)

    def test_counts_are_bounded(self) -> None:
        """A flood of names takes no more memory than allowed."""
        with patch.object(shared_state, "COUNTERS", 5):
            for number in range(50):
                result_of(self.state.count(str(number), 60))
        self.assertEqual(len(self.state._counts), 5)


class StateDirTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)

    def restarted(self, state: LocalState | None = None) -> LocalState:
        if state is not None:
            self.successResultOf(state.stop())
        fresh = LocalState(self.clock, self.directory / "state")
        self.addCleanup(fresh.stop)
        return fresh

    def test_a_restart_forgets_nothing(self) -> None:
        """Used tickets and revocations hold after a restart; what is over by then does not come back."""
        state = LocalState(self.clock, self.directory / "state")
        result_of(state.add_once("ticket", START + 100))
        result_of(state.add_once("old", START + 1))
        result_of(state.revoke("id:x", Revocation(START, START + 100, "logout")))
        self.clock.advance(2)
        state = self.restarted(state)
        self.assertFalse(result_of(state.add_once("ticket", START + 100)))
        self.assertTrue(result_of(state.add_once("old", START + 100)))
        self.assertEqual(state.revocation("id:x"), Revocation(START, START + 100, "logout"))

    def test_a_full_disk_lets_nobody_in(self) -> None:
        """What cannot be written down is not used up by anybody; a revocation holds in this process all the same."""
        state = self.restarted()
        with patch.object(os, "fsync", side_effect=OSError(28, "No space left on device")):
            self.assertRaises(StoreDown, result_of, state.add_once("ticket", START + 100))
            self.assertRaises(StoreDown, result_of, state.revoke("id:x", Revocation(START, START + 100, "logout")))
            self.assertIn("No space left", state.ready() or "")
        self.assertIsNotNone(state.revocation("id:x"))
        self.assertFalse(result_of(state.add_once("ticket", START + 100)))
        self.assertTrue(result_of(state.add_once("another", START + 100)))
        self.assertIsNone(state.ready())
        self.assertEqual(len(self.flushLoggedErrors()), 0)
