"""meshproxy.sessions.flights"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.sessions.flights import Flights


class FlightTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.flights: Flights[str] = Flights()
        self.begun: list[Deferred[str]] = []

    async def fly(self) -> str:
        self.begun.append(Deferred())
        return await self.begun[-1]

    def test_one_flight_for_many(self) -> None:
        """Whoever asks while it is under way gets the same answer; whoever asks afterwards a new flight."""
        waiting = [self.flights.join("a", self.fly) for _ in range(50)]
        self.flights.join("b", self.fly)
        self.assertEqual((len(self.begun), len(self.flights)), (2, 2))
        self.begun[0].callback("there")
        self.assertEqual([self.successResultOf(deferred) for deferred in waiting], ["there"] * 50)
        self.flights.join("a", self.fly)
        self.assertEqual(len(self.begun), 3)

    def test_a_failure_is_everybodys(self) -> None:
        """All who wait are told."""
        waiting = [self.flights.join("a", self.fly) for _ in range(3)]
        self.begun[0].errback(ValueError("no"))
        for deferred in waiting:
            self.failureResultOf(deferred, ValueError)
        self.assertEqual(len(self.flights), 0)

    def test_giving_up_is_ones_own(self) -> None:
        """Who stops waiting ends nobody's flight."""
        first, second = self.flights.join("a", self.fly), self.flights.join("a", self.fly)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.begun[0].callback("there")
        self.assertEqual(self.successResultOf(second), "there")

    def test_at_once(self) -> None:
        """A flight that waits for nothing is over when it began."""

        async def there() -> str:
            return "there"

        self.assertEqual(self.successResultOf(self.flights.join("a", there)), "there")
        self.assertEqual(len(self.flights), 0)

    def test_cancel(self) -> None:
        """The end of the process ends every flight."""
        waiting = self.flights.join("a", self.fly)
        self.flights.cancel()
        self.failureResultOf(waiting, CancelledError)
