"""How long may a step at a provider take, all in all? One deadline around several calls, and never too many at once."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.interfaces import IReactorTime

from ..api.errors import ProviderDown

T = TypeVar("T")


def within(clock: IReactorTime, seconds: float, what: str, step: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """Run a step; when it takes longer it is cancelled and fails with :class:`ProviderDown`."""

    def late(result: Any, timeout: float) -> Any:
        raise ProviderDown(f"{what} took longer than {seconds:g} s")

    return Deferred.fromCoroutine(step).addTimeout(seconds, clock, late)


class Turns:
    """At most so many steps at once; who waits too long for a turn hears :class:`ProviderDown`."""

    def __init__(self, clock: IReactorTime, at_once: int, wait: float) -> None:
        self._clock = clock
        self._wait = wait
        self._turns = DeferredSemaphore(at_once)

    async def take(self, clock_seconds: float, what: str, step: Any) -> Any:
        """Run ``step()``, a coroutine function, within ``clock_seconds`` once it is its turn.

        :raises ProviderDown: no turn came, or the step took too long.
        """

        def late(result: Any, timeout: float) -> Any:
            raise ProviderDown(f"{what}: too many at once, no turn within {self._wait:g} s")

        await self._turns.acquire().addTimeout(self._wait, self._clock, late)
        try:
            return await within(self._clock, clock_seconds, what, step())
        finally:
            self._turns.release()
