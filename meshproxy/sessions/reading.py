"""What do these cookie bytes say? Remembered where they were read before; else out of the cookie itself, or out of the store.

The rules: bytes that were read before cost a look into a dictionary; what is wrong with a cookie makes its bearer anonymous, with a counter
and no error; a store's word holds for a second, and where it is in use it is asked for again before it runs out, beside the requests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..api.errors import StoreDown
from ..core.session import SessionRecord
from ..core.session_codec import Reference
from .book import Book
from .cache import RecallCache, Recalled
from .cookies import Ours, SessionCookies
from .flights import Flights
from .keeping import CookieKeeping, StoreKeeping
from .live import NEVER, LiveSession

FRESH_FOR = 1.0
"""Seconds for which a store's word is taken. In the second half it is asked again beside the requests, which do not wait for it."""
COOKIE_RESENT_AFTER = 2.0
"""Seconds until a browser that still shows an older cookie is sent the newer one again."""
_MARK = b"meshproxy"


class Reading:
    """Reads requests' cookies.

    :param store: where the sessions are kept; ``None``: in the cookies.
    :param clock: tells the time after something was waited for.
    """

    log = Logger()

    def __init__(self, book: Book, cookies: SessionCookies, in_cookie: CookieKeeping, store: StoreKeeping | None, clock: Any) -> None:
        self._book = book
        self._clock = clock
        self._store = store
        self._cache = RecallCache()
        self._loads: Flights[SessionRecord | None] = Flights()
        #: cookies that were no session of ours, and cookies that had to be read
        self.rejected = self.read = 0
        self.configure(cookies, in_cookie)

    def configure(self, cookies: SessionCookies, in_cookie: CookieKeeping) -> None:
        """Names, keys and durations may have changed: whatever was remembered is read again."""
        self._cookies = cookies
        self._in_cookie = in_cookie
        self._idle_timeout = self._book.timing.idle_timeout
        self.turn()
        self.turn()

    def turn(self) -> None:
        """Forget the cookies that nobody has shown since the turn before."""
        self._cache.turn()
        self._young = self._cache.young

    # ---------------------------------------------------------------- the two ways in

    def recall(self, cookie: bytes, host: str, now: float) -> Recalled | None:
        """What these very bytes said the last time, if it still holds; ``None``: ask :meth:`load`."""
        recalled = self._young.get(cookie)
        if recalled is None:
            recalled = self._cache.older(cookie)
            self._young = self._cache.young
            if recalled is None:
                return Recalled(None, cookie) if _MARK not in cookie and _MARK not in cookie.lower() else None
        live = recalled.session
        if live is None or now >= live.good_until or now >= live.idle_ends_at:
            return None
        if live.host != host and live.host != self._cookies.scope(host):
            return None
        live.seen_at = now
        live.idle_ends_at = now + self._idle_timeout
        if recalled.version < live.version and now - live.cookie_at > COOKIE_RESENT_AFTER:
            live.cookie_due = True
        if now >= live.revalidate_at:
            self.revalidate(live)
        return recalled

    def load(self, cookie: bytes, host: str, now: float) -> Recalled | Deferred[Recalled]:
        """Read the cookies. With a store this may wait, and fail with :class:`StoreDown`; it fails with nothing else."""
        ours, rest = self._cookies.split(cookie)
        if not ours:
            return Recalled(None, cookie)
        self.read += 1
        scope = self._cookies.scope(host)
        if self._store is None:
            return self._from_cookie(cookie, ours, rest, scope, now)
        return self._from_store(self._store, cookie, ours, rest, scope, now)

    # ---------------------------------------------------------------- out of the cookie

    def _from_cookie(self, cookie: bytes, ours: Ours, rest: bytes, scope: str, now: float) -> Recalled:
        found = self._in_cookie.read(ours)
        if found is None or found[0].host != scope:
            return self._nobody(ours, rest)
        live = self._book.adopt(found[0], now)
        if live is None:
            return Recalled(None, rest)
        return self._known(live, cookie, ours, rest, found[0].version, now)

    # ---------------------------------------------------------------- out of the store

    def _from_store(
        self, store: StoreKeeping, cookie: bytes, ours: Ours, rest: bytes, scope: str, now: float
    ) -> Recalled | Deferred[Recalled]:
        found = store.read(ours)
        if found is None or found[0].host != scope:
            return self._nobody(ours, rest)
        reference = found[0]
        live = self._book.get(reference.id, scope)
        if live is not None and now < live.good_until and now < live.idle_ends_at:
            return self._known(live, cookie, ours, rest, live.version, now)

        def answered(record: SessionRecord | None) -> Recalled:
            then = self._clock.seconds()
            live = None if record is None else self._adopted(reference, record, then)
            if live is None:
                return Recalled(None, rest)
            live.cookie_at = max(live.cookie_at, reference.issued_at)
            return self._known(live, cookie, ours, rest, live.version, then)

        return _settled(self._fetched(store, reference).addCallback(answered))

    async def stored(self, reference: Reference) -> SessionRecord | None:
        """The session that a reference leads to, as it is on the reference's host. Raises :class:`StoreDown`."""
        record = None if self._store is None else await self._fetched(self._store, reference)
        return None if record is None else _on_host(record, reference)

    def revalidate(self, live: LiveSession) -> None:
        """Ask the store again, beside the requests. Where it does not answer its old word runs out."""
        store = self._store
        if store is None or live.secret is None or live.ended:
            return
        live.revalidate_at = self._clock.seconds() + FRESH_FOR
        reference = Reference(live.record.id, live.secret, live.host, live.cookie_at)

        def answered(record: SessionRecord | None) -> None:
            if record is not None:
                self._adopted(reference, record, self._clock.seconds())

        self._fetched(store, reference).addCallback(answered).addErrback(self._in_background)

    def trust(self, live: LiveSession, now: float) -> None:
        """The store, where there is one, has just said that the session lives."""
        if self._store is None:
            live.good_until, live.revalidate_at = live.hard_ends_at, NEVER
        else:
            live.good_until, live.revalidate_at = min(live.hard_ends_at, now + FRESH_FOR), now + FRESH_FOR / 2

    def stop(self) -> None:
        """Ask nobody any more."""
        self._loads.cancel()

    def _fetched(self, store: StoreKeeping, reference: Reference) -> Deferred[SessionRecord | None]:
        """The session as the store has it; who asks while that is under way gets the same answer."""
        live = self._book.get(reference.id, reference.host)
        known = None if live is None else live.record

        async def fetch() -> SessionRecord | None:
            record = await store.load(reference.id, reference.secret, known)
            if record is None:
                self._book.end_all(lambda live: live.record.id == reference.id, "gone")
            return record

        return self._loads.join((reference.id, reference.host), fetch)

    def _adopted(self, reference: Reference, record: SessionRecord, now: float) -> LiveSession | None:
        live = self._book.adopt(_on_host(record, reference), now, reference.secret)
        if live is not None:
            self.trust(live, now)
        return live

    # ---------------------------------------------------------------- what came of it

    def _known(self, live: LiveSession, cookie: bytes, ours: Ours, rest: bytes, version: int, now: float) -> Recalled:
        """A request with a session."""
        live.touch(now, self._idle_timeout)
        live.chunks = max(live.chunks, self._cookies.count(ours))
        if version >= live.version:
            self._book.release(live)
        recalled = Recalled(live, rest, version)
        self._cache.put(cookie, recalled)
        self._young = self._cache.young
        return recalled

    def _nobody(self, ours: Ours, rest: bytes) -> Recalled:
        """There may be cookies of ours, but no session in them."""
        if self._cookies.count(ours):
            self.rejected += 1
        return Recalled(None, rest)

    def _in_background(self, failure: Failure) -> None:
        """Nobody waits for this; a store that is down has said so already."""
        if not failure.check(StoreDown):
            self.log.failure("a session could not be read again", failure)


def _on_host(record: SessionRecord, reference: Reference) -> SessionRecord:
    """A store has one record of a session; on each host it is that host's, begun on the first."""
    if record.host == reference.host:
        return record
    return replace(record, host=reference.host, parent=record.parent or record.host)


def _settled(waiting: Deferred[Recalled]) -> Recalled | Deferred[Recalled]:
    """The result itself where there is one already: a store in memory makes nobody wait."""
    found: list[Recalled] = []
    if not waiting.called or waiting.paused:
        return waiting

    def look(result: Any) -> Any:
        if isinstance(result, Recalled):
            found.append(result)
        return result

    waiting.addBoth(look)
    return found[0] if found else waiting
