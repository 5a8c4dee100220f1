"""What must hold once, everywhere? Used tickets, revocations, refresh locks, attempt limits (contract §3.7).

:class:`SharedState` is the port; :class:`LocalState` keeps it in this process, and with a ``state_dir`` what must survive a restart. The
rules: asking whether something is revoked is synchronous, from a mirror; whatever *uses up* something waits until that is certain, and
where it cannot be certain nothing is used up and nobody gets in (:class:`StoreDown`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from twisted.logger import Logger

from ..api.errors import StoreDown
from .journal import Journal

ONCE_ENTRIES = 200_000
REVOCATIONS = 500_000
NOTES = 20_000
COUNTERS = 50_000
_SWEEP_EVERY = 30.0


class Revocation(NamedTuple):
    """Sessions of that name that began at ``at`` or before are over."""

    at: float
    expires_at: float
    cause: str


class SharedState(Protocol):
    """The port. Instants are seconds since the epoch; everything but :meth:`revocation` waits and may raise :class:`StoreDown`."""

    def revocation(self, name: str) -> Revocation | None:
        """What is known here of a revocation, at once."""

    def revocations(self) -> Iterable[tuple[str, Revocation]]:
        """All that are known here, by name."""

    def watch(self, told: Callable[[str, Revocation], None]) -> None:
        """Have ``told`` called with every revocation that becomes known here."""

    def ready(self) -> str | None:
        """``None``, or why it cannot be relied on just now."""

    async def revoke(self, name: str, revocation: Revocation) -> None:
        """Make it known everywhere. It holds here at once, whatever happens."""

    async def add_once(self, key: str, expires_at: float) -> bool:
        """Use something up: ``True`` for the first who asks, ``False`` for everybody after."""

    async def put(self, key: str, value: bytes, expires_at: float) -> None:
        """Keep a note for the others; it may get lost."""

    async def get(self, key: str) -> bytes | None:
        """The note."""

    async def lock(self, key: str, seconds: float) -> str | None:
        """A token, or ``None`` while somebody else holds the lock; it lapses after ``seconds``."""

    async def unlock(self, key: str, token: str) -> None:
        """Give it back; nothing happens when the token is not the holder's."""

    async def count(self, key: str, window: float) -> int:
        """Count one more event; how many there were in the window of so many seconds that the first of them opened."""

    async def forget_count(self, key: str) -> None:
        """Begin to count anew."""

    def stop(self) -> Any:
        """The end (may wait)."""


class Mirror:
    """What is known in this process of what was revoked, so that a request's question needs no waiting."""

    def __init__(self) -> None:
        self._revoked: dict[str, Revocation] = {}
        self._watchers: list[Callable[[str, Revocation], None]] = []

    def revocation(self, name: str) -> Revocation | None:
        """What is known of it."""
        return self._revoked.get(name)

    def revocations(self) -> list[tuple[str, Revocation]]:
        """What is known."""
        return list(self._revoked.items())

    def watch(self, told: Callable[[str, Revocation], None]) -> None:
        """Tell about every revocation that becomes known here."""
        self._watchers.append(told)


