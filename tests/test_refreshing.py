"""A copy of what somebody else publishes: fresh, stale, gone; one fetch at a time; failures back off."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.identity.refreshing import Refreshing


class RefreshingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.fetches: list[Deferred[tuple[str, float]]] = []
        self.copy: Refreshing[str] = Refreshing(self.fetch, self.clock, stale_for=100)
        self.addCleanup(self.copy.stop)

    def fetch(self) -> Deferred[tuple[str, float]]:
        self.fetches.append(Deferred())
        return self.fetches[-1]

    def get(self) -> Deferred[str]:
        return Deferred.fromCoroutine(self.copy.get())

    def have(self, value: str) -> None:
        """Fetch a first copy, fresh for ten seconds."""
        waiting = self.get()
        self.fetches[-1].callback((value, 10))
        self.assertEqual(self.successResultOf(waiting), value)

    def test_fresh(self) -> None:
        """While it is fresh nothing is fetched."""
        self.have("one")
        self.clock.advance(9.9)
        self.assertEqual(self.successResultOf(self.get()), "one")
        self.assertEqual(len(self.fetches), 1)

    def test_single_flight(self) -> None:
        """However many ask, one fetch is made; one who goes away does not end it for the others."""
        waiting = [self.get() for _ in range(50)]
        waiting[0].cancel()
        self.failureResultOf(waiting[0], CancelledError)
        self.fetches[0].callback(("one", 10))
        self.assertEqual({self.successResultOf(each) for each in waiting[1:]}, {"one"})
        self.assertEqual(len(self.fetches), 1)

    def test_stale(self) -> None:
        """No longer fresh it is given at once and renewed behind the answer."""
        self.have("one")
        self.clock.advance(11)
        self.assertEqual(self.successResultOf(self.get()), "one")
        self.assertEqual(self.successResultOf(self.get()), "one")
        self.assertEqual(len(self.fetches), 2)
        self.fetches[1].callback(("two", 10))
        self.assertEqual(self.successResultOf(self.get()), "two")

    def test_failure_keeps_the_copy(self) -> None:
        """A failed fetch replaces nothing; after its time the copy is gone for good."""
        self.have("one")
        self.clock.advance(11)
        self.get()
        self.fetches[1].errback(ValueError("down"))
        self.assertEqual(self.successResultOf(self.get()), "one")
        self.clock.advance(98.9)
        self.assertEqual(self.copy.peek(), "one")
        self.clock.advance(0.2)
        self.assertIsNone(self.copy.peek())

    def test_backing_off(self) -> None:
        """After a failure everybody hears of it at once, and the next fetches come later and later, never later than 15 s apart."""
        waiting = self.get()
        self.fetches[0].errback(ValueError("down"))
        self.failureResultOf(waiting, ValueError)
        self.failureResultOf(self.get(), ValueError)
        self.assertEqual(len(self.fetches), 1)
        at = []
        for _ in range(600):
            self.clock.advance(0.1)
            if not self.fetches[-1].called:
                at.append(self.clock.seconds() - 1000)
                self.fetches[-1].errback(ValueError("down"))
        pauses = [later - earlier for earlier, later in zip([0.0, *at], at, strict=False)]
        self.assertEqual([round(pause) for pause in pauses[:5]], [1, 2, 4, 8, 15])
        self.assertLessEqual(max(pauses), 15.2)
        self.clock.advance(15)
        self.fetches[-1].callback(("back", 10))
        self.assertEqual((self.successResultOf(self.get()), self.copy.error), ("back", None))

    def test_keep(self) -> None:
        """At start-up it fetches by itself until it has worked, and then no more."""
        self.copy.keep()
        self.fetches[0].errback(ValueError("down"))
        self.clock.advance(1)
        self.fetches[1].callback(("one", 10))
        self.clock.advance(50)
        self.assertEqual((len(self.fetches), self.copy.peek()), (2, "one"))

    def test_synchronous_fetch(self) -> None:
        """A fetch that does not wait works as well."""

        async def at_once() -> tuple[str, float]:
            return "now", 10

        copy: Refreshing[str] = Refreshing(at_once, self.clock, stale_for=0)
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(copy.get())), "now")
        self.clock.advance(10)
        self.assertIsNone(copy.peek())
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(copy.get())), "now")

    def test_renew(self) -> None:
        """A forced fetch joins the one that is under way."""
        self.have("one")
        first, second = Deferred.fromCoroutine(self.copy.renew()), Deferred.fromCoroutine(self.copy.renew())
        self.assertEqual(len(self.fetches), 2)
        self.fetches[1].callback(("two", 10))
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), ("two", "two"))

    def test_stop(self) -> None:
        """Stopped, nothing waits, nothing is scheduled, nothing is fetched again."""
        waiting = self.get()
        self.copy.stop()
        self.failureResultOf(waiting, CancelledError)
        self.assertTrue(self.fetches[0].called)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.copy.keep()
        self.assertEqual(len(self.fetches), 1)
