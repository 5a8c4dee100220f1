"""What does a running process keep of a session? The record, when it ends, and what was computed from it or depends on it.

There is one :class:`LiveSession` for a session on a host, however its cookies are spelt. The rule: it is never copied; whoever holds one
sees it change (new tokens, new groups) and end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ..core.principal import Principal, SignedIn
from ..core.session import SessionRecord
from .names import handle_of

REFRESH_BEFORE = 60.0
"""Seconds before the access token's end at which it is refreshed (contract §3.5)."""
REFRESH_JITTER = 10.0
"""Seconds by which sessions differ in that, so that a thousand logins of nine o'clock do not come back as one."""

NEVER = float("inf")


class Channel(Protocol):
    """Something that lives as long as its session does: a tunnel."""

    def session_ended(self, cause: str) -> None:
        """Close now."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long sessions last, in seconds: ``[session]`` of the conf."""

    lifetime: float
    idle_timeout: float
    recheck: float

    @property
    def renew_after(self) -> float:
        """After how long the cookie is written anew (contract §3.4)."""
        return self.idle_timeout / 10


class LiveSession:
    """A session as requests meet it. Instants are seconds since the epoch.

    :ivar record: what is sealed and stored.
    :ivar handle: its public name, for logs and lists.
    :ivar principal: who it is; the same as the record's.
    :ivar signed_in: principal and tokens as rewriters and providers take them.
    :ivar secret: the key of the store's value, where a store keeps the session.
    :ivar seen_at: the last request.
    :ivar idle_ends_at: when it ends unless another request comes; :ivar hard_ends_at: when it ends whatever comes.
    :ivar good_until: until when it may be used without asking anybody; 0 once it ended.
    :ivar revalidate_at: when a store is asked again, beside the requests.
    :ivar refresh_due_at: when the tokens are to be refreshed; infinity where they cannot be.
    :ivar refresh_failed: why the last refresh did not succeed, "" when it did.
    :ivar admissions: the gateway's: by service, what was judged and computed for it. Emptied when the principal or the tokens change.
    :ivar channels: what is to be closed with it: tunnels. While there is one the session does not idle out.
    :ivar ended: why it ended, "" while it lives.
    :ivar epoch: counts the changes of principal and tokens.
    """

    __slots__ = (
        "__weakref__", "_jitter", "admissions", "channels", "chunks", "cookie_at", "cookie_due", "ended", "epoch", "good_until", "handle",
        "hard_ends_at", "host", "idle_ends_at", "principal", "record", "refresh_due_at", "refresh_failed", "refresh_failures",
        "revalidate_at", "saved_at", "secret", "seen_at", "signed_in", "version",
    )  # fmt: skip

    def __init__(self, record: SessionRecord, timing: Timing, *, jitter: float, secret: bytes | None = None) -> None:
        self.handle = handle_of(record.id)
        self.host = record.host
        self.secret = secret
        self.seen_at = record.seen_at
        self.admissions: dict[str, Any] = {}
        self.channels: set[Channel] = set()
        self.ended = ""
        self.epoch = 0
        self.refresh_failed = ""
        self.refresh_failures = 0
        self.revalidate_at = NEVER
        self.good_until = 0.0
        #: when the cookie that the browser has was written, how many it is, and whether it is due to be written before its time
        self.cookie_at = record.seen_at
        self.cookie_due = False
        self.chunks = 1
        #: when a store last heard of a use
        self.saved_at = record.seen_at
        self._jitter = jitter
        self._take(record, timing)
        self.good_until = self.hard_ends_at

    def __repr__(self) -> str:
        return f"<LiveSession {self.handle} host={self.host!r}{' ended: ' + self.ended if self.ended else ''}>"

    @property
    def expires_at(self) -> float:
        """When it ends as things stand: idle, lifetime, or the provider's own end, whichever comes first."""
        return min(self.idle_ends_at, self.hard_ends_at)

    def update(self, record: SessionRecord, timing: Timing) -> None:
        """A newer record of the same session. What was computed from the old one is forgotten."""
        changed = record.principal != self.record.principal or record.tokens != self.record.tokens
        self._take(record, timing)
        if changed:
            self.forget_computed()

    def forget_computed(self) -> None:
        """Access is judged and identity fields are computed anew."""
        self.admissions = {}
        self.epoch += 1

    def touch(self, now: float, idle_timeout: float) -> None:
        """A request came."""
        self.seen_at = now
        self.idle_ends_at = now + idle_timeout

    def end(self, cause: str) -> bool:
        """It is over: whatever hangs on it closes. ``False`` when it was over before."""
        if self.ended:
            return False
        self.ended = cause
        self.good_until = 0.0
        self.admissions = {}
        channels, self.channels = self.channels, set()
        for channel in channels:
            channel.session_ended(cause)
        return True

    def _take(self, record: SessionRecord, timing: Timing) -> None:
        self.record = record
        self.version = record.version
        self.principal: Principal = record.principal
        self.signed_in = SignedIn(record.principal, record.tokens, record.ends_at, record.provider_session, record.auth_time)
        self.seen_at = max(self.seen_at, record.seen_at)
        self.idle_ends_at = self.seen_at + timing.idle_timeout
        self.hard_ends_at = min(record.started_at + timing.lifetime, NEVER if record.ends_at is None else record.ends_at)
        self.refresh_due_at = refresh_due_at(record, self._jitter)


def refresh_due_at(record: SessionRecord, jitter: float) -> float:
    """When the access token is to be refreshed: a minute before its end, give or take; in the middle of a life that is shorter.

    :param jitter: from -1 to 1.
    """
    tokens = record.tokens
    if tokens is None or not tokens.refresh or tokens.expires_at is None:
        return NEVER
    life = max(0.0, tokens.expires_at - record.checked_at)
    return tokens.expires_at - min(REFRESH_BEFORE + jitter * REFRESH_JITTER, life / 2)
