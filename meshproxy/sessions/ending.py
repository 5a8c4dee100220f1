"""How does a session end before its time? By logout, by an operator, from the provider's side: everywhere, and what hangs on it closes.

The rules: first here and now, then everywhere else; a store or a Redis that is down keeps nobody logged in here, and what could not be
told is told when it is back; whoever ends several sessions by a name ends those that began up to now, never the next login.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from twisted.logger import Logger

from ..api.errors import StoreDown
from ..core.session import SessionRecord
from .book import Book, is_meant
from .cookies import SessionCookies
from .keeping import StoreKeeping
from .live import LiveSession
from .names import EVERYBODY, handle_of, handle_tag, principal_tag, sid_tag, subject_tag
from .shared_state import Revocation, SharedState
from .summary import Summary

_UNTOLD = 10_000


class CannotList(Exception):
    """Sessions that are kept in cookies alone cannot be listed."""


class Ending:
    """Ends sessions of this process, and tells the store and the other processes."""

    log = Logger()

    def __init__(
        self, book: Book, cookies: SessionCookies, shared: SharedState, store: StoreKeeping | None, audit: Callable[..., Any]
    ) -> None:
        self.book = book
        self.cookies = cookies
        self._shared = shared
        self._store = store
        self._audit = audit
        #: handles that the store did not take the deletion of
        self._undeleted: dict[str, None] = {}

    # ---------------------------------------------------------------- one session

    async def end(self, live: LiveSession, cause: str, now: float) -> tuple[bytes, ...]:
        """End it on all its hosts; the ``Set-Cookie`` values that delete its cookies on this one."""
        if not live.ended:
            until = max(live.hard_ends_at, now)
            # once revoked the book ends it on every host; this one ends by its own cause, whatever became known meanwhile
            self.book.end(live, cause)
            self._tell(live.record, cause)
            await self._revoke(handle_tag(live.handle), Revocation(now, until, cause))
            await self._delete(live.handle)
        return self.cookies.deletions(live.host)

    def end_here(self, live: LiveSession, cause: str) -> None:
        """End it in this process: its time is over, or its record does not count any more, and everybody else sees that as well."""
        if self.book.end(live, cause):
            self._tell(live.record, cause)

    async def revoke(self, handle: str, cause: str, now: float) -> bool:
        """End the session of that handle, whoever knows it. ``False`` when this process and the store know none."""
        known = [live for live in self.book if live.handle == handle]
        summary = await self._store.summary(handle) if self._store is not None and not known else None
        if known:
            self._tell(known[0].record, cause)
        elif summary is not None:
            self._tell_summary(summary, cause)
        await self._revoke(handle_tag(handle), Revocation(now, now + self.book.timing.lifetime, cause))
        await self._delete(handle)
        return bool(known) or summary is not None

    # ---------------------------------------------------------------- several, by a name

    async def end_matching(self, issuer: str, sid_or_subject: str, cause: str, now: float) -> int:
        """End what a provider calls by its session id, or by the person's subject. How many were known (with cookies: to this process)."""
        ended = 0
        for name in (sid_tag(issuer, sid_or_subject), principal_tag(issuer, sid_or_subject)):
            ended += await self._end_named(name, cause, now)
        return ended

    async def end_subject(self, subject: str, cause: str, now: float) -> int:
        """End what anybody of that subject has, whichever provider says so."""
        return await self._end_named(subject_tag(subject), cause, now)

    async def end_everybody(self, cause: str, now: float) -> int:
        """End all sessions that there are."""
        return await self._end_named(EVERYBODY, cause, now)

    def end_of_providers(self, names: Collection[str], cause: str) -> int:
        """End what these providers vouched for, here; their cookies do not count any more since the providers are gone."""
        ended = self.book.end_all(lambda live: live.record.provider in names, cause)
        for record in {live.record.id: live.record for live in ended}.values():
            self._tell(record, cause)
        return len({live.record.id for live in ended})

    async def _end_named(self, name: str, cause: str, now: float) -> int:
        known = {live.handle: live.record for live in self.book if is_meant(live, name, now)}
        handles = set(known)
        if self._store is not None:
            handles.update(await self._store.find(None if name == EVERYBODY else name))
        for record in known.values():
            self._tell(record, cause)
        await self._revoke(name, Revocation(now, now + self.book.timing.lifetime, cause))
        for handle in handles:
            summary = await self._store.summary(handle) if self._store is not None and handle not in known else None
            if summary is not None:
                self._tell_summary(summary, cause)
            await self._delete(handle)
        return len(handles)

    # ---------------------------------------------------------------- lists

    async def list(self, subject: str | None = None, issuer: str | None = None) -> list[Summary]:
        """What there is, newest first; of one subject (and issuer) only. Raises :class:`CannotList` and :class:`StoreDown`."""
        if self._store is None:
            raise CannotList('with [session] store = "cookie" the sessions are in the browsers, and nobody can list them')
        found = []
        for handle in await self._store.find(None if subject is None else subject_tag(subject)):
            summary = await self._store.summary(handle)
            if summary is not None and (subject is None or summary.subject == subject) and issuer in (None, summary.issuer):
                found.append(summary)
        return sorted(found, key=lambda summary: -summary.started_at)

    # ---------------------------------------------------------------- parts

    async def catch_up(self) -> None:
        """Tell the store what it could not be told."""
        for handle in list(self._undeleted):
            if self._store is None:
                return
            try:
                await self._store.delete(handle)
            except StoreDown:
                return
            self._undeleted.pop(handle, None)

    async def _revoke(self, name: str, revocation: Revocation) -> None:
        try:
            await self._shared.revoke(name, revocation)
        except StoreDown as error:
            self.log.error("a revocation holds in this process, but could not be passed on: {error}", error=str(error))

    async def _delete(self, handle: str) -> None:
        if self._store is None:
            return
        try:
            await self._store.delete(handle)
        except StoreDown as error:
            self.log.error("session {handle} ended, but the store could not be told: {error}", handle=handle, error=str(error))
            if len(self._undeleted) < _UNTOLD:
                self._undeleted[handle] = None

    def _tell(self, record: SessionRecord, cause: str) -> None:
        self._audit("session.ended", principal=record.principal, provider=record.provider, session=handle_of(record.id), reason=cause)

    def _tell_summary(self, summary: Summary, cause: str) -> None:
        self._audit("session.ended", principal=summary, provider=summary.provider, session=summary.id, reason=cause)
