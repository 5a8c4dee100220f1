"""Whose request is this, and what goes back into their browser? The door to everything about sessions.

Requests ask :meth:`Sessions.recall` and :meth:`Sessions.load` and take :meth:`Sessions.renewal` along with the answer; pages begin and end
sessions. The rule: what a browser is sent replaces what it has, exactly; a store that does not answer logs nobody out (:class:`StoreDown`).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..api.errors import StoreDown
from ..core.envelope import KeyRing
from ..core.principal import SignedIn
from ..core.session import SessionRecord
from ..core.session_codec import Reference
from .book import Book
from .cache import Recalled
from .cookies import Ours, SessionCookies
from .ending import Ending
from .keeping import CookieKeeping, StoreKeeping
from .live import LiveSession, Timing
from .reading import Reading
from .refreshing import Refreshing
from .shared_state import SharedState
from .summary import Summary

if TYPE_CHECKING:
    from ..settings import Settings

CACHE_TURNS_EVERY = 600.0
"""Seconds after which cookies that nobody shows are forgotten (after twice that at the latest)."""


@dataclass(frozen=True, slots=True)
class Started:
    """A session that began, and the ``Set-Cookie`` values that put it into the browser."""

    live: LiveSession
    set_cookies: tuple[bytes, ...]


class Sessions:
    """All sessions of this process.

    :param settings: the whole conf; ``[session]``, ``public_url``.
    :param keys: the key ring of ``[session] secret_file``.
    :param store: an :class:`meshproxy.api.ISessionStore`; ``None`` for ``store = "cookie"``.
    :param providers: by the name of their ``[identity.NAME]`` table.
    :param audit: ``audit(event, **fields)``: ``session.ended``, ``session.refreshed``.
    :param needed_tokens: which tokens rewriters want (``id``, ``access``); the others may be left out of a cookie that is too small.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        keys: KeyRing,
        store: Any | None,
        shared: SharedState,
        providers: Mapping[str, Any],
        clock: Any,
        random: Callable[[int], bytes] = os.urandom,
        log: Logger | None = None,
        audit: Callable[..., Any] = lambda event, **fields: None,
        needed_tokens: Collection[str] = ("id", "access"),
    ) -> None:
        self.log = log or Logger()
        self.clock = clock
        self.random = random
        self.shared = shared
        self.cookies = SessionCookies(settings.public_url, settings.session.cookie_domain)
        self._in_cookie = CookieKeeping(keys, self.cookies, random, needed_tokens)
        self._in_store = None if store is None else StoreKeeping(keys, self.cookies, random, store)
        self.book = Book(timing_of(settings), shared, providers, random, server_side=store is not None)
        self.ending = Ending(self.book, self.cookies, shared, self._in_store, audit)
        self.refreshing = Refreshing(self.book, keys, shared, self._in_store, clock, random, self.ending.end, audit)
        self._idle_timeout = self.book.timing.idle_timeout
        self._renew_after = self.book.timing.renew_after
        self.reading = Reading(self.book, self.cookies, self._in_cookie, self._in_store, clock)
        self._turn_at = clock.seconds() + CACHE_TURNS_EVERY
        self._catching_up = False
        #: sessions that began here
        self.started = 0

    # ---------------------------------------------------------------- a request's cookies

    def recall(self, cookie: bytes, host: str, now: float) -> Recalled | None:
        """What these very bytes said the last time, if it still holds; ``None``: ask :meth:`load`."""
        return self.reading.recall(cookie, host, now)

    def load(self, cookie: bytes, host: str, now: float) -> Recalled | Deferred[Recalled]:
        """Read the cookies. With a store this may wait, and fail with :class:`StoreDown`; it fails with nothing else."""
        return self.reading.load(cookie, host, now)

    def without_ours(self, cookie: bytes) -> bytes:
        """The cookies that go upstream, when nobody asks for the session."""
        return self.cookies.split(cookie)[1]

    def renewal(self, live: LiveSession, now: float) -> tuple[bytes, ...]:
        """``Set-Cookie`` values for the answer to a request with this session: none, until a tenth of ``idle_timeout`` has passed."""
        if not live.cookie_due and now - live.cookie_at < self._renew_after:
            return ()
        if live.ended:
            return ()
        if self._in_store is not None and now - live.saved_at >= self._renew_after:
            self._begin(self._save_use(self._in_store, live, now))
        return self._written(live, now)

    # ---------------------------------------------------------------- beginnings

    async def start(
        self, signed_in: SignedIn, provider: str, host: str, now: float, cookie: bytes = b"", *, address: str = "", device: str = ""
    ) -> Started:
        """A login succeeded: a new session, with a new id. What this browser was before, if somebody else, is over.

        Raises :class:`StoreDown`, and :class:`meshproxy.sessions.keeping.SessionTooBig`, which is a ``LoginFailed``.
        """
        ours, _ = self.cookies.split(cookie)
        before = await self._before(cookie, host, now)
        record = SessionRecord(
            id=_text(self.random(32)), host=self.cookies.scope(host), principal=signed_in.principal, provider=provider, started_at=now,
            seen_at=now, checked_at=now, auth_time=now if signed_in.auth_time is None else signed_in.auth_time, tokens=signed_in.tokens,
            provider_session=signed_in.provider_session, ends_at=signed_in.expires_at, address=address, device=device[:200],
        )  # fmt: skip
        secret = None
        if self._in_store is not None:
            secret = self.random(32)
            saved = await self._in_store.save(record, secret, self.book.stored_until(record), 0)
            if saved is None:
                raise StoreDown("the store refused a new session")
            record = saved
        started = await self.establish(record, secret, ours, host, now)
        if before is not None and before.record.id != record.id and not _same_person(before.record, record):
            await self.ending.end(before, "replaced", now)
        self.started += 1
        return started

    async def stored(self, reference: Reference) -> SessionRecord | None:
        """The session in the store that a hand-off refers to. Raises :class:`StoreDown`."""
        return await self.reading.stored(reference)

    async def establish(self, record: SessionRecord, secret: bytes | None, ours: Ours, host: str, now: float) -> Started:
        """Put a session into the browser on this host: one that just began, or that was handed over. Raises :class:`StoreDown`."""
        live = self.book.adopt(record, now, secret)
        if live is None:
            raise StoreDown("the session was over before it began")
        live.touch(now, self._idle_timeout)
        self.reading.trust(live, now)
        live.chunks = self.cookies.count(ours)
        return Started(live, self._written(live, now) + self.cookies.leftovers(ours))

    # ---------------------------------------------------------------- ends, lists

    async def end(self, live: LiveSession, cause: str, now: float) -> tuple[bytes, ...]:
        """End a session on every host, with everything that hangs on it; ``Set-Cookie`` values that delete its cookies on this host."""
        return await self.ending.end(live, cause, now)

    async def end_matching(self, issuer: str, sid_or_subject: str, cause: str) -> int:
        """Back-channel logout: end what the provider calls by that session id or subject; how many were known here."""
        return await self.ending.end_matching(issuer, sid_or_subject, cause, self.clock.seconds())

    async def end_of_providers(self, names: Collection[str], cause: str = "provider removed") -> int:
        """End the sessions of providers that are gone after a reload."""
        return self.ending.end_of_providers(names, cause)

    async def list(self, subject: str | None = None, issuer: str | None = None) -> list[Summary]:
        """The sessions there are. Raises :class:`meshproxy.sessions.ending.CannotList` with ``store = "cookie"``."""
        return await self.ending.list(subject, issuer)

    async def revoke(self, handle: str, cause: str = "revoked") -> bool:
        """End the session with that handle (:attr:`Summary.id`); whether anybody knew it."""
        return await self.ending.revoke(handle, cause, self.clock.seconds())

    async def revoke_subject(self, subject: str, cause: str = "revoked") -> int:
        """End the sessions of a subject, of whichever provider."""
        return await self.ending.end_subject(subject, cause, self.clock.seconds())

    async def revoke_all(self, cause: str = "revoked") -> int:
        """End all sessions."""
        return await self.ending.end_everybody(cause, self.clock.seconds())

    # ---------------------------------------------------------------- in between

    def refreshed(self, live: LiveSession, now: float) -> Deferred[None] | None:
        """Begin (or join) a refresh; ``None`` when there is nothing to wait for. The Deferred never fails: look at the session then."""
        return self.refreshing.refresh(live, now)

    async def refresh_within(self, live: LiveSession, seconds: float, now: float) -> None:
        """Refresh if it is due, and wait no longer than that; the refresh itself goes on."""
        waiting = self.refreshed(live, now)
        if waiting is not None:
            try:
                await waiting.addTimeout(seconds, self.clock)
            except TimeoutError:
                pass

    @property
    def server_side(self) -> bool:
        """Whether a store keeps the sessions."""
        return self._in_store is not None

    def counts(self) -> dict[str, int]:
        """For metrics: what there is, and what happened so far in this process; what ended stands under ``ended: CAUSE``."""
        counted = {
            "live": len(self.book),
            "started": self.started,
            "cookies_read": self.reading.read,
            "cookies_rejected": self.reading.rejected,
            "refreshed": self.refreshing.succeeded,
            "refresh_failed": self.refreshing.failed,
        }
        return counted | {f"ended: {cause}": count for cause, count in self.book.ended.items()}

    def ready(self) -> str | None:
        """``None``, or why sessions cannot be relied on just now: for ``/readyz``."""
        store = self._in_store
        return self.shared.ready() or (store.trouble if store is not None else None)

    def reconfigure(self, settings: Settings, *, keys: KeyRing, providers: Mapping[str, Any], needed_tokens: Collection[str]) -> None:
        """A reload: new keys, durations and providers. Whoever is no more there is logged out; access and fields are computed anew."""
        self.cookies = SessionCookies(settings.public_url, settings.session.cookie_domain)
        self.book.timing = timing_of(settings)
        self.book.providers = providers
        self._idle_timeout = self.book.timing.idle_timeout
        self._renew_after = self.book.timing.renew_after
        self._in_cookie = CookieKeeping(keys, self.cookies, self.random, needed_tokens)
        if self._in_store is not None:
            self._in_store.keys, self._in_store.cookies = keys, self.cookies
        self.ending.cookies = self.cookies
        self.refreshing.keys = keys
        for live in self.book:
            present = self.book.present(live.record)
            if present is None:
                self.ending.end_here(live, "removed")
            else:
                live.update(present, self.book.timing)
                live.forget_computed()
                self.reading.trust(live, self.clock.seconds())
        self.reading.configure(self.cookies, self._in_cookie)

    def forget_computed(self) -> None:
        """Identity fields are computed anew: a plugin said so (``context.invalidate``)."""
        for live in self.book:
            live.forget_computed()

    def sweep(self, now: float) -> None:
        """Every second or two: end what is over and still holds a tunnel, ask the store about tunnels' sessions, make up for outages."""
        store = self._in_store
        for live in self.book:
            if live.channels:
                live.touch(now, self._idle_timeout)
                if now >= live.hard_ends_at:
                    self.ending.end_here(live, "lifetime")
                elif store is not None:
                    if now - live.saved_at >= self._renew_after:
                        self._begin(self._save_use(store, live, now))
                    elif now >= live.revalidate_at:
                        self.reading.revalidate(live)
        self.book.release_expired(now)
        if now >= self._turn_at:
            self._turn_at = now + CACHE_TURNS_EVERY
            self.reading.turn()
        if not self._catching_up:
            self._catching_up = True
            self._begin(self._catch_up())

    def stop(self) -> None:
        """The process ends; sessions do not."""
        self.refreshing.stop()
        self.reading.stop()

    async def _before(self, cookie: bytes, host: str, now: float) -> LiveSession | None:
        """Who this browser was until now."""
        if not cookie:
            return None
        found = self.recall(cookie, host, now) or self.load(cookie, host, now)
        return (await found if isinstance(found, Deferred) else found).session

    # ---------------------------------------------------------------- writing

    def _written(self, live: LiveSession, now: float) -> tuple[bytes, ...]:
        """The session's cookies as they are to be in the browser now."""
        if self._in_store is not None and live.secret is not None:
            values = self._in_store.write(Reference(live.record.id, live.secret, live.host, now))
        else:
            live.record, values = self._in_cookie.write(replace(live.record, seen_at=now))
        lines = self.cookies.written(live.host, values, live.hard_ends_at - now, live.chunks)
        live.cookie_at, live.cookie_due, live.chunks = now, False, len(values)
        return lines

    async def _save_use(self, store: StoreKeeping, live: LiveSession, now: float) -> None:
        """Tell the store that the session is in use. Whatever comes of it, no request waits for it."""
        live.saved_at = now
        record = replace(live.record, seen_at=now)
        if live.secret is None:
            return
        saved = await store.save(record, live.secret, self.book.stored_until(record), record.version)
        if saved is None:  # somebody else wrote: what they wrote counts, and says that the session is in use
            self.reading.revalidate(live)
        else:
            self.book.take_over(saved)

    async def _catch_up(self) -> None:
        try:
            await self.ending.catch_up()
            await self.refreshing.catch_up()
        finally:
            self._catching_up = False

    def _begin(self, coroutine: Any) -> None:
        Deferred.fromCoroutine(coroutine).addErrback(self._in_background)

    def _in_background(self, failure: Failure) -> None:
        """Nobody waits for this; a store that is down has said so already."""
        if not failure.check(StoreDown):
            self.log.failure("something about a session failed", failure)


def timing_of(settings: Settings) -> Timing:
    """The durations of ``[session]``."""
    session = settings.session
    return Timing(session.lifetime, session.idle_timeout, session.recheck)


def _same_person(one: SessionRecord, other: SessionRecord) -> bool:
    return (one.principal.issuer, one.principal.subject) == (other.principal.issuer, other.principal.subject)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


__all__ = ["Recalled", "Sessions", "Started"]
