"""How long may one step take? What does not end in time is cancelled, and counts as having told nothing."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, TimeoutError

T = TypeVar("T")


async def within(clock: Any, seconds: float, step: Coroutine[Deferred[Any], Any, T]) -> T | None:
    """The result of a step, or ``None`` when it took longer than ``seconds``.

    Whoever cancels from outside is not answered with ``None``: that goes on as ``CancelledError``.
    """
    try:
        return await Deferred.fromCoroutine(step).addTimeout(max(seconds, 0.01), clock)
    except TimeoutError:
        return None
