"""meshproxy.workers.parents_state"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.sessions.shared_state import LocalState, Revocation
from meshproxy.workers import parents_state
from meshproxy.workers.messages import Link
from meshproxy.workers.parents_state import ParentsState

from .support.sessions import START, result_of
from .support.worker_link import Joint


class ParentsStateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.parent = LocalState(self.clock)
        self.links: list[Link] = []
        self.joints: list[Joint] = []
        parents_state.pass_on(self.parent, lambda: self.links)
        self.one, self.other = self.worker(), self.worker()

    def worker(self) -> ParentsState:
        handlers: dict[str, Any] = {}
        ours = Link(self.clock, parents_state.answers(self.parent), lambda: None)
        theirs = Link(self.clock, handlers, lambda: None)
        state = ParentsState(self.clock, theirs)
        handlers["revoked"] = lambda known: state.learn(known)
        self.joints.append(Joint(ours, theirs))
        self.links.append(ours)
        state.learn(parents_state.known_revocations(self.parent))
        return state

    def come_to(self, waiting: Any) -> Any:
        """What it comes to once everybody was heard."""
        deferred = Deferred.fromCoroutine(waiting)
        for _ in range(3):
            for joint in self.joints:
                joint.flush()
        return result_of(deferred)

    def test_once(self) -> None:
        """What one worker has used up is used up for the others."""
        self.assertTrue(self.come_to(self.one.add_once("ticket", START + 30)))
        self.assertFalse(self.come_to(self.other.add_once("ticket", START + 30)))
        self.assertFalse(self.come_to(self.one.add_once("ticket", START + 30)))

    def test_notes(self) -> None:
        """A note is any bytes, and the others can read it."""
        note = bytes(range(256))
        self.come_to(self.one.put("k", note, START + 30))
        self.assertEqual(note, self.come_to(self.other.get("k")))
        self.assertIsNone(self.come_to(self.other.get("nothing")))

    def test_locks(self) -> None:
        """One worker at a time has a lock; its token gives it back, wherever it is shown."""
        token = self.come_to(self.one.lock("refresh", 30))
        self.assertIsNone(self.come_to(self.other.lock("refresh", 30)))
        self.come_to(self.other.unlock("refresh", "not it"))
        self.assertIsNone(self.come_to(self.other.lock("refresh", 30)))
        self.come_to(self.other.unlock("refresh", token))
        self.assertIsNotNone(self.come_to(self.other.lock("refresh", 30)))

    def test_counts(self) -> None:
        """All count together."""
        self.assertEqual([1, 2, 3], [self.come_to(worker.count("alice", 60)) for worker in (self.one, self.other, self.one)])
        self.come_to(self.other.forget_count("alice"))
        self.assertEqual(1, self.come_to(self.one.count("alice", 60)))

    def test_revocations_are_passed_on(self) -> None:
        """A revocation holds where it was made at once, everywhere when that comes back; each who watches is told once."""
        told: list[tuple[str, str]] = []
        self.one.watch(lambda name, _: told.append(("one", name)))
        self.other.watch(lambda name, _: told.append(("other", name)))
        revoked = Revocation(START, START + 100, "logout")
        revoking = Deferred.fromCoroutine(self.one.revoke("session", revoked))
        self.assertEqual((revoked, None), (self.one.revocation("session"), self.other.revocation("session")))
        for _ in range(3):
            for joint in self.joints:
                joint.flush()
        self.successResultOf(revoking)
        self.assertEqual([revoked] * 3, [state.revocation("session") for state in (self.one, self.other, self.parent)])
        self.assertEqual([("one", "session"), ("other", "session")], told)

    def test_a_later_revocation_wins(self) -> None:
        """Of two of one name the later instant counts, in whichever order they come."""
        self.come_to(self.one.revoke("x", Revocation(START + 5, START + 100, "late")))
        self.come_to(self.other.revoke("x", Revocation(START, START + 100, "early")))
        for state in (self.one, self.other, self.parent):
            found = state.revocation("x")
            assert found is not None
            self.assertEqual(START + 5, found.at)

    def test_who_comes_later(self) -> None:
        """A worker that begins knows what was revoked before."""
        self.come_to(self.one.revoke("x", Revocation(START, START + 100, "logout")))
        self.assertEqual(Revocation(START, START + 100, "logout"), self.worker().revocation("x"))

    def test_what_is_over_is_forgotten(self) -> None:
        """A revocation lives as long as a session could have."""
        self.come_to(self.one.revoke("x", Revocation(START, START + 100, "logout")))
        self.clock.advance(101)
        self.one.learn([["y", START + 101, START + 900, "logout"]])
        self.assertEqual([("y", Revocation(START + 101, START + 900, "logout"))], self.one.revocations())

    def test_without_the_parent(self) -> None:
        """When the parent is gone nothing is used up and nobody gets in; what is revoked holds here nevertheless."""
        self.assertIsNone(self.one.ready())
        self.joints[0].cut()
        self.assertEqual("the parent process is gone", self.one.ready())
        for asking in (self.one.add_once("t", START + 30), self.one.lock("l", 30), self.one.get("n"), self.one.count("c", 60)):
            self.assertRaises(StoreDown, result_of, asking)
        self.assertRaises(StoreDown, result_of, self.one.revoke("x", Revocation(START, START + 100, "logout")))
        self.assertIsNotNone(self.one.revocation("x"))

    def test_a_parent_that_does_not_answer(self) -> None:
        """Silence is no permission."""
        waiting = Deferred.fromCoroutine(self.one.add_once("t", START + 30))
        self.clock.advance(11)
        self.assertRaises(StoreDown, result_of, waiting)

    def test_a_parent_whose_state_is_down(self) -> None:
        """What the parent cannot promise the worker cannot."""

        async def down(key: str, expires_at: float) -> bool:
            raise StoreDown("too many logins at once")

        self.parent.add_once = down  # type: ignore[method-assign]
        worker = self.worker()
        waiting = Deferred.fromCoroutine(worker.add_once("t", START + 30))
        self.joints[-1].flush()
        self.assertEqual("too many logins at once", str(self.failureResultOf(waiting, StoreDown).value))
