"""What travels through the browser while somebody logs in? Login attempts and hand-offs, as values and as bytes.

Each is sealed (:mod:`meshproxy.core.envelope`) under a purpose of its own before it leaves. The rule: they carry the instant at which they
were made, and whoever reads one says how old it may be; what is malformed reads as ``None``.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, fields
from typing import Any, TypeVar

ATTEMPT_FOR = 600.0
"""Seconds that a login attempt, and a hand-off that waits for a login, may take (contract §3.3)."""
TICKET_FOR = 30.0
"""Seconds for which a hand-off ticket is valid."""
LEEWAY = 5.0
"""Seconds by which the clocks of two replicas may differ."""


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """One attempt to log in at a redirect provider, kept in the browser that makes it.

    :ivar state: goes to the provider and comes back; also the attempt's key.
    :ivar to: where the browser goes afterwards, a target that was found safe.
    :ivar handoff: the query value of the hand-off that the login is for, or "".
    :ivar code: the short code that names the attempt to people.
    """

    provider: str
    state: str
    nonce: str
    code_verifier: str
    to: str
    started_at: float
    code: str
    handoff: str = ""

    def __repr__(self) -> str:
        return f"<LoginAttempt {self.code} provider={self.provider!r}>"


@dataclass(frozen=True, slots=True)
class HandoffCookie:
    """What the other host's short cookie holds: the secret that binds the hand-off to this browser, and where it wanted to go."""

    secret: str
    host: str
    to: str
    started_at: float

    def __repr__(self) -> str:
        return f"<HandoffCookie host={self.host!r}>"


@dataclass(frozen=True, slots=True)
class HandoffRequest:
    """What the browser carries to ``public_url``: a session is wanted on ``host``, by the browser whose cookie has this label.

    :ivar attempt: the SHA-256 (hex) of the cookie's secret: names the cookie, and is compared with it at the end.
    """

    attempt: str
    host: str
    started_at: float


@dataclass(frozen=True, slots=True)
class HandoffTicket:
    """What the browser carries back: the session for ``host``, good once, for a few seconds, for the browser with that cookie.

    :ivar session: the session as it is kept (a record, a reference, or the key under which one is to be fetched), text.
    :ivar kind: which of them: ``record``, ``reference``, ``stored``.
    :ivar serial: what is used up when the ticket is.
    """

    attempt: str
    host: str
    serial: str
    issued_at: float
    kind: str
    session: str

    def __repr__(self) -> str:
        return f"<HandoffTicket host={self.host!r} kind={self.kind!r}>"


Ticket = LoginAttempt | HandoffCookie | HandoffRequest | HandoffTicket
T = TypeVar("T", bound=Ticket)


def encode(ticket: Ticket) -> bytes:
    """The value as bytes; its purpose says which kind it is."""
    return json.dumps(astuple(ticket), separators=(",", ":")).encode("ascii")


def decode(kind: type[T], payload: bytes | None) -> T | None:
    """The value of that kind, or ``None``."""
    if payload is None:
        return None
    try:
        found: Any = json.loads(payload)
    except ValueError:
        return None
    wanted = fields(kind)
    if not isinstance(found, list) or len(found) != len(wanted):
        return None
    for field, value in zip(wanted, found, strict=True):
        if not isinstance(value, int | float if field.type == "float" else str):
            return None
    return kind(*found)


def fresh(made_at: float, lasts: float, now: float) -> bool:
    """Whether something made then still counts: not older than it may be, and not from the future."""
    return made_at - LEEWAY <= now < made_at + lasts