class LocalState(Mirror):
    """Shared state of one process. Bounded: where a bound is met, what waits to be used up is refused rather than forgotten.

    :param clock: a reactor, or a test's clock: ``seconds()``, and for ``state_dir`` threads.
    :param state_dir: where used tickets and revocations are written down, so that a restart forgets none.
    """

    log = Logger()

    def __init__(self, clock: Any, state_dir: Path | None = None) -> None:
        super().__init__()
        self._clock = clock
        self._once: dict[str, float] = {}
        self._notes: dict[str, tuple[bytes, float]] = {}
        self._locks: dict[str, tuple[str, float]] = {}
        self._counts: dict[str, tuple[int, float]] = {}
        self._swept_at = clock.seconds()
        self._journal = None if state_dir is None else Journal(clock, state_dir / "sessions.journal", self._replay, self._everything)

    # ---------------------------------------------------------------- revocations

    def ready(self) -> str | None:
        """Whether what happens is written down."""
        return None if self._journal is None else self._journal.trouble

    async def revoke(self, name: str, revocation: Revocation) -> None:
        """It holds now; with a ``state_dir`` it is on disk when this comes back."""
        self._sweep()
        known = self._revoked.pop(name, None)
        if known is not None and known.at > revocation.at:
            revocation = known
        while len(self._revoked) >= REVOCATIONS:
            self._revoked.pop(next(iter(self._revoked)))
            self.log.error("more than {most} revocations: the oldest is forgotten", most=REVOCATIONS)
        self._revoked[name] = revocation
        for told in self._watchers:
            told(name, revocation)
        if self._journal is not None:
            await self._journal.append({"revoke": name, "at": revocation.at, "until": revocation.expires_at, "cause": revocation.cause})

    # ---------------------------------------------------------------- once

    async def add_once(self, key: str, expires_at: float) -> bool:
        """Used up for whoever comes later. With a ``state_dir`` it is on disk before anybody gets in by it."""
        self._sweep()
        if self._once.get(key, 0.0) > self._clock.seconds():
            return False
        if len(self._once) >= ONCE_ENTRIES:
            raise StoreDown("too many logins at once: what was used up cannot be remembered")
        self._once[key] = expires_at
        if self._journal is not None:
            await self._journal.append({"once": key, "until": expires_at})
        return True

    # ---------------------------------------------------------------- notes, locks, counts: they need not survive

    async def put(self, key: str, value: bytes, expires_at: float) -> None:
        """Keep a note; the oldest go when there are too many."""
        self._sweep()
        self._notes.pop(key, None)
        while len(self._notes) >= NOTES:
            self._notes.pop(next(iter(self._notes)))
        self._notes[key] = (value, expires_at)

    async def get(self, key: str) -> bytes | None:
        """The note."""
        value, expires_at = self._notes.get(key, (None, 0.0))
        return value if expires_at > self._clock.seconds() else None

    async def lock(self, key: str, seconds: float) -> str | None:
        """Take a lock."""
        self._sweep()
        now = self._clock.seconds()
        held = self._locks.get(key)
        if held is not None and held[1] > now:
            return None
        token = secrets.token_urlsafe(12)
        self._locks[key] = (token, now + seconds)
        return token

    async def unlock(self, key: str, token: str) -> None:
        """Give it back."""
        held = self._locks.get(key)
        if held is not None and held[0] == token:
            del self._locks[key]

    async def count(self, key: str, window: float) -> int:
        """Count. Under a flood of keys the oldest counts go: whoever floods had many addresses anyway."""
        self._sweep()
        now = self._clock.seconds()
        counted, ends_at = self._counts.pop(key, (0, 0.0))
        if ends_at <= now:
            counted, ends_at = 0, now + window
        while len(self._counts) >= COUNTERS:
            self._counts.pop(next(iter(self._counts)))
        self._counts[key] = (counted + 1, ends_at)
        return counted + 1

    async def forget_count(self, key: str) -> None:
        """Begin anew."""
        self._counts.pop(key, None)

    def stop(self) -> Any:
        """Write down what is left; the file is free for another process."""
        return None if self._journal is None else self._journal.close()

    # ---------------------------------------------------------------- parts

    def _sweep(self) -> None:
        """Now and then, what is over goes."""
        now = self._clock.seconds()
        if now < self._swept_at + _SWEEP_EVERY:
            return
        self._swept_at = now
        self._once = {key: until for key, until in self._once.items() if until > now}
        self._revoked = {name: found for name, found in self._revoked.items() if found.expires_at > now}
        self._notes = {key: note for key, note in self._notes.items() if note[1] > now}
        self._locks = {key: lock for key, lock in self._locks.items() if lock[1] > now}
        self._counts = {key: count for key, count in self._counts.items() if count[1] > now}

    def _replay(self, entry: dict[str, Any]) -> None:
        """One line of the journal, at start."""
        until = float(entry["until"])
        if until <= self._clock.seconds():
            return
        if "once" in entry:
            self._once[str(entry["once"])] = until
        else:
            self._revoked[str(entry["revoke"])] = Revocation(float(entry["at"]), until, str(entry["cause"]))

    def _everything(self) -> list[dict[str, Any]]:
        """What a compacted journal holds."""
        now = self._clock.seconds()
        used = [{"once": key, "until": until} for key, until in self._once.items() if until > now]
        revoked = [
            {"revoke": name, "at": found.at, "until": found.expires_at, "cause": found.cause}
            for name, found in self._revoked.items()
            if found.expires_at > now
        ]
        return used + revoked
