"""Which sessions does this process know just now? One :class:`LiveSession` for each session and host.

Here stand the rules by which a record that came out of a cookie or a store counts: not ended, not revoked, not too old, of a provider that
still exists and still knows the person. The rule of the book itself: it holds nothing that a browser has as well; a live session stays as
long as the cache, a request or a tunnel holds it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from ..core.principal import Principal
from ..core.session import SessionRecord
from .live import LiveSession, Timing
from .names import EVERYBODY, handle_tag, revocations_of, tags_of
from .shared_state import Revocation, SharedState

JITTER_STEPS = 255


class Book:
    """Live sessions by id and host.

    :param jitter: random bytes, from which each session draws when exactly its tokens are refreshed.
    """

    def __init__(
        self, timing: Timing, shared: SharedState, providers: Mapping[str, Any], random: Callable[[int], bytes], *, server_side: bool
    ) -> None:
        self.timing = timing
        self.providers = providers
        self.server_side = server_side
        #: how many sessions ended here, by cause
        self.ended: Counter[str] = Counter()
        self._shared = shared
        self._random = random
        #: tokens that no browser has yet stand here alone: they stay until a cookie with them was seen
        self._held: set[LiveSession] = set()
        self._lives: WeakValueDictionary[tuple[str, str], LiveSession] = WeakValueDictionary()
        shared.watch(self._revoked)

    def __len__(self) -> int:
        return len(self._lives)

    def __iter__(self) -> Iterator[LiveSession]:
        return iter(list(self._lives.values()))

    def get(self, session_id: str, host: str) -> LiveSession | None:
        """The live session, if this process has it."""
        return self._lives.get((session_id, host))

    def of_session(self, session_id: str) -> list[LiveSession]:
        """The session on all the hosts on which this process knows it."""
        return [live for live in list(self._lives.values()) if live.record.id == session_id]

    # ---------------------------------------------------------------- in

    def adopt(self, record: SessionRecord, now: float, secret: bytes | None = None) -> LiveSession | None:
        """The live session for a record that somebody showed, or ``None`` when the record does not count (any more).

        A record that is older than what is known of the session brings nothing back: the newer one stands.
        """
        live = self._lives.get((record.id, record.host))
        if live is not None and not _newer(record, live.record):
            if record.seen_at > live.seen_at:  # it was in use at another replica
                live.touch(record.seen_at, self.timing.idle_timeout)
            return None if self.expired(live, now) else live
        present = self.present(record)
        if present is None or self.revoked(record) is not None:
            return None
        if live is not None:
            live.update(present, self.timing)
        else:
            jitter = self._random(1)[0] * 2 / JITTER_STEPS - 1
            live = LiveSession(present, self.timing, jitter=jitter, secret=secret)
        if self.expired(live, now):
            return None
        self._lives[record.id, record.host] = live
        return live

    def take_over(self, record: SessionRecord) -> None:
        """A session has a newer record: on every host it is known for."""
        for live in self.of_session(record.id):
            if _newer(record, live.record):
                live.update(self.for_host(record, live.host, live.record.parent), self.timing)
                if not self.server_side:
                    live.cookie_due = True
                    self._held.add(live)

    def release(self, live: LiveSession) -> None:
        """A browser has shown the newest record of it: nothing gets lost with the live session."""
        self._held.discard(live)

    def release_expired(self, now: float) -> None:
        """What no browser will show any more need not stay."""
        if self._held:
            self._held = {live for live in self._held if not live.ended and not self.expired(live, now)}

    def for_host(self, record: SessionRecord, host: str, parent: str | None) -> SessionRecord:
        """The record as it is on another host than the one where the login was: in a cookie, without refresh token (contract §3.5)."""
        tokens = record.tokens
        if parent is not None and not self.server_side and tokens is not None and tokens.refresh:
            tokens = replace(tokens, refresh=None)
        return replace(record, host=host, parent=parent, tokens=tokens)

    def present(self, record: SessionRecord) -> SessionRecord | None:
        """The record as its provider sees the person now; ``None`` when there is no such provider or person any more.

        Only a provider that has the people at hand says so, by a method ``current(principal)``; others do at a refresh.
        """
        provider = self.providers.get(record.provider)
        if provider is None:
            return None
        current: Callable[[Principal], Principal | None] | None = getattr(provider, "current", None)
        if current is None:
            return record
        principal = current(record.principal)
        if principal is None:
            return None
        return record if principal == record.principal else replace(record, principal=principal)

    def stored_until(self, record: SessionRecord) -> float:
        """Until when a store has to keep it."""
        ends_at = record.started_at + self.timing.lifetime
        return min(record.seen_at + self.timing.idle_timeout, ends_at if record.ends_at is None else min(ends_at, record.ends_at))

    # ---------------------------------------------------------------- out

    def expired(self, live: LiveSession, now: float) -> bool:
        """Whether its time is over. Use on any host counts, and an open tunnel is use."""
        if now >= live.hard_ends_at:
            return True
        if now < live.idle_ends_at or live.channels:
            return False
        family = self.of_session(live.record.id)
        if any(other.channels for other in family):
            return False
        seen_at = max((other.seen_at for other in family), default=live.seen_at)
        return now >= seen_at + self.timing.idle_timeout

    def revoked(self, record: SessionRecord) -> Revocation | None:
        """The revocation that is meant for this session, if there is one."""
        for name in revocations_of(record):
            revocation = self._shared.revocation(name)
            if revocation is not None and record.started_at <= revocation.at:
                return revocation
        return None

    def end(self, live: LiveSession, cause: str) -> bool:
        """End one live session. ``False`` when it was over before.

        It leaves the book: what keeps it from coming back is its record (its time is over) or its revocation.
        """
        self._lives.pop((live.record.id, live.host), None)
        ended = live.end(cause)
        if ended:
            self.ended[cause] += 1
        return ended

    def end_all(self, wanted: Callable[[LiveSession], bool], cause: str) -> list[LiveSession]:
        """End those that are wanted; which they were."""
        return [live for live in list(self._lives.values()) if wanted(live) and self.end(live, cause)]

    def _revoked(self, name: str, revocation: Revocation) -> None:
        """A revocation became known, from here or from elsewhere."""
        self.end_all(lambda live: is_meant(live, name, revocation.at), revocation.cause)


def is_meant(live: LiveSession, name: str, at: float) -> bool:
    """Whether a revocation of that name, of that instant, is meant for the session."""
    if live.record.started_at > at:
        return False
    return name == EVERYBODY or name == handle_tag(live.handle) or name in tags_of(live.record)


def _newer(record: SessionRecord, known: SessionRecord) -> bool:
    return (record.version, record.checked_at) > (known.version, known.checked_at)
