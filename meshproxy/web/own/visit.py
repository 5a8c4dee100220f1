"""What does an endpoint know while it answers? The request, what it asks for, who asks, and which cookies the answer sets.

The rule: a parameter that comes twice, or in no encoding we know, is a bad request. What two readers could read differently
is not read at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ...core.principal import Principal
from ..arrival import Arrival
from . import csrf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...core.heads import Answer
    from .parts import OwnParts

_MOST_PARAMETERS = 50


class BadParameters(Exception):
    """The query or the form cannot be read. The text is for people."""


def parameters(encoded: bytes) -> dict[str, str]:
    """A query or an ``application/x-www-form-urlencoded`` body. Raises :class:`BadParameters`."""
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MOST_PARAMETERS
        )
    except ValueError:
        raise BadParameters("the parameters are not readable") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadParameters("a parameter comes twice")
    return found


class Visit:
    """One request to one of our endpoints. Made for the request, gone with it.

    :ivar now: when it came, seconds since the epoch.
    :ivar query: the query's parameters; ``form``: those of a POST's body.
    :ivar session: the session that the request came with, or was given by it; ``None`` when nobody is logged in.
    :ivar cookies: ``Set-Cookie`` values for the answer, in order.
    :ivar finished: the answer's ``Set-Cookie`` are complete: the session's cookie is not renewed besides.
    """

    __slots__ = ("arrival", "cookies", "finished", "form", "now", "parts", "query", "session")

    def __init__(self, parts: OwnParts, arrival: Arrival, now: float) -> None:
        self.parts = parts
        self.arrival = arrival
        self.now = now
        self.query: dict[str, str] = {}
        self.form: dict[str, str] = {}
        self.session: Any = None
        self.cookies: list[bytes] = []
        self.finished = False

    @property
    def principal(self) -> Principal | None:
        """Who is logged in."""
        return None if self.session is None else self.session.principal

    @property
    def on_public_host(self) -> bool:
        """Whether this is the host of ``public_url``, where people log in."""
        return self.arrival.host == self.parts.public.host

    # ---------------------------------------------------------------- answers

    def page(self, status: int, name: str, *, form_action: Iterable[str] = (), **context: Any) -> Answer:
        """A page, with who is logged in at its head."""
        origins = [*form_action]
        if self.session is not None:
            origins += logout_origins(self.parts, self.session)
            context = {"person": called(self.session.principal), "csrf": csrf.of_session(self.session), **context}
        return self.parts.pages.html(status, name, form_action=dict.fromkeys(origins), request_id=self.arrival.request_id, **context)

    def message(
        self,
        status: int,
        title: str,
        *paragraphs: str,
        eyebrow: str = "",
        points: Iterable[str] = (),
        actions: Iterable[tuple[str, str]] = (),
        code: str = "",
    ) -> Answer:
        """A page that says something; the first action is the likely one."""
        return self.page(
            status,
            "message.html",
            title=title,
            paragraphs=paragraphs,
            eyebrow=eyebrow,
            points=tuple(points),
            actions=tuple(actions),
            code=code,
        )

    def problem(self, status: int, reason: str, **more: Any) -> Answer:
        """A problem, in HTML or JSON as the request wants it."""
        return self.parts.pages.problem(status, html=self.arrival.html, reason=reason, request_id=self.arrival.request_id, **more)

    def audit(self, event: str, *, reason: str = "", principal: Principal | None = None, **more: object) -> None:
        """Something happened that the audit trail keeps."""
        self.parts.audit(event, arrival=self.arrival, principal=principal or self.principal, reason=reason, **more)


def called(principal: Principal) -> str:
    """How a person is called on pages."""
    return principal.name or principal.username or principal.email or principal.subject


def logout_origins(parts: OwnParts, session: Any) -> list[str]:
    """Where a logout may lead the browser besides our own pages: browsers ask the policy about redirects after a form."""
    url = end_session_url(parts, session)
    scheme, found, rest = url.partition("://")
    return [f"{scheme}://{rest.partition('/')[0].partition('?')[0]}"] if found else []


def end_session_url(parts: OwnParts, session: Any) -> str:
    """Where the session's provider wants people who log out, or ""."""
    provider = parts.providers.get(session.record.provider)
    ask = getattr(provider, "end_session_url", None)
    if ask is None:
        return ""
    try:
        url = ask(session.signed_in, f"{parts.public}/_meshproxy/logged-out")
    except Exception:  # a plugin's fault must not keep anybody from logging out here
        return ""
    return url if isinstance(url, str) and url.isascii() and url.isprintable() and url.startswith(("https://", "http://")) else ""
