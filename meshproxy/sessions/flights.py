"""How do many who want the same thing at once cause it once? They wait for the one flight that is under way.

The rule: whoever waits has a Deferred of their own; giving up waiting ends nobody else's flight.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Flights(Generic[T]):
    """One running coroutine for each key."""

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[Deferred[T], list[Deferred[T]]]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def join(self, key: Hashable, begin: Callable[[], Coroutine[Deferred[Any], Any, T]]) -> Deferred[T]:
        """The result of the flight that runs for ``key``, or of one that begins now."""
        waiter: Deferred[T] = Deferred()
        running = self._running.get(key)
        if running is not None:
            running[1].append(waiter)
            return waiter
        waiters = [waiter]
        flight = Deferred.fromCoroutine(begin())
        if not flight.called:
            self._running[key] = (flight, waiters)
        flight.addBoth(self._landed, key, waiters)
        return waiter

    def cancel(self) -> None:
        """End them all: the process stops."""
        for flight, _ in list(self._running.values()):
            flight.cancel()

    def _landed(self, result: T | Failure, key: Hashable, waiters: list[Deferred[T]]) -> None:
        self._running.pop(key, None)
        for waiter in waiters:
            if not waiter.called:
                waiter.callback(result)  # type: ignore[arg-type]
