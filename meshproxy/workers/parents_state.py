"""What must hold once, everywhere: how does a worker know? It asks its parent, who keeps it (contract §3.7).

:class:`ParentsState` is the worker's :class:`~meshproxy.sessions.shared_state.SharedState`, :func:`answers` and :func:`pass_on` the
parent's side. The rules are the port's: revocations are mirrored, so that asking is synchronous; what uses something up waits for the
parent, and a parent that does not answer lets nobody in.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import Any

from ..api.errors import StoreDown
from ..sessions.shared_state import Mirror, Revocation, SharedState
from .messages import Handler, Link, Unanswered

_SWEEP_EVERY = 60.0

Known = list[Any]
"""A revocation as JSON carries it: name, at, expires_at, cause."""


class ParentsState(Mirror):
    """The shared state of a worker.

    :param clock: seconds since the epoch.
    :param link: the link to the parent.
    """

    def __init__(self, clock: Any, link: Link) -> None:
        super().__init__()
        self._clock = clock
        self._link = link
        self._swept_at = clock.seconds()

    # ---------------------------------------------------------------- revocations

    def learn(self, known: Iterable[Known]) -> None:
        """The parent says what is revoked."""
        for name, at, expires_at, cause in known:
            self._hold(name, Revocation(at, expires_at, cause))
        self._sweep()

    def ready(self) -> str | None:
        """Whether the parent is there."""
        return None if self._link.connected else "the parent process is gone"

    async def revoke(self, name: str, revocation: Revocation) -> None:
        """It holds here now; everywhere when this comes back."""
        self._hold(name, revocation)
        await self._ask("revoke", name=name, at=revocation.at, expires_at=revocation.expires_at, cause=revocation.cause)

    def _hold(self, name: str, revocation: Revocation) -> None:
        known = self._revoked.get(name)
        if known is not None and known.at >= revocation.at and known.expires_at >= revocation.expires_at:
            return  # our own, come back from the parent
        self._revoked[name] = revocation if known is None or known.at <= revocation.at else known
        for told in self._watchers:
            told(name, self._revoked[name])

    def _sweep(self) -> None:
        now = self._clock.seconds()
        if now >= self._swept_at + _SWEEP_EVERY:
            self._swept_at = now
            self._revoked = {name: found for name, found in self._revoked.items() if found.expires_at > now}

    # ---------------------------------------------------------------- what the parent answers

    async def add_once(self, key: str, expires_at: float) -> bool:
        """Use something up."""
        return bool(await self._ask("add_once", key=key, expires_at=expires_at))

    async def put(self, key: str, value: bytes, expires_at: float) -> None:
        """Keep a note."""
        await self._ask("put", key=key, value=base64.b64encode(value).decode("ascii"), expires_at=expires_at)

    async def get(self, key: str) -> bytes | None:
        """The note."""
        found = await self._ask("get", key=key)
        return None if found is None else base64.b64decode(found)

    async def lock(self, key: str, seconds: float) -> str | None:
        """Take a lock."""
        token: str | None = await self._ask("lock", key=key, seconds=seconds)
        return token

    async def unlock(self, key: str, token: str) -> None:
        """Give it back."""
        await self._ask("unlock", key=key, token=token)

    async def count(self, key: str, window: float) -> int:
        """Count."""
        return int(await self._ask("count", key=key, window=window))

    async def forget_count(self, key: str) -> None:
        """Count anew."""
        await self._ask("forget_count", key=key)

    def stop(self) -> None:
        """Nothing: the parent keeps it."""

    async def _ask(self, method: str, /, **about: Any) -> Any:
        try:
            return await self._link.ask("shared." + method, **about)
        except Unanswered as error:
            raise StoreDown(str(error)) from error


def answers(shared: SharedState) -> dict[str, Handler]:
    """What the parent answers its workers."""

    def revoke(name: str, at: float, expires_at: float, cause: str) -> Any:
        return shared.revoke(name, Revocation(at, expires_at, cause))

    def put(key: str, value: str, expires_at: float) -> Any:
        return shared.put(key, base64.b64decode(value), expires_at)

    async def get(key: str) -> str | None:
        found = await shared.get(key)
        return None if found is None else base64.b64encode(found).decode("ascii")

    handlers: dict[str, Handler] = {"revoke": revoke, "put": put, "get": get}
    handlers |= {name: getattr(shared, name) for name in ("add_once", "lock", "unlock", "count", "forget_count")}
    return {"shared." + name: handler for name, handler in handlers.items()}


def known_revocations(shared: SharedState) -> list[Known]:
    """What a worker has to know when it begins."""
    return [[name, *revocation] for name, revocation in shared.revocations()]


def pass_on(shared: SharedState, links: Callable[[], Iterable[Link]]) -> None:
    """Tell the workers whatever becomes known to the parent."""

    def told(name: str, revocation: Revocation) -> None:
        for link in links():
            link.tell("revoked", known=[[name, *revocation]])

    shared.watch(told)
