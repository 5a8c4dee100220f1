"""How does a session get to another host without its cookie ever being shown there? By a sealed ticket (contract §3.3).

HOST sets a short cookie and sends the browser to ``public_url`` (:meth:`Handoff.begin`); where a session lives, that issues a ticket
(:meth:`Handoff.ticket`); HOST takes it and sets a cookie of its own (:meth:`Handoff.accept`). The rules: a ticket is good once, for 30 s,
for the host that asked and for the browser that holds the cookie which HOST set: so nobody is logged in as somebody else by a link that
was sent to them. The new session has its parent's id and start, and ends with it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import quote, urlsplit

from ..core.envelope import NONCE_BYTES, KeyRing
from ..core.places import Origin
from ..core.session import SessionRecord
from ..core.session_codec import Reference, decode_reference, decode_session, encode_reference, encode_session
from ..core.tickets import (
    ATTEMPT_FOR,
    LEEWAY,
    TICKET_FOR,
    HandoffCookie,
    HandoffRequest,
    HandoffTicket,
    Ticket,
    decode,
    encode,
    fresh,
)
from .live import LiveSession
from .manager import Sessions, Started
from .pending import PendingCookies
from .shared_state import SharedState

ACCEPT = "/_meshproxy/accept"
URL_BYTES = 6000
"""A ticket that is longer is left with the shared state, and only its key travels: URLs have limits that nobody can ask for."""
_SESSION_BYTES = 32 * 1024
REFRESH_PATIENCE = 3.0
"""Seconds that a hand-off waits for new tokens; without them it goes on with the old ones."""
_REQUEST, _TICKET, _LEFT = b"handoff request", b"handoff ticket", b"handoff session"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The session lives on this host now; the browser goes to ``to``, the URL that it wanted at first."""

    started: Started
    to: str


@dataclass(frozen=True, slots=True)
class Refused:
    """No session came of it. ``reason`` is a word for logs: ``malformed``, ``expired``, ``host``, ``browser``, ``used``, ``over``.

    :ivar to: where the browser wanted to go, where that is known: going there begins anew.
    """

    reason: str
    to: str = ""


