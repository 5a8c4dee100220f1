"""What would the gateway say about a request that somebody else forwards? The same rules, for ``/_meshproxy/auth``.

Here stands what :mod:`meshproxy.web.gateway` does without a relay: route, who is there, verdict, identity fields, from the
same compiled services. Nothing is sent on; the one who asks does that, and adds the identity fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from ..api import Authenticated, IncomingRequest, Principal, Refused, Rejected, RequestHead, SignedIn, StoreDown, TokenNeeded
from ..core.routing import Misroute
from ..core.verdict import Challenge, Forward, Refuse, decide, is_navigation
from ..observe.audit import AuditFailed
from ..rewriting import RewriterFailed

if TYPE_CHECKING:
    from ..core.exchange import Exchange
    from ..core.heads import Field
    from ..core.inspection import Facts
    from ..core.verdict import Verdict
    from .gateway import Gateway
    from .protected import Admission, ProtectedService


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that is asked about.

    :ivar facts: of its head, read as strictly as a head that comes by itself.
    :ivar fields: its fields, as far as the one who asks passed them on.
    :ivar exchange: the record of the question; it is about this request.
    :ivar session: the session that its cookies hold (:class:`meshproxy.sessions.live.LiveSession`), or ``None``.
    """

    method: bytes
    target: bytes
    facts: Facts
    fields: tuple[Field, ...]
    exchange: Exchange
    session: Any
    now: float


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict, and where it is :class:`Forward` the identity fields to add."""

    verdict: Verdict
    fields: tuple[Field, ...] = ()


class Authorizer:
    """Asks the gateway's parts. One for the life of the process: a reload changes what the gateway holds."""

    log = Logger()

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, asked: Asked) -> Ruling:
        """The ruling; fills the record. Raises :class:`StoreDown`."""
        exchange, facts = asked.exchange, asked.facts
        match = self._gateway.tree.routes.find(facts.host, facts.path)
        if isinstance(match, Misroute):
            return Ruling(Refuse(match.status, match.reason))
        if match.service is None:
            return Ruling(Refuse(404, "meshproxy's own pages are asked for themselves"))
        service = self._gateway.tree.services[match.service].service
        exchange.service = service.name
        try:
            found = await self._from_request(asked, service)
            if found is not None and asked.session is not None:
                return Ruling(Refuse(400, "a session cookie and other credentials in one request"))
            ruling = await self._rule(asked, service, found)
            if isinstance(ruling.verdict, Forward) and self._gateway.audit.required:
                accepted = self._gateway.audit.accept(exchange)
                if accepted is not None:
                    await accepted
        except (CancelledError, StoreDown):
            raise
        except Rejected as error:
            return Ruling(Challenge(str(error), navigation=False))
        except AuditFailed:
            return Ruling(Refuse(503, "the audit record could not be written"))
        except Exception:
            self.log.failure("while deciding about request {id}", id=exchange.request_id.decode("ascii"))
            return Ruling(Refuse(503, "an identity provider failed"))
        return ruling

    async def _rule(self, asked: Asked, service: ProtectedService, found: Authenticated | None) -> Ruling:
        live = asked.session
        if live is not None and self._due_recheck(live, asked):
            return Ruling(Challenge("the session's parent is asked again", navigation=True, redirect=True))
        principal = live.principal if live is not None else found.principal if found is not None else None
        asked.exchange.principal = principal
        try:
            admission = await self._admission(asked, service, found)
        except Refused as error:
            return Ruling(Refuse(403, str(error)))
        except TokenNeeded as error:
            return Ruling(Challenge(str(error), is_navigation(asked.method, asked.facts)))
        except RewriterFailed as error:
            self.log.error("rewriter {name} failed: {why}", name=error.name, why=error.why)
            return Ruling(Refuse(500, f"rewriter {error.name}"))
        if live is not None and live.ended:  # at the refresh, just now
            live = asked.exchange.principal = principal = None
            admission = service.anonymous
        verdict = decide(
            service.access,
            asked.facts,
            asked.method,
            principal,
            by_cookie=live is not None,
            public_origin=service.public_origin,
            allowed_origins=service.allowed_origins,
            judgement=admission.access,
        )
        told = isinstance(verdict, Forward) and verdict.identified
        return Ruling(verdict, lines(admission.identity) if told else ())

    def _due_recheck(self, live: Any, asked: Asked) -> bool:
        """Whether a navigation is to make the hop to the session's parent (contract §3.5)."""
        handed_over = live.record.parent is not None
        return handed_over and is_navigation(asked.method, asked.facts) and self._gateway.handoff.due_recheck(live, asked.now)

    async def _admission(self, asked: Asked, service: ProtectedService, found: Authenticated | None) -> Admission:
        """What the service holds of whoever is there; kept with the session."""
        live = asked.session
        if live is None:
            if found is None:
                return service.anonymous
            return service.admit(found.principal, SignedIn(found.principal, found.tokens, found.expires_at))
        admission: Admission | None = live.admissions.get(service.name)
        if admission is None or admission.service is not service or asked.now >= admission.valid_until:
            if service.rewriting.needs_token and asked.now >= live.refresh_due_at:
                refreshed = self._gateway.sessions.refreshed(live, asked.now)
                if refreshed is not None:
                    await refreshed
                if live.ended:
                    return service.anonymous
            admission = live.admissions[service.name] = service.admit(live.principal, live.signed_in)
        return admission

    async def _from_request(self, asked: Asked, service: ProtectedService) -> Authenticated | None:
        """What the request itself says of who is asking: a token."""
        exchange = asked.exchange
        head = RequestHead(asked.method, asked.target, asked.fields)
        request = IncomingRequest(head, exchange.scheme, asked.facts.authority, service.name)
        for provider in self._gateway.providers.asked(asked.facts, exchange, asked.session is not None, asked.fields):
            answer = provider.authenticate(request, exchange.peer)
            found: Authenticated | Principal | None = await answer if hasattr(answer, "__await__") else answer
            if found is not None:
                return found if isinstance(found, Authenticated) else Authenticated(found)
        return None


def lines(identity: bytes) -> tuple[Field, ...]:
    """Ready field lines as name and value again."""
    pairs = (line.partition(b": ") for line in identity.split(b"\r\n") if line)
    return tuple((name, value) for name, _colon, value in pairs)
