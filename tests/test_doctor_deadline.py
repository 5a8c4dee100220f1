"""What becomes of a step that does not end?"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.doctor.deadline import within


class WithinTests(SynchronousTestCase):
    """Its result, nothing, or whoever cancelled."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.cancelled = False
        self.waiting: Deferred[str] = Deferred(lambda _: setattr(self, "cancelled", True))
        self.outcome: Deferred[Any] = Deferred.fromCoroutine(within(self.clock, 3.0, self.step()))

    async def step(self) -> str:
        return await self.waiting

    def test_in_time(self) -> None:
        """The result."""
        self.waiting.callback("x")
        self.assertEqual("x", self.successResultOf(self.outcome))

    def test_too_late(self) -> None:
        """Nothing, and the step is cancelled."""
        self.clock.advance(3.0)
        self.assertIsNone(self.successResultOf(self.outcome))
        self.assertTrue(self.cancelled)

    def test_cancelled_from_outside(self) -> None:
        """That is not a step without result: it goes on to whoever cancelled."""
        self.outcome.cancel()
        self.failureResultOf(self.outcome, CancelledError)
        self.assertTrue(self.cancelled)

    def test_a_failure_is_not_hidden(self) -> None:
        """A step that fails, fails."""
        self.waiting.errback(ValueError("x"))
        self.failureResultOf(self.outcome, ValueError)
