"""May this request pass? ``/_meshproxy/auth``, for a proxy that forwards by itself (nginx, Traefik, Envoy's ext_authz).

The rules: only a trusted peer may ask, since the answer carries what a service is told; the request that is asked about is
read as strictly as one that comes by itself; and the answer is 200, 401 or 403 (302 where ``redirect=1`` asks for it), for
the proxies that ask know no other. Whatever else happens is an error to them, and nothing passes. Besides the identity fields
the 200 has the ``Cookie`` that is meant for the service.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...core.heads import Answer
from ...core.inspection import Malformed, inspect
from ...core.verdict import Challenge, Forward
from ..authorizing import Asked
from .endpoint import Endpoint
from .targets import login_url, target

if TYPE_CHECKING:
    from twisted.web.server import Request

    from ...core.heads import Field
    from ..arrival import Arrival
    from .visit import Visit

_PREFIX = b"/_meshproxy/auth"
# What belongs to the question's own message, or is told anew.
_OF_THE_QUESTION = frozenset(
    {
        b"host",
        b"connection",
        b"content-length",
        b"transfer-encoding",
        b"expect",
        b"upgrade",
        b"te",
        b"x-forwarded-method",
        b"x-forwarded-uri",
    }
)


class ForwardAuth(Endpoint):
    """Answers for the gateway; any method, no body."""

    async def _ask(self, visit: Visit, request: Request) -> Answer:
        authorize, arrival = self.parts.authorize, visit.arrival
        if authorize is None or not arrival.peer.trusted:
            return visit.problem(403, "only a trusted peer may ask")
        try:
            method, uri = _one(arrival, b"x-forwarded-method") or arrival.head.method, _uri(arrival)
            fields = _fields(arrival)
            facts = inspect(method, uri, "1.1", list(fields))
        except Malformed as error:
            return visit.problem(403, error.reason)
        if method == b"GET" and any(name.lower() == b"sec-websocket-key" for name, _ in fields):
            facts.upgrade = facts.upgrade_websocket = True  # the handshake's own fields belong to the connection, and stay there
        known: Any = request
        exchange = known.exchange
        recalled = await self._recalled(visit)
        visit.session = None if recalled is None else recalled.session
        asked = Asked(method, uri, facts, fields, exchange, visit.session, visit.now)
        ruling = await authorize(asked)
        verdict = ruling.verdict
        exchange.reason = verdict.reason
        if isinstance(verdict, Forward):
            exchange.event = "request.forwarded"
            # Our cookies go to no service: what is left of Cookie is told, even where it is nothing, to be sent in its place.
            cookie = () if recalled is None else ((b"Cookie", recalled.cookie),)
            return Answer(200, ((b"Cache-Control", b"no-store"), *cookie, *ruling.fields))
        if isinstance(verdict, Challenge):
            exchange.event, exchange.challenged = "request.challenged", True
            return self._challenge(visit, asked, verdict)
        if verdict.status >= 500:
            exchange.event = "request.failed"
            return visit.problem(verdict.status, "", retry_after=5 if verdict.status == 503 else None)
        exchange.event = "request.refused"
        reason = verdict.reason if verdict.needs or verdict.status != 403 else ""
        return visit.problem(403, reason, needs=verdict.needs)

    def _challenge(self, visit: Visit, asked: Asked, verdict: Challenge) -> Answer:
        """401 that names the login, or on demand the way there.

        The way there stands in ``Location`` of the 401 too, for proxies that know no 302 here and send the browser there
        themselves (nginx); only where that comes back to the same request.
        """
        repeatable = verdict.navigation and asked.method in (b"GET", b"HEAD")
        facts = asked.facts
        to = target(self.parts, visit.arrival, (facts.path + (facts.query if repeatable else b"")).decode("latin-1"))
        path = login_url(to, again=visit.session is not None and not visit.session.ended and not verdict.redirect)
        url = f"{self.parts.origin_of(visit.arrival.host)}{path}"
        if repeatable and _has_redirect(visit.arrival):
            return self.parts.pages.redirect(302, url)
        answer = visit.problem(401, verdict.reason, login_url=url)
        return replace(answer, fields=(*answer.fields, (b"Location", url.encode("ascii")))) if repeatable else answer


def _one(arrival: Arrival, name: bytes) -> bytes:
    """The value of a field that may come once; b"" where it does not."""
    found = [value for known, value in arrival.head.fields if known.lower() == name]
    if len(found) > 1:
        raise Malformed(400, f"{name.decode()} comes twice")
    return found[0] if found else b""


def _uri(arrival: Arrival) -> bytes:
    """The target that is asked about: told, or appended to our own path."""
    told = _one(arrival, b"x-forwarded-uri")
    if told:
        return told
    appended = arrival.facts.path[len(_PREFIX) :]
    if not appended:
        raise Malformed(400, "the question does not say what is asked for: X-Forwarded-Uri, or a path behind /_meshproxy/auth")
    return appended + arrival.facts.query


def _has_redirect(arrival: Arrival) -> bool:
    """Whether the question's own query says ``redirect=1``; a query behind an appended path is the other request's."""
    own = not arrival.facts.path[len(_PREFIX) :] or _one(arrival, b"x-forwarded-uri")
    return bool(own) and b"redirect=1" in arrival.facts.query[1:].split(b"&")


def _fields(arrival: Arrival) -> tuple[Field, ...]:
    """The fields of the request that is asked about."""
    kept = tuple((name, value) for name, value in arrival.head.fields if name.lower() not in _OF_THE_QUESTION)
    return ((b"Host", arrival.authority.encode("ascii")), *kept)
