"""How old may a copy of what somebody else publishes be? One rule for discovery documents and key sets.

A copy is fresh for a while, then used on while a new one is fetched behind it, and used on for longer while that fails; only then is
there none. A failed fetch never replaces a good copy. However many ask at once, one fetch is under way; however often it fails, the
next waits, longer each time, and whoever asks meanwhile hears at once what went wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

T = TypeVar("T")

FIRST_RETRY = 1.0
LAST_RETRY = 15.0


class Refreshing(Generic[T]):
    """A copy that keeps itself fresh.

    :param fetch: gives the value and for how many seconds it is fresh.
    :param stale_for: for how many seconds after that it may be used on while fetches fail.
    """

    def __init__(self, fetch: Callable[[], Awaitable[tuple[T, float]]], clock: IReactorTime, *, stale_for: float) -> None:
        self._fetch = fetch
        self._clock = clock
        self._stale_for = stale_for
        self._value: T | None = None
        self._fresh_until = 0.0
        self._waiting: list[Deferred[T]] = []
        self._flight: Deferred[None] | None = None
        self._flying = False
        self._failures = 0
        self._next_try_at = 0.0
        self._retry: Any = None
        self._stopped = False
        self.fetched_at: float | None = None
        self.error: Exception | None = None

    def peek(self) -> T | None:
        """The copy at hand, while it may be used; never waits, never fetches."""
        if self._value is not None and self._clock.seconds() < self._fresh_until + self._stale_for:
            return self._value
        return None

    async def get(self) -> T:
        """The copy, fetched if there is none that may be used; one that is no longer fresh is renewed behind the answer.

        :raises Exception: what the last fetch failed with.
        """
        value = self.peek()
        if value is None:
            return await self.renew()
        if self._clock.seconds() >= self._fresh_until and not self._flying and self._clock.seconds() >= self._next_try_at:
            self._fly()
        return value

    async def renew(self) -> T:
        """A copy fetched now, or by the fetch that is under way. While failures back off, their error at once."""
        if not self._flying and self.error is not None and self._clock.seconds() < self._next_try_at:
            raise self.error.with_traceback(None)
        waiter: Deferred[T] = Deferred(self._waiting.remove)
        self._waiting.append(waiter)
        if not self._flying:
            self._fly()
        return await waiter

    def keep(self) -> None:
        """Fetch now and, until it has worked once, again and again: for start-up, when nobody waits yet."""
        if not self._stopped and not self._flying and self.peek() is None:
            self._fly()

    def stop(self) -> None:
        """No fetch is under way or to come; who waits hears ``CancelledError``."""
        self._stopped = True
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        if self._flight is not None:
            self._flight.cancel()
        for waiter in self._waiting.copy():
            waiter.cancel()

    def _fly(self) -> None:
        self._flying = True
        # The flight is this object's own: whoever waits may go away without ending it for the others.
        flight: Deferred[Any] = Deferred.fromCoroutine(self._fetch_once())
        flight.addCallbacks(self._landed, self._crashed)
        self._flight = flight if self._flying else None

    async def _fetch_once(self) -> tuple[T, float]:
        return await self._fetch()

    def _landed(self, result: tuple[T, float]) -> None:
        self._flying, self._flight = False, None
        self._value, fresh_for = result
        self.fetched_at = self._clock.seconds()
        self._fresh_until = self.fetched_at + fresh_for
        self._failures, self.error = 0, None
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(self._value)

    def _crashed(self, failure: Failure) -> None:
        self._flying, self._flight = False, None
        if self._stopped:
            return
        self.error = failure.value if isinstance(failure.value, Exception) else RuntimeError("the fetch was ended")
        pause = min(FIRST_RETRY * 2**self._failures, LAST_RETRY)
        self._failures = min(self._failures + 1, 10)
        self._next_try_at = self._clock.seconds() + pause
        if self.peek() is None and (self._retry is None or not self._retry.active()):
            self._retry = self._clock.callLater(pause, self.keep)
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.errback(failure)
