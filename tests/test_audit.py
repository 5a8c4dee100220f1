from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.trial import unittest

from meshproxy.observe.audit import AuditFailed, AuditTrail

from .support.exchanges import ALICE, exchange


class Sink:
    """An audit logger that does what it is told."""

    def __init__(self, behaviour: Callable[[dict], Any] = lambda event: None) -> None:
        self.events: list[dict] = []
        self.behaviour = behaviour

    def record(self, event: dict) -> Any:
        self.events.append(event)
        return self.behaviour(event)


def broken(event: dict) -> None:
    raise OSError("disk full")


class AuditTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_790_000_000)
        self.said: list[dict] = []
        self.patch(AuditTrail, "log", Logger(observer=self.said.append))

    def trail(self, *loggers: tuple[str, Sink, bool]) -> AuditTrail:
        return AuditTrail(loggers, self.clock)


class FanOutTests(AuditTests):
    def test_everybody_gets_everything(self) -> None:
        """Each logger gets each event, as a dict of its own that it may spoil."""
        def spoil(event: dict) -> None:
            event.clear()

        first, second = Sink(spoil), Sink()
        self.trail(("a", first, False), ("b", second, True)).record(exchange())
        self.assertEqual("request.forwarded", second.events[0]["event"])

    def test_own_pages_are_no_event(self) -> None:
        """A request that was about no service closes without an event."""
        sink = Sink()
        self.trail(("a", sink, False)).record(exchange(event=""))
        self.assertEqual([], sink.events)

    def test_one_raises(self) -> None:
        """A logger that raises is counted and logged, the others still run, and the caller hears nothing."""
        sink = Sink()
        trail = self.trail(("bad", Sink(broken), False), ("good", sink, False))
        trail("login.failed", principal=ALICE, reason="no")
        self.assertEqual(["login.failed"], [event["event"] for event in sink.events])
        self.assertEqual({"bad": 1, "good": 0}, trail.failures)
        self.assertEqual([("bad", "login.failed", "OSError")], [(said["name"], said["event"], said["kind"]) for said in self.said])

    def test_one_fails_later(self) -> None:
        """Coroutines and Deferreds that fail count as well."""
        async def later(event: dict) -> None:
            raise OSError("disk full")

        waiting: Deferred[None] = Deferred()
        trail = self.trail(("coroutine", Sink(later), False), ("deferred", Sink(lambda event: waiting), False))
        trail("logout")
        waiting.errback(OSError("disk full"))
        self.assertEqual({"coroutine": 1, "deferred": 1}, trail.failures)

    def test_one_never_comes_back(self) -> None:
        """A logger that hangs is given up after ten seconds; no timer stays, and what waits is bounded."""
        sink = Sink(lambda event: Deferred())
        trail = self.trail(("hangs", sink, False))
        for _ in range(1200):
            trail("logout")
        self.assertEqual((1000, {"hangs": 200}), (len(sink.events), trail.failures))
        self.clock.advance(10)
        self.assertEqual({"hangs": 1200}, trail.failures)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_broken_logger_does_not_flood_the_log(self) -> None:
        """It is said when it begins, then once a minute."""
        trail = self.trail(("bad", Sink(broken), False))
        for _ in range(100):
            trail("logout")
        self.assertEqual([1], [said["failures"] for said in self.said])
        self.clock.advance(60)
        trail("logout")
        self.assertEqual([1, 101], [said["failures"] for said in self.said])

    def test_listeners(self) -> None:
        """Listeners see every event; one that breaks stops nothing."""
        def breaks(event: dict) -> None:
            raise ZeroDivisionError

        sink = Sink()
        trail = self.trail(("a", sink, False))
        seen: list[dict] = []
        trail.listeners += [breaks, seen.append]
        trail("config.reloaded")
        self.assertEqual(["config.reloaded"], [event["event"] for event in seen])
        self.assertEqual(1, len(sink.events))

    def test_stopped_waits_for_what_is_under_way(self) -> None:
        """At the stop one can wait for records that are not back yet."""
        waiting: Deferred[None] = Deferred()
        trail = self.trail(("slow", Sink(lambda event: waiting), False))
        trail("logout")
        stopped = trail.stopped()
        self.assertNoResult(stopped)
        waiting.callback(None)
        self.assertIsNone(self.successResultOf(stopped))
        self.assertIsNone(self.successResultOf(self.trail().stopped()))


