"""The timer wheel: deadlines pass late by a tick at most, never early, and cost nothing while they move."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.wheel import Wheel


class Deadline:
    def __init__(self, deadline: float, action=None) -> None:
        self.deadline = deadline
        self.passed: list[float] = []
        self.action = action
        self.clock: Clock | None = None

    def deadline_passed(self) -> None:
        self.passed.append(self.clock.seconds() if self.clock else 0.0)
        if self.action is not None:
            self.action()


class WheelTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.wheel = Wheel(self.clock)

    def entry(self, deadline: float, action=None) -> Deadline:
        entry = Deadline(deadline, action)
        entry.clock = self.clock
        self.wheel.watch(entry)
        return entry

    def run_until(self, when: float) -> None:
        while self.clock.seconds() < when:
            self.clock.advance(0.05)

    def test_passes_within_a_tick(self) -> None:
        """An entry is told after its deadline, at most one tick later, and once."""
        entry = self.entry(1.1)
        self.run_until(3)
        self.assertEqual(len(entry.passed), 1)
        self.assertGreaterEqual(entry.passed[0], 1.1)
        self.assertLessEqual(entry.passed[0], 1.1 + 0.25 + 0.05)

    def test_later_needs_no_call(self) -> None:
        """A deadline that was pushed later passes at its new time, without another watch()."""
        entry = self.entry(1.0)
        entry.deadline = 4.0
        self.run_until(3.9)
        self.assertEqual(entry.passed, [])
        self.run_until(4.4)
        self.assertEqual(len(entry.passed), 1)

    def test_earlier_after_watch(self) -> None:
        """A deadline that moves earlier is honoured after watch() was called again."""
        entry = self.entry(100.0)
        entry.deadline = 1.0
        self.wheel.watch(entry)
        self.run_until(1.4)
        self.assertEqual(len(entry.passed), 1)
        self.assertEqual(len(self.wheel), 0)

    def test_none_means_none(self) -> None:
        """0.0 and infinity are no deadlines, when watched and when set later."""
        never = self.entry(0.0), self.entry(float("inf"))
        self.assertEqual(len(self.wheel), 0)
        gone = self.entry(1.0)
        gone.deadline = 0.0
        self.run_until(5)
        self.assertEqual([entry.passed for entry in (*never, gone)], [[], [], []])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_call_only_while_needed(self) -> None:
        """However many entries: one DelayedCall, and none when nothing is watched."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        entries = [self.entry(1 + n / 7) for n in range(100)]
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        for entry in entries[:50]:
            self.wheel.forget(entry)
        self.run_until(30)
        self.assertEqual(sum(len(entry.passed) for entry in entries), 50)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_forget_keeps_nothing(self) -> None:
        """forget() lets go at once, is harmless twice, and stops the clock with the last entry."""
        entry = self.entry(1000.0)
        self.wheel.forget(entry)
        self.wheel.forget(entry)
        self.assertEqual((len(self.wheel), self.clock.getDelayedCalls()), (0, []))

    def test_stop(self) -> None:
        """stop() leaves no timer, and the wheel can be used again."""
        self.entry(1.0)
        self.wheel.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        again = self.entry(1.0)
        self.run_until(2)
        self.assertEqual(len(again.passed), 1)

    def test_a_failing_entry_harms_no_other(self) -> None:
        """An exception in one action is logged; the others of the same slot still pass."""
        self.entry(1.0, action=lambda: 1 / 0)
        others = [self.entry(1.0) for _ in range(5)]
        self.run_until(2)
        self.assertEqual([len(other.passed) for other in others], [1] * 5)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_entries_may_forget_and_watch_in_their_action(self) -> None:
        """An action may forget an entry of the same slot, stop the wheel, or watch itself anew."""
        victims = [self.entry(1.0) for _ in range(3)]

        def forget_all() -> None:
            for victim in victims:
                self.wheel.forget(victim)

        killers = [self.entry(1.0, action=forget_all) for _ in range(3)]
        again = self.entry(1.0)

        def once_more() -> None:
            if len(again.passed) < 3:
                again.deadline = self.clock.seconds() + 1
                self.wheel.watch(again)

        again.action = once_more
        self.run_until(10)
        self.assertEqual([len(killer.passed) for killer in killers], [1] * 3)
        self.assertEqual(len(again.passed), 3)
        self.assertTrue(all(len(victim.passed) <= 1 for victim in victims))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.floats(0.1, 20), st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 20)), max_size=4)), max_size=12))
    def test_any_moves(self, plan: list[tuple[float, list[tuple[float, float]]]]) -> None:
        """Whatever moves a deadline makes, it passes once, not before its last value and at most a tick after."""
        clock = Clock()
        wheel = Wheel(clock)
        entries = []
        for first, moves in plan:
            entry = Deadline(first)
            entry.clock = clock
            wheel.watch(entry)
            entries.append(entry)
            for at, by in moves:

                def move(entry: Deadline = entry, by: float = by) -> None:
                    if not entry.passed:
                        entry.deadline = clock.seconds() + by
                        wheel.watch(entry)

                clock.callLater(at, move)
        for _ in range(700):
            clock.advance(0.05)
        for entry in entries:
            self.assertEqual(len(entry.passed), 1)
            self.assertGreaterEqual(entry.passed[0], entry.deadline)
            self.assertLessEqual(entry.passed[0], entry.deadline + 0.31)
        self.assertEqual(clock.getDelayedCalls(), [])
