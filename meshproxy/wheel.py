"""When is something overdue? One coarse timer wheel for thousands of deadlines, instead of a ``callLater`` for each.

Deadlines of connections move with every byte and almost never pass. So an entry only carries a number: pushing it
later is an attribute write, and the wheel looks again when the old time comes. It keeps one ``DelayedCall``, for the
earliest of its slots, and none while there is nothing to watch.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import isfinite
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

_log = Logger()


class Entry(Protocol):
    """Something with a deadline. Entries are compared by identity and must be hashable."""

    deadline: float
    """Seconds of the wheel's clock; ``0.0`` or infinity: none."""

    def deadline_passed(self) -> None:
        """The deadline has passed. The wheel has let go of the entry; it may ask to be watched again."""


class Wheel:
    """Watches entries; each is told within ``tick`` seconds after its deadline, never before it.

    :param clock: the reactor, or a ``task.Clock``.
    :param tick: how coarse it is, in seconds.
    """

    def __init__(self, clock: IReactorTime, tick: float = 0.25) -> None:
        self._clock = clock
        self._tick = tick
        self._slot_of: dict[Entry, int] = {}
        self._slots: dict[int, set[Entry]] = {}
        self._order: list[int] = []
        self._call: IDelayedCall | None = None
        self._call_slot = 0

    def __len__(self) -> int:
        """How many entries are watched."""
        return len(self._slot_of)

    def watch(self, entry: Entry) -> None:
        """Look after ``entry.deadline``.

        Needed once when a deadline is set where there was none, and again when it moves *earlier*; harmless and cheap
        otherwise. Moving it later, or taking it away, needs no call.
        """
        deadline = entry.deadline
        if deadline <= 0.0 or not isfinite(deadline):
            return
        slot = int(deadline / self._tick) + 1
        known = self._slot_of.get(entry)
        if known is not None:
            if known <= slot:
                return
            self._drop(entry, known)
        self._place(entry, slot)

    def forget(self, entry: Entry) -> None:
        """Let go of an entry at once, so that the wheel does not keep it alive until its slot comes."""
        slot = self._slot_of.pop(entry, None)
        if slot is not None:
            self._drop(entry, slot)
            if not self._slot_of:
                self.stop()

    def stop(self) -> None:
        """Forget everything and leave no timer behind."""
        self._slot_of.clear()
        self._slots.clear()
        self._order.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _drop(self, entry: Entry, slot: int) -> None:
        entries = self._slots.get(slot)
        if entries is not None:  # None: the slot is being visited right now
            entries.discard(entry)

    def _place(self, entry: Entry, slot: int) -> None:
        self._slot_of[entry] = slot
        entries = self._slots.get(slot)
        if entries is None:
            self._slots[slot] = {entry}
            heappush(self._order, slot)
            self._schedule()
        else:
            entries.add(entry)

    def _schedule(self) -> None:
        """Have the one call stand at the earliest slot."""
        slot = self._order[0]
        if self._call is not None:
            if self._call_slot <= slot:
                return
            self._call.cancel()
        self._call_slot = slot
        self._call = self._clock.callLater(max(0.0, slot * self._tick - self._clock.seconds()), self._turn)

    def _turn(self) -> None:
        """Visit every slot whose time has come."""
        self._call = None
        now = self._clock.seconds()
        current = int(now / self._tick)
        while self._order and self._order[0] <= current:
            for entry in self._slots.pop(heappop(self._order)):
                # An earlier entry's callback may have made the wheel forget this one, or watch it anew elsewhere.
                if self._slot_of.get(entry, current + 1) <= current:
                    self._visit(entry, now)
        if not self._slot_of:
            self.stop()
        elif self._call is None and self._order:
            self._schedule()

    def _visit(self, entry: Entry, now: float) -> None:
        del self._slot_of[entry]
        deadline = entry.deadline
        if deadline <= 0.0 or not isfinite(deadline):
            return
        if deadline > now:
            self._place(entry, int(deadline / self._tick) + 1)
            return
        try:
            entry.deadline_passed()
        except Exception:
            _log.failure("A deadline's action failed")