class RequiredTests(AuditTests):
    def test_nothing_is_required(self) -> None:
        """Without a required logger requests do not wait, and request.accepted is nobody's business."""
        sink = Sink()
        trail = self.trail(("a", sink, False))
        self.assertFalse(trail.required)
        self.assertIsNone(trail.accept(exchange()))
        self.assertEqual([], sink.events)

    def test_recorded_at_once(self) -> None:
        """A logger that comes back at once costs no Deferred; the event is request.accepted, with who and what."""
        sink = Sink()
        trail = self.trail(("a", sink, True), ("b", Sink(), False))
        self.assertTrue(trail.required)
        self.assertIsNone(trail.accept(exchange(status=0)))
        self.assertEqual([("request.accepted", "alice-1", None)],
                         [(event["event"], event["principal"]["subject"], event["status"]) for event in sink.events])

    def test_recorded_later(self) -> None:
        """A logger that takes its time is waited for, and every required one."""
        first: Deferred[None] = Deferred()
        second: Deferred[None] = Deferred()
        accepted = self.trail(("a", Sink(lambda event: first), True), ("b", Sink(lambda event: second), True)).accept(exchange())
        assert accepted is not None
        first.callback(None)
        self.assertNoResult(accepted)
        second.callback(None)
        self.assertIsNone(self.successResultOf(accepted))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_raises(self) -> None:
        """A required logger that raises refuses the request, and the trail is blocked until a record succeeds."""
        sink = Sink(broken)
        trail = self.trail(("a", sink, True))
        accepted = trail.accept(exchange())
        assert accepted is not None
        self.failureResultOf(accepted, AuditFailed)
        self.assertEqual(["a"], trail.blocked)
        sink.behaviour = lambda event: None
        self.assertIsNone(trail.accept(exchange()))
        self.assertEqual([], trail.blocked)

    def test_too_slow(self) -> None:
        """After a second the request is refused, whatever the logger does then."""
        waiting: Deferred[None] = Deferred(lambda _: None)
        accepted = self.trail(("a", Sink(lambda event: waiting), True)).accept(exchange())
        assert accepted is not None
        self.clock.advance(0.99)
        self.assertNoResult(accepted)
        self.clock.advance(0.01)
        self.failureResultOf(accepted, AuditFailed)

    def test_one_of_two_fails(self) -> None:
        """One required logger that fails is enough to refuse, though the other recorded."""
        waiting: Deferred[None] = Deferred()
        accepted = self.trail(("good", Sink(), True), ("bad", Sink(lambda event: waiting), True)).accept(exchange())
        assert accepted is not None
        waiting.errback(OSError("disk full"))
        self.failureResultOf(accepted, AuditFailed)

    def test_closing_event_fails(self) -> None:
        """A closing event cannot be refused; when it fails the trail is blocked, and the next request finds out whether it still is."""
        sink = Sink(broken)
        trail = self.trail(("a", sink, True))
        trail.record(exchange())
        self.assertEqual(["a"], trail.blocked)
        refused = trail.accept(exchange())
        assert refused is not None
        self.failureResultOf(refused, AuditFailed)

    def test_the_client_goes_away(self) -> None:
        """Cancelling the wait neither cancels the record nor counts as the logger's failure."""
        waiting: Deferred[None] = Deferred()
        trail = self.trail(("a", Sink(lambda event: waiting), True))
        accepted = trail.accept(exchange())
        assert accepted is not None
        accepted.cancel()
        self.failureResultOf(accepted, CancelledError)
        waiting.callback(None)
        self.assertEqual(({"a": 0}, []), (trail.failures, trail.blocked))

    def test_configure(self) -> None:
        """A reload swaps the loggers; one that stays keeps what was counted about it."""
        stays, goes, comes = Sink(broken), Sink(), Sink()
        trail = self.trail(("stays", stays, True), ("goes", goes, False))
        trail("logout")
        trail.configure([("stays", stays, False), ("comes", comes, True)])
        trail("login.succeeded")
        self.assertEqual((1, 1), (len(goes.events), len(comes.events)))
        self.assertEqual({"stays": 2, "comes": 0}, trail.failures)
        self.assertEqual([], trail.blocked)
