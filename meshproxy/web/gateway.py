"""What happens between a request's head and its forwarding? Who is there, may they, and what goes up.

The gateway holds what all requests share: the compiled services, the sessions, the observers. It decides by the pure
rules of :mod:`meshproxy.core` and keeps the usual request synchronous: session by raw cookie bytes, verdict and identity
fields from the session's admission, one pass over the fields. Whatever must wait goes through :meth:`Relay.wait_for`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..api import Authenticated, Principal, Refused, Rejected, RequestHead, ResponseHead, SignedIn, StoreDown, TokenNeeded
from ..core.exchange import Exchange
from ..core.inspection import Facts, Malformed
from ..core.verdict import Challenge, Forward, Refuse, decide, is_navigation
from ..observe.audit import AuditFailed
from ..rewriting import RewriterFailed
from .protected import Admission
from .reception import Reception
from .relay import Relay
from .request_providers import RequestProviders

if TYPE_CHECKING:
    from ..core.evidence import Evidence
    from ..core.heads import Answer, Field
    from ..core.trust import Trust
    from ..settings import LimitSettings
    from ..wheel import Wheel
    from .downstream_tls import DownstreamTls
    from .refusals import Refusals
    from .tree import Tree

_PLAIN = frozenset((b"GET", b"HEAD"))  # methods for which nothing but the access rule decides


class Gateway(Reception):
    """What all requests share. One object for the life of the process; :meth:`configure` swaps what a reload changes."""

    log = Logger()

    def __init__(self, reactor: Any, wheel: Wheel, sessions: Any, audit: Any, observers: Iterable[Callable[[Exchange], None]],
                 request_ids: str) -> None:
        Reception.__init__(self, reactor, observers, request_ids)
        self.wheel = wheel
        self.sessions = sessions
        self.audit = audit
        self.tree: Any  # a Tree; None for a standalone resource
        self.refusals: Refusals
        self.providers = RequestProviders({})
        self.handoff: Any = None
        #: the certificates of our TLS listeners, where there are any
        self.tls: DownstreamTls | None = None

    def configure(self, *, tree: Tree | None, trust: Trust, limits: LimitSettings, refusals: Refusals, providers: RequestProviders,
                  handoff: Any) -> None:
        """Take a (new) configuration; requests under way go on with the services they have."""
        self.tree = tree
        self.trust = trust
        self.limits = limits
        self.refusals = refusals
        self.providers = providers
        self.handoff = handoff

    # ---------------------------------------------------------------- a request arrives

    def relay_for(self, channel: Any, method: bytes, target: bytes, fields: list[Field], facts: Facts) -> Relay | None:
        """A relay if the tree's leaf for this request is a protected service, else ``None``: a resource renders it.

        Raises :class:`Malformed` where no resource may be asked: an ambiguous path (400), a Host nobody has (421).
        """
        exchange = self.exchange_for(channel, method, target, fields, facts)
        channel.exchange = exchange
        found = self.tree.locate(facts)
        if found is None:
            return None
        resource, path = found
        service = resource.service
        exchange.service = service.name
        relay = Relay(self, channel, service, method, path + facts.query, fields, facts, exchange)
        relay.forwarded_for = exchange.forwarded_for or channel.forwarded_for
        return relay

    # ---------------------------------------------------------------- who is there

    def admit(self, relay: Relay) -> None:
        """Find out who is asking."""
        facts = relay.facts
        limit = relay.service.body_bytes
        if limit and facts.content_length and facts.content_length > limit:
            relay.answer(self.refusals.malformed(relay.exchange, Malformed(413, "the request body is larger than this service takes"),
                                                 facts))
            return
        if not facts.cookie:
            self._recalled(relay, None)
            return
        now = relay.exchange.started_at
        recalled = self.sessions.recall(facts.cookie, facts.host, now)
        if recalled is None:
            try:
                recalled = self.sessions.load(facts.cookie, facts.host, now)
            except StoreDown as error:
                self._store_down(relay, error)
                return
            if isinstance(recalled, Deferred):
                relay.wait_for(recalled, self._recalled)
                return
        self._recalled(relay, recalled)

    def _recalled(self, relay: Relay, recalled: Any) -> None:
        """The cookies have been read; ``recalled`` is ``None`` where there were none."""
        session = None
        if recalled is not None:
            relay.cookie = recalled.cookie
            session = recalled.session
        asked = self.providers.asked(relay.facts, relay.exchange, session is not None, relay.fields)
        if asked:
            relay.live = session
            self.providers.ask(relay, asked, self._asked)
        elif session is None:
            self._judge(relay, relay.service.anonymous)
        else:
            self._with_session(relay, session)

    def _asked(self, relay: Relay, found: Authenticated | None) -> None:
        """The request providers have answered."""
        live, relay.live = relay.live, None
        if found is None:
            if live is None:
                self._judge(relay, relay.service.anonymous)
            else:
                self._with_session(relay, live)
        elif live is not None:
            # two identities in one request: refused, not guessed
            relay.answer(self.refusals.refuse(relay, Refuse(400, "a session cookie and other credentials in one request", ())))
        else:
            relay.exchange.principal = found.principal
            admission = self._admission(relay, found.principal, SignedIn(found.principal, found.tokens, found.expires_at))
            if admission is not None:
                self._judge(relay, admission)

    def _with_session(self, relay: Relay, live: Any) -> None:
        """A session is there: its admission to this service is, usually, too."""
        now = relay.exchange.started_at
        relay.live = live
        relay.exchange.principal = live.principal
        relay.exchange.session_id = live.handle
        if live.record.parent is not None and self.handoff.due_recheck(live, now) and self.refusals.navigation(relay):
            relay.answer(self.refusals.to_login(relay, "the session's parent is asked again"))
            return
        service = relay.service
        admission = live.admissions.get(service.name)
        if admission is None or admission.service is not service or now >= admission.valid_until:
            if service.rewriting.needs_token and tokens_ended(live.signed_in, now):
                refreshed = self.sessions.refreshed(live, now)
                if refreshed is not None:
                    relay.wait_for(refreshed, self._refreshed)
                    return
            admission = self._admission(relay, live.principal, live.signed_in)
            if admission is None:
                return
            live.admissions[service.name] = admission
        if now >= live.refresh_due_at:
            self.sessions.refreshed(live, now)  # in the background: this request has all it needs
        relay.set_cookies = self.sessions.renewal(live, now)
        self._judge(relay, admission)

    def _refreshed(self, relay: Relay, result: Any) -> None:
        live = relay.live
        if live.ended:
            relay.live = None
            relay.exchange.principal = None
            self._judge(relay, relay.service.anonymous)
            return
        if live.refresh_failed and tokens_ended(live.signed_in, self.seconds()):
            # an outage logs nobody out: the session stays, the service that needs the token waits (contract §3.6)
            relay.answer(self.refusals.unavailable(relay, "the token has ended and the identity provider does not renew it"))
            return
        admission = self._admission(relay, live.principal, live.signed_in)
        if admission is not None:
            live.admissions[relay.service.name] = admission
            relay.set_cookies = self.sessions.renewal(live, relay.exchange.started_at)
            self._judge(relay, admission)

    def _admission(self, relay: Relay, principal: Principal, signed_in: SignedIn) -> Admission | None:
        """Judge and compute identity fields; a rewriter that refuses or breaks ends the request here."""
        try:
            return relay.service.admit(principal, signed_in)
        except Refused as error:
            relay.answer(self.refusals.refuse(relay, Refuse(403, str(error), ())))
        except TokenNeeded as error:
            relay.answer(self.refusals.challenge(relay, Challenge(str(error), is_navigation(relay.method, relay.facts), True), again=True))
        except RewriterFailed as error:
            self.log.error("rewriter {name} failed: {why}", name=error.name, why=error.why)
            relay.answer(self.refusals.broken(relay, f"rewriter {error.name}"))
        return None

    # ---------------------------------------------------------------- may they

    def _judge(self, relay: Relay, admission: Admission) -> None:
        """The verdict. Where nothing about the request itself can matter, the admission holds it already."""
        facts = relay.facts
        relay.admission = admission
        if admission.allowed and relay.method in _PLAIN and not facts.upgrade_websocket:
            relay.exchange.reason = admission.access.reason
            self._send(relay)
            return
        service = relay.service
        verdict = decide(
            service.access, facts, relay.method, relay.exchange.principal, by_cookie=relay.live is not None,
            public_origin=service.public_origin, allowed_origins=service.allowed_origins, judgement=admission.access,
        )
        if isinstance(verdict, Forward):
            relay.exchange.reason = verdict.reason
            if not verdict.identified:
                relay.admission = service.anonymous
            self._send(relay)
        elif isinstance(verdict, Challenge):
            relay.answer(self.refusals.challenge(relay, verdict))
        else:
            relay.answer(self.refusals.refuse(relay, verdict))

    # ---------------------------------------------------------------- what goes up

    def _send(self, relay: Relay) -> None:
        """Write the outgoing head, once a required audit record is there."""
        audit = self.audit
        if audit.required:
            try:
                accepted = audit.accept(relay.exchange)
            except AuditFailed:
                self.wait_failed(relay, Failure())
                return
            if accepted is not None:
                relay.wait_for(accepted, self._accepted)
                return
        self._accepted(relay, None)

    def _accepted(self, relay: Relay, _: object) -> None:
        service = relay.service
        exchange = relay.exchange
        facts = relay.facts
        admission = relay.admission
        identity = admission.identity if admission is not None else b""
        try:
            if service.rewriting.per_request:
                head = self._rewritten_head(relay, identity)
            else:
                head = service.forwarding.head(
                    relay.method, relay.target, facts, relay.fields, cookie=relay.cookie, forwarded_for=relay.forwarded_for,
                    identity=identity, request_id=exchange.request_id, drop_authorization=relay.drop_authorization,
                    websocket=facts.upgrade_websocket, preserve_authority=facts.authority,
                )
        except Malformed as error:
            relay.answer(self.refusals.malformed(exchange, error, facts))
            return
        except RewriterFailed as error:
            self.log.error("rewriter {name} failed: {why}", name=error.name, why=error.why)
            relay.answer(self.refusals.broken(relay, f"rewriter {error.name}"))
            return
        except Refused as error:
            relay.answer(self.refusals.refuse(relay, Refuse(403, str(error), ())))
            return
        exchange.event = "request.forwarded"
        exchange.outgoing_head = head
        exchange.upstream_authority = service.upstream_authority or facts.authority
        relay.forward(head)

    def _rewritten_head(self, relay: Relay, identity: bytes) -> bytes:
        """As above, with the service's own per-request rewriters between the strip and the setting of Host and framing."""
        service, facts = relay.service, relay.facts
        kept = service.forwarding.kept(facts, relay.fields, cookie=relay.cookie, drop_authorization=relay.drop_authorization)
        head = RequestHead(relay.method, relay.target, tuple(kept))
        for rewriter in service.rewriting.per_request:
            head = rewriter.rewrite_request(head, relay.exchange.principal)
        return service.forwarding.assemble(
            head.fields, head.method, head.target, facts, forwarded_for=relay.forwarded_for, identity=identity,
            request_id=relay.exchange.request_id, websocket=facts.upgrade_websocket, preserve_authority=facts.authority,
        )

    def rewrite_answer(self, relay: Relay, status: int, reason: bytes, fields: list[Field]) -> tuple[int, bytes, list[Field]] | None:
        """Let the service's rewriters change an answer's head. One that breaks: 500, and ``None``: the answer is given."""
        head = ResponseHead(status, reason, tuple(fields))
        try:
            for rewriter in reversed(relay.service.rewriting.per_request):
                head = rewriter.rewrite_response(head, relay.exchange.principal)
        except RewriterFailed as error:
            self.log.error("rewriter {name} failed on an answer: {why}", name=error.name, why=error.why)
            relay.answer(self.refusals.broken(relay, f"rewriter {error.name}"))
            return None
        return head.status, head.reason, list(head.fields)

    # ---------------------------------------------------------------- what goes wrong

    def malformed(self, channel: Any, error: Malformed, method: bytes, target: bytes, facts: Facts | None) -> tuple[Answer, bytes]:
        """The answer to a request that never became one, and its id (it is recorded all the same)."""
        exchange, channel.exchange = channel.exchange, None
        if exchange is None:
            exchange = Exchange(self.next_request_id(), method, target, "", channel.peer, self.seconds())
            exchange.scheme = channel.scheme
        answer = self.refusals.malformed(exchange, error, facts)
        exchange.status = answer.status
        self.record(exchange)
        return answer, exchange.request_id

    def refused(self, relay: Relay, error: Malformed) -> Answer:
        """The answer to a request whose body could not be read on."""
        return self.refusals.malformed(relay.exchange, error, relay.facts)

    def failed(self, relay: Relay, evidence: Evidence) -> Answer:
        """The answer where the service gave none."""
        return self.refusals.failed(relay, evidence)

    def wait_failed(self, relay: Relay, failure: Failure) -> None:
        """Somebody we waited for could not answer."""
        if failure.check(StoreDown):
            self._store_down(relay, failure.value)
        elif failure.check(Rejected):
            relay.answer(self.refusals.rejected(relay, str(failure.value)))
        elif failure.check(AuditFailed):
            relay.answer(self.refusals.unavailable(relay, "the audit record could not be written"))
        else:
            self.log.failure("while deciding about request {id}", failure, id=relay.exchange.request_id.decode("ascii"))
            relay.answer(self.refusals.unavailable(relay, "an identity provider failed"))

    def _store_down(self, relay: Relay, error: BaseException | None) -> None:
        """Nobody is logged out by it: who needs a session waits, who needs none goes on."""
        if relay.service.access.public:
            relay.cookie = self.sessions.without_ours(relay.facts.cookie)
            self._judge(relay, relay.service.anonymous)
        else:
            relay.answer(self.refusals.unavailable(relay, f"the session store is down: {error}"))

    def broke(self, relay: Relay, failure: Failure) -> None:
        """A fault of our own."""
        self.log.failure("request {id} broke", failure, id=relay.exchange.request_id.decode("ascii"))
        relay.answer(self.refusals.broken(relay, "a fault of meshproxy"))

    def finished(self, relay: Relay) -> None:
        """The record of a request is complete."""
        self.record(relay.exchange)


def tokens_ended(signed_in: SignedIn, now: float) -> bool:
    """Whether a token that a service may be told has run out."""
    tokens = signed_in.tokens
    if tokens is None:
        return False
    return any(end is not None and end <= now for end in (tokens.expires_at, tokens.id_expires_at if tokens.id else None))