class Handoff:
    """Both ends of the hand-off.

    :param hosts: the hosts of the conf; no ticket is made for another one.
    """

    def __init__(
        self,
        keys: KeyRing,
        sessions: Sessions,
        shared: SharedState,
        public: Origin,
        hosts: Collection[str],
        random: Callable[[int], bytes],
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._shared = shared
        self._public = public
        self._hosts = frozenset(hosts)
        self._random = random
        self._pending = PendingCookies(keys, sessions.cookies, "handoff", HandoffCookie, random)

    # ---------------------------------------------------------------- on HOST, then on public_url

    def begin(self, host: str, to_url: str, now: float, cookie: bytes = b"") -> tuple[str, tuple[bytes, ...]]:
        """The query (``handoff=…``) for ``public_url``'s login, and the ``Set-Cookie`` values for HOST.

        :param to_url: the whole URL on HOST that was asked for.
        """
        secret = _text(self._random(32))
        kept = HandoffCookie(secret, host, to_url, now)
        attempt = _attempt_of(secret)
        ours, _ = self._sessions.cookies.split(cookie)
        request = self._sealed(_REQUEST, HandoffRequest(attempt, host, now))
        return f"handoff={request}", self._pending.put(ours, attempt, kept, now)

    def wanted(self, value: str, now: float) -> HandoffRequest | None:
        """What a ``handoff`` parameter asks for; ``None`` when it is not ours, too old, or for a host that is not configured (any more)."""
        request = decode(HandoffRequest, self._keys.open(_REQUEST, b"", value.encode("ascii", "replace")))
        if request is None or request.host not in self._hosts or not fresh(request.started_at, ATTEMPT_FOR, now):
            return None
        return request

    async def ticket(self, live: LiveSession, value: str, now: float) -> str | Refused:
        """The URL on HOST that takes the session there. Raises :class:`meshproxy.api.StoreDown`.

        Tokens that are about to end are refreshed first: a handed-off session in a cookie cannot do that itself.
        """
        request = self.wanted(value, now)
        if request is None:
            return Refused("malformed")
        await self._sessions.refresh_within(live, REFRESH_PATIENCE, now)
        if live.ended:
            return Refused("over")
        kind, session = self._carried(live, request.host)
        serial = _text(self._random(16))
        made = HandoffTicket(request.attempt, request.host, serial, now, kind, session)
        sealed = self._sealed(_TICKET, made, deflate=True) if len(session) < _SESSION_BYTES else ""
        if not sealed or len(sealed) > URL_BYTES:
            left = self._keys.seal(_LEFT, serial.encode(), session.encode(), self._random(NONCE_BYTES), deflate=True)
            await self._shared.put("handoff:" + serial, left, now + TICKET_FOR + LEEWAY)
            sealed = self._sealed(_TICKET, replace(made, kind=kind + " left", session=""))
        host = Origin(self._public.scheme, request.host, self._public.port)
        return f"{host}{ACCEPT}?ticket={quote(sealed, safe='')}"

    # ---------------------------------------------------------------- back on HOST

    async def accept(self, ticket: str, cookie: bytes, host: str, now: float) -> Accepted | Refused:
        """Take a ticket. Raises :class:`meshproxy.api.StoreDown`; the ticket is used up then, going to ``to`` begins anew."""
        found = decode(HandoffTicket, self._keys.open(_TICKET, b"", ticket.encode("ascii", "replace")))
        if found is None:
            return Refused("malformed")
        ours, _ = self._sessions.cookies.split(cookie)
        kept = self._pending.get(ours, found.attempt, now)
        if kept is None or _attempt_of(kept.secret) != found.attempt or kept.host != host:
            return Refused("browser")
        to = kept.to if urlsplit(kept.to).hostname == host.strip("[]") else str(Origin(self._public.scheme, host, self._public.port)) + "/"
        if found.host != host:
            return Refused("host", to)
        if not fresh(found.issued_at, TICKET_FOR, now):
            return Refused("expired", to)
        if not await self._shared.add_once("ticket:" + found.serial, found.issued_at + TICKET_FOR + LEEWAY):
            return Refused("used", to)
        record, secret = await self._arrived(found, host, now)
        if record is None or self._sessions.book.revoked(record) is not None:
            return Refused("over", to)
        started = await self._sessions.establish(record, secret, ours, host, now)
        return Accepted(replace(started, set_cookies=(*started.set_cookies, self._pending.deletion(found.attempt))), to)

    def due_recheck(self, live: LiveSession, now: float) -> bool:
        """Whether a navigation with this session should make the hop to the parent again (contract §3.5).

        It is due after ``recheck``, and once after an access token ended that only the parent can replace.
        """
        record = live.record
        if record.parent is None or self._sessions.server_side:
            return False
        ends_at = record.tokens.expires_at if record.tokens is not None else None
        if ends_at is not None and record.checked_at < ends_at <= now:
            return True
        return now - record.checked_at >= self._sessions.book.timing.recheck

    # ---------------------------------------------------------------- parts

    def _carried(self, live: LiveSession, host: str) -> tuple[str, str]:
        """What goes into the ticket: the session itself, or where it is stored."""
        scope = self._sessions.cookies.scope(host)
        if self._sessions.server_side and live.secret is not None:
            return "reference", encode_reference(Reference(live.record.id, live.secret, scope, live.seen_at)).decode("ascii")
        parent = live.record.parent if scope == live.host else live.record.parent or live.host
        return "record", encode_session(self._sessions.book.for_host(live.record, scope, parent)).decode("ascii")

    async def _arrived(self, found: HandoffTicket, host: str, now: float) -> tuple[SessionRecord | None, bytes | None]:
        """The session that a ticket brings."""
        kind, _, left = found.kind.partition(" ")
        carried: bytes | None = found.session.encode("ascii")
        if left:
            note = await self._shared.get("handoff:" + found.serial)
            carried = None if note is None else self._keys.open(_LEFT, found.serial.encode(), note)
        if carried is None:
            return None, None
        if kind == "record":
            record = decode_session(carried)
            return (None if record is None else replace(record, seen_at=now, checked_at=now)), None
        reference = decode_reference(carried)
        if reference is None:
            return None, None
        return await self._sessions.stored(reference), reference.secret

    def _sealed(self, purpose: bytes, ticket: Ticket, *, deflate: bool = False) -> str:
        return self._keys.seal(purpose, b"", encode(ticket), self._random(NONCE_BYTES), deflate=deflate).decode("ascii")


def _attempt_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
