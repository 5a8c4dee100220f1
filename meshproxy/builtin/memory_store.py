"""``memory``: sessions in this process's memory, bounded. For one process; they end when it does."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, Field

from meshproxy.api import Context, hookimpl, settings_of

_LOCKS_SWEPT_AT = 1000


@dataclass(frozen=True, slots=True)
class _Entry:
    value: bytes
    version: int
    expires_at: float
    tags: frozenset[str]


class MemoryStore:
    """Keeps the ``max_sessions`` that were used last. Every answer is immediate."""

    name = "memory"

    class Settings(BaseModel):
        """``max_sessions`` bounds the memory: a session has a few kilobytes."""

        max_sessions: int = Field(100_000, ge=1)

    def __init__(self, settings: Settings, context: Context) -> None:
        self._max_sessions = settings_of(self.Settings, settings).max_sessions
        self._seconds = context.reactor.seconds
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # the least recently used first
        self._tagged: dict[str, set[str]] = {}
        self._locks: dict[str, tuple[str, float]] = {}

    def load(self, key: str) -> tuple[bytes, int] | None:
        """Value and version, or ``None``."""
        entry = self._live(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.value, entry.version

    def save(self, key: str, value: bytes, expires_at: float, tags: Iterable[str], if_version: int | None = None) -> bool:
        """Keep it, unless another version than ``if_version`` stands there."""
        entry = self._live(key)
        version = entry.version if entry else 0
        if if_version is not None and if_version != version:
            return False
        self.delete(key)
        self._entries[key] = _Entry(bytes(value), version + 1, expires_at, frozenset(tags))
        for tag in self._entries[key].tags:
            self._tagged.setdefault(tag, set()).add(key)
        while len(self._entries) > self._max_sessions:
            self.delete(next(iter(self._entries)))
        return True

    def delete(self, key: str) -> None:
        """Forget it."""
        entry = self._entries.pop(key, None)
        for tag in entry.tags if entry else ():
            keys = self._tagged[tag]
            keys.discard(key)
            if not keys:
                del self._tagged[tag]

    def find(self, tag: str | None = None) -> list[str]:
        """The keys of what still lives, with the tag or (``None``) all."""
        keys = list(self._entries if tag is None else self._tagged.get(tag, ()))
        return [key for key in keys if self._live(key) is not None]

    def lock(self, key: str, seconds: float) -> str | None:
        """A token, or ``None`` while another holder's lease runs."""
        now = self._seconds()
        held = self._locks.get(key)
        if held is not None and held[1] > now:
            return None
        if len(self._locks) >= _LOCKS_SWEPT_AT:
            self._locks = {name: lock for name, lock in self._locks.items() if lock[1] > now}
        token = secrets.token_urlsafe(16)
        self._locks[key] = (token, now + seconds)
        return token

    def unlock(self, key: str, token: str) -> None:
        """Give it back, if it is still the holder's."""
        held = self._locks.get(key)
        if held is not None and held[0] == token:
            del self._locks[key]

    def _live(self, key: str) -> _Entry | None:
        """The entry, unless its time is over: then it goes."""
        entry = self._entries.get(key)
        if entry is not None and entry.expires_at <= self._seconds():
            self.delete(key)
            return None
        return entry


@hookimpl
def meshproxy_session_stores() -> list[type]:
    """Registers ``memory``."""
    return [MemoryStore]
