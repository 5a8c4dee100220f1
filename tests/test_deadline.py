"""One deadline around several calls, and turns for what must not run too often at once."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ProviderDown
from meshproxy.identity.deadline import Turns, within


class DeadlineTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.waiting: list[Deferred[str]] = []

    async def step(self) -> str:
        self.waiting.append(Deferred())
        return await self.waiting[-1]

    def test_in_time(self) -> None:
        """The step's own result, and no timer left."""
        running = within(self.clock, 4, "the provider", self.step())
        self.waiting[0].callback("done")
        self.assertEqual(self.successResultOf(running), "done")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_late(self) -> None:
        """Too late: what it waits for is cancelled, and it is the provider's fault."""
        running = within(self.clock, 4, "the provider", self.step())
        self.clock.advance(4)
        self.assertIn("the provider took longer than 4 s", self.failureResultOf(running, ProviderDown).value.reason)
        self.assertTrue(self.waiting[0].called)

    def test_cancelled(self) -> None:
        """Who cancels hears CancelledError."""
        running = within(self.clock, 4, "the provider", self.step())
        running.cancel()
        self.failureResultOf(running, CancelledError)

    def test_turns(self) -> None:
        """At most two at once, in order; the time for the step begins with its turn."""
        turns = Turns(self.clock, 2, wait=10)
        running = [Deferred.fromCoroutine(turns.take(4, "a refresh", self.step)) for _ in range(3)]
        self.assertEqual(len(self.waiting), 2)
        self.clock.advance(3)
        self.waiting[0].callback("first")
        self.assertEqual((self.successResultOf(running[0]), len(self.waiting)), ("first", 3))
        self.clock.advance(1)
        self.failureResultOf(running[1], ProviderDown)
        self.assertNoResult(running[2])
        self.waiting[2].callback("third")
        self.assertEqual(self.successResultOf(running[2]), "third")

    def test_no_turn(self) -> None:
        """Who waits too long for a turn is told; the others keep theirs, and the turn comes free for the next."""
        turns = Turns(self.clock, 1, wait=2)
        first: Deferred[Any] = Deferred.fromCoroutine(turns.take(60, "a refresh", self.step))
        second: Deferred[Any] = Deferred.fromCoroutine(turns.take(60, "a refresh", self.step))
        self.clock.advance(2)
        self.assertIn("no turn within 2 s", self.failureResultOf(second, ProviderDown).value.reason)
        self.waiting[0].callback("done")
        self.successResultOf(first)
        third: Deferred[Any] = Deferred.fromCoroutine(turns.take(60, "a refresh", self.step))
        self.waiting[1].callback("again")
        self.assertEqual(self.successResultOf(third), "again")
