"""How long do we wait for a plugin, and for whatever shape of answer it gives? For a value, a coroutine or a Deferred; bounded.

A provider has deadlines of its own for each call it makes; the bound here is for a plugin that forgot to have one.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, TimeoutError

from ...api.errors import ProviderDown

LONGEST = 20.0
"""Seconds for one question to a provider, all its own calls together."""


async def settled(result: Any) -> Any:
    """The value, whatever "waits" means here: a value, a coroutine or a Deferred of one."""
    if isinstance(result, Deferred) or hasattr(result, "__await__"):
        return await result
    return result


async def within(result: Any, clock: Any, seconds: float = LONGEST) -> Any:
    """The same, but not longer than so many seconds; then :class:`ProviderDown`, and what we waited for is cancelled."""
    if not isinstance(result, Deferred):
        if not hasattr(result, "__await__"):
            return result
        result = Deferred.fromCoroutine(result)
    result.addTimeout(seconds, clock)
    try:
        return await result
    except TimeoutError:
        raise ProviderDown(f"no answer within {seconds:g} s") from None
