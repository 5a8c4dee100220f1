"""Whose turn is it? Places for requests (or tunnels) of one service, and the queue before them.

Nobody starves the others: one principal holds at most ``per_principal`` places, what is more waits; a place that
becomes free goes to the waiting principal with the fewest places; and when the queue is full, whoever waits in it most often
gives way. Anonymous requests come from many
people: they have no limit of their own, but give way as one.
"""

from __future__ import annotations

from collections import Counter
from typing import Generic, Protocol, TypeVar


class Waiter(Protocol):
    """What queues: it says whose it is (any hashable; ``None``: anonymous)."""

    principal: object


W = TypeVar("W", bound=Waiter)


class Lane(Generic[W]):
    """Counts places and orders the queue; knows no time and no connection.

    :param places: how many at once.
    :param per_principal: how many of them one principal may hold; 0: no limit.
    :param queue: how many may wait.
    """

    __slots__ = ("_held", "_per_principal", "_places", "_queue", "taken", "waiting")

    def __init__(self, places: int, per_principal: int, queue: int) -> None:
        self._places = places
        self._per_principal = per_principal
        self._queue = queue
        self._held: dict[object, int] = {}
        #: places taken now
        self.taken = 0
        #: who waits, the longest waiting first (a dict for its order and its O(1) removal)
        self.waiting: dict[W, None] = {}

    def enter(self, principal: object) -> bool:
        """Take a place, if one is free and the principal's share allows it."""
        if self.taken >= self._places:
            return False
        if self._per_principal:
            held = self._held.get(principal, 0)
            if held >= self._per_principal and principal is not None:
                return False
            self._held[principal] = held + 1
        self.taken += 1
        return True

    def leave(self, principal: object) -> None:
        """Give a place back; :meth:`next` says whom to."""
        self.taken -= 1
        if self._per_principal:
            held = self._held[principal] - 1
            if held:
                self._held[principal] = held
            else:
                del self._held[principal]

    def wait(self, waiter: W) -> W | None:
        """Queue ``waiter``. Returns who has to go for want of room: nobody, the waiter itself, or another."""
        if len(self.waiting) < self._queue:
            self.waiting[waiter] = None
            return None
        crowd = Counter(other.principal for other in self.waiting)
        if not crowd:
            return waiter
        greediest, count = crowd.most_common(1)[0]
        if count <= crowd[waiter.principal] + 1:
            return waiter
        loser = next(other for other in reversed(self.waiting) if other.principal == greediest)
        del self.waiting[loser]
        self.waiting[waiter] = None
        return loser

    def next(self) -> W | None:
        """Who leaves the queue now, with a place taken for it; ``None`` when nobody may."""
        if not self.waiting or self.taken >= self._places:
            return None
        best: W | None = None
        fewest = float("inf")
        for waiter in self.waiting:
            held = self._held.get(waiter.principal, 0)
            if held < fewest and (waiter.principal is None or not self._per_principal or held < self._per_principal):
                best, fewest = waiter, held
        if best is not None:
            self.enter(best.principal)
            del self.waiting[best]
        return best
