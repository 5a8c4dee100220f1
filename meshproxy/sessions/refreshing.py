"""How does a session get new tokens? By one call to its provider, whoever asks, in this process and across replicas (wire-rules §2.6).

The rules: one flight a session, one lock among all processes, with a lease that outlasts the provider's slowest answer; who had to wait
reads the session again before doing anything; the rotated token is kept before anybody uses it; and only the provider's own "no"
(:class:`SessionOver`), or another person in place of this one, ends a session. Everything else is trouble that passes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ..api.errors import SessionOver, StoreDown
from ..core.envelope import NONCE_BYTES, KeyRing
from ..core.principal import SignedIn, Tokens
from ..core.session import SessionRecord
from ..core.session_codec import decode_session, encode_session
from .book import Book
from .flights import Flights
from .keeping import StoreKeeping
from .live import NEVER, LiveSession
from .shared_state import SharedState

LEASE = 20.0
"""Seconds for which a refresh is locked; longer than ``PROVIDER_TIMEOUT`` and what stands around it."""
PROVIDER_TIMEOUT = 10.0
POLL = 0.2
"""Seconds between two looks at a session that another process is refreshing."""
NOTE_FOR = 60.0
"""Seconds for which a rotated token leads to the session that it became: other replicas still get requests with the old cookie."""
_BACKOFF, _LONGEST_BACKOFF = 5.0, 60.0
_SAVES = 4


class Refreshing:
    """Refreshes sessions. :meth:`refresh` is what requests call."""

    log = Logger()

    def __init__(
        self,
        book: Book,
        keys: KeyRing,
        shared: SharedState,
        store: StoreKeeping | None,
        clock: Any,
        random: Callable[[int], bytes],
        end: Callable[[LiveSession, str, float], Awaitable[Any]],
        audit: Callable[..., Any],
    ) -> None:
        self.book = book
        self.keys = keys
        self._shared = shared
        self._store = store
        self._clock = clock
        self._random = random
        self._end = end
        self._audit = audit
        self._flights: Flights[None] = Flights()
        #: sessions whose new tokens the store did not take yet
        self._unsaved: dict[str, tuple[LiveSession, SessionRecord]] = {}
        self.succeeded = 0
        self.failed = 0

    def refresh(self, live: LiveSession, now: float) -> Deferred[None] | None:
        """Begin a refresh, or join the one under way; ``None`` when there is nothing to do.

        The Deferred fires when it is over, one way or the other, and never fails: what came of it stands in the session.
        """
        if live.ended or now < live.refresh_due_at:
            return None
        renew = getattr(self.book.providers.get(live.record.provider), "renew", None)
        if renew is None:
            live.refresh_due_at = NEVER
            return None
        return self._flights.join(live.record.id, lambda: self._guarded(live, renew))

    async def catch_up(self) -> None:
        """Save what the store did not take."""
        for handle, (live, record) in list(self._unsaved.items()):
            if live.ended or await self._saved(live, record) is not None:
                self._unsaved.pop(handle, None)

    def stop(self) -> None:
        """End what is under way."""
        self._flights.cancel()

    # ---------------------------------------------------------------- one flight

    async def _guarded(self, live: LiveSession, renew: Callable[[SignedIn], Any]) -> None:
        try:
            await self._locked(live, renew)
        except SessionOver as error:
            self.log.info("the provider ended session {handle}: {reason}", handle=live.handle, reason=str(error))
            await self._end(live, "provider", self._clock.seconds())
        except CancelledError:
            return  # by :meth:`stop`: this coroutine is the whole flight, nobody above it waits to be told
        except Exception as error:
            # a provider or store in trouble; whatever its error says, it is no reason to log anybody out
            self._postpone(live, f"{type(error).__name__}: {getattr(error, 'reason', error)}")

    async def _locked(self, live: LiveSession, renew: Callable[[SignedIn], Any]) -> None:
        """Refresh under the lock; or wait until whoever holds it has refreshed."""
        patience = self._clock.seconds() + LEASE
        while True:
            token = await self._lock(live)
            try:
                if await self._refreshed_elsewhere(live):
                    return
                if token is not None:
                    await self._renew(live, renew)
                    return
            finally:
                if token is not None:
                    await self._unlock(live, token)
            if self._clock.seconds() >= patience:
                raise TimeoutError("another process refreshes this session, and does not finish")
            await deferLater(self._clock, POLL)

    async def _renew(self, live: LiveSession, renew: Callable[[SignedIn], Any]) -> None:
        asked: Deferred[SignedIn] = maybeDeferred(renew, live.signed_in)
        asked.addTimeout(PROVIDER_TIMEOUT, self._clock)
        signed_in = await asked
        now = self._clock.seconds()
        who, was = signed_in.principal, live.principal
        if (who.issuer, who.subject) != (was.issuer, was.subject):
            self.log.warn("the refresh of session {handle} brought another subject", handle=live.handle)
            await self._end(live, "subject changed", now)
            return
        record = renewed(live.record, signed_in, now, live.seen_at)
        await self._keep(live, record)
        live.refresh_failed, live.refresh_failures = "", 0
        self.succeeded += 1
        self._audit("session.refreshed", principal=record.principal, provider=record.provider, session=live.handle)

    def _postpone(self, live: LiveSession, why: str) -> None:
        live.refresh_failures += 1
        live.refresh_failed = why
        pause = min(_LONGEST_BACKOFF, _BACKOFF * 2 ** min(live.refresh_failures - 1, 8))
        live.refresh_due_at = self._clock.seconds() + pause * (0.75 + self._random(1)[0] / 512)
        self.failed += 1
        self.log.warn("session {handle} was not refreshed, it is tried again: {why}", handle=live.handle, why=why)

    # ---------------------------------------------------------------- what the others did, and what they are told

    async def _refreshed_elsewhere(self, live: LiveSession) -> bool:
        """Read the session again, and whether that settled it."""
        record = live.record
        if self._store is not None:
            found = await self._store.load(record.id, live.secret or b"", record)
            if found is None:
                await self._end(live, "revoked", self._clock.seconds())
                return True
        else:
            note = await self._shared.get(_note_name(record))
            payload = None if note is None else self.keys.open(b"refreshed", _note_name(record).encode(), note)
            found = None if payload is None else decode_session(payload)
        if found is not None and found.id == record.id and found.version > record.version:
            self.book.take_over(found)
        return bool(live.ended) or self._clock.seconds() < live.refresh_due_at

    async def _keep(self, live: LiveSession, record: SessionRecord) -> None:
        """The new tokens, before anybody uses them: in the store, or for the other replicas."""
        if self._store is not None:
            unsaved = replace(record, version=live.record.version)
            if await self._saved(live, unsaved) is None:
                self._unsaved[live.handle] = live, unsaved
                self.book.take_over(unsaved)  # the version is still the store's: whoever writes next writes over that one
            return
        name = _note_name(live.record)
        note = self.keys.seal(b"refreshed", name.encode(), encode_session(record), self._random(NONCE_BYTES), deflate=True)
        try:
            await self._shared.put(name, note, self._clock.seconds() + NOTE_FOR)
        except StoreDown as error:
            self.log.warn("other replicas could not be told of new tokens: {error}", error=str(error))
        self.book.take_over(record)

    async def _saved(self, live: LiveSession, record: SessionRecord) -> SessionRecord | None:
        """The record as it stands in the store now; ``None`` when the store is down. What others changed meanwhile was a use, no more."""
        store, secret = self._store, live.secret
        if store is None or secret is None:
            return None
        try:
            for _ in range(_SAVES):
                saved = await store.save(record, secret, self.book.stored_until(record), record.version)
                if saved is not None:
                    self.book.take_over(saved)
                    return saved
                stands = await store.load(record.id, secret)
                if stands is None:
                    await self._end(live, "revoked", self._clock.seconds())
                    return record
                record = replace(record, version=stands.version, seen_at=max(record.seen_at, stands.seen_at))
        except StoreDown as error:
            self.log.error("new tokens of session {handle} wait for the store: {error}", handle=live.handle, error=str(error))
        return None

    async def _lock(self, live: LiveSession) -> str | None:
        if self._store is not None:
            return await self._store.lock(live.handle, LEASE)
        return await self._shared.lock("refresh:" + live.handle, LEASE)

    async def _unlock(self, live: LiveSession, token: str) -> None:
        try:
            if self._store is not None:
                await self._store.unlock(live.handle, token)
            else:
                await self._shared.unlock("refresh:" + live.handle, token)
        except StoreDown:
            pass  # the lease ends by itself


def renewed(record: SessionRecord, signed_in: SignedIn, now: float, seen_at: float) -> SessionRecord:
    """The record after a refresh: what the provider did not send anew stays as it was (RFC 6749 §6)."""
    old, new = record.tokens or Tokens(), signed_in.tokens or Tokens()
    tokens = Tokens(
        access=new.access or old.access,
        id=new.id or old.id,
        refresh=new.refresh or old.refresh,
        expires_at=new.expires_at if new.access else old.expires_at,
        id_expires_at=new.id_expires_at if new.id else old.id_expires_at,
        scope=new.scope or old.scope,
    )
    return replace(
        record,
        principal=signed_in.principal,
        tokens=tokens,
        ends_at=record.ends_at if signed_in.expires_at is None else signed_in.expires_at,
        provider_session=signed_in.provider_session or record.provider_session,
        checked_at=now,
        seen_at=max(seen_at, record.seen_at),
        version=record.version + 1,
    )


def _note_name(record: SessionRecord) -> str:
    """The note that a rotated refresh token leads to; the whole hash, so that no two tokens share one."""
    token = record.tokens.refresh if record.tokens and record.tokens.refresh else ""
    return "refreshed:" + sha256(f"{record.id} {token}".encode()).hexdigest()
