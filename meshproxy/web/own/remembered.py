"""Where did a tab want to go whose login attempt its browser has forgotten? A note, for people with many tabs.

A browser keeps a few attempts and no more (:mod:`meshproxy.sessions.attempts`). Of ten tabs that are sent to a provider at
once the later ones come back to a browser that is logged in by the first, but has no memory of their attempts: the note
brings each to its own page. It logs nobody in, is lost without harm, and only somebody who knows the attempt's ``state``
finds it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from ...api.errors import StoreDown

if TYPE_CHECKING:
    from .parts import OwnParts

_LASTS = 600.0
_LONGEST = 1024


async def remember(parts: OwnParts, state: str, to: str, now: float) -> None:
    """Make the note. A shared state that is down is no reason not to log in."""
    if 1 < len(to) <= _LONGEST:
        try:
            await parts.shared.put(_key(state), to.encode("ascii"), now + _LASTS)
        except StoreDown:
            pass


async def remembered(parts: OwnParts, state: str) -> str:
    """The target of the attempt, or ""."""
    try:
        note = await parts.shared.get(_key(state))
    except StoreDown:
        return ""
    return "" if note is None else bytes(note).decode("ascii")


def _key(state: str) -> str:
    return "login-to:" + sha256(state.encode("utf-8", "replace")).hexdigest()[:32]
