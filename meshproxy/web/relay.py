"""How does one request travel? From the decision to the last byte, between a downstream lane and an upstream connection.

A relay is made once a request. It asks the gateway who is there and what to do, sends the head up, and then passes bytes
both ways as they come, each side's slowness slowing the other. Nothing here is a Deferred unless somebody must really be
waited for (a session that is not in memory, a token to be refreshed, an audit record that is required).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..core.inspection import Facts, Malformed
from .tunnelling import Tunnelling

if TYPE_CHECKING:
    from ..core.evidence import Evidence
    from ..core.exchange import Exchange
    from ..core.heads import Answer, Field
    from .gateway import Gateway
    from .lane import Lane
    from .protected import Admission, ProtectedService

BODY, DECIDING = 2, 4  # why a lane's reading is paused
_DECIDE_FOR = 30.0  # seconds that a session store, a provider or an audit logger may take to answer, whatever deadlines it has itself
_NOTHING: list[bytes] = []


class Relay(Tunnelling):
    """One request for a protected service, on its way up and its answer on its way down."""

    __slots__ = (
        "_awaited",
        "_body_done",
        "_connected",
        "_early",
        "_held",
        "admission",
        "cookie",
        "deadline",
        "drop_authorization",
        "facts",
        "fields",
        "forwarded_for",
        "method",
        "sent_at",
        "target",
    )

    def __init__(self, gateway: Gateway, lane: Lane, service: ProtectedService, method: bytes, target: bytes, fields: list[Field],
                 facts: Facts, exchange: Exchange) -> None:
        self.gateway = gateway
        self.lane = lane
        self.service = service
        self.method = method
        #: what goes up as the target: the path to forward and the query
        self.target = target
        self.fields = fields
        self.facts = facts
        self.exchange = exchange
        #: the session, where one authenticated the request
        self.live = None
        self.admission: Admission | None = None
        #: what remains of ``Cookie`` for the service
        self.cookie: bytes = b""
        #: the value of ``X-Forwarded-For``
        self.forwarded_for = b""
        #: an identity provider has consumed ``Authorization``
        self.drop_authorization = False
        self.set_cookies = ()
        self.sent_at = 0.0
        self._upstream = None
        self._awaited: Deferred[Any] | None = None
        self._early = _NOTHING  # body that came before there was anywhere to put it
        self._connected = False
        self._body_done = False
        self._started_answer = False
        self._held: list[Any] | None = None  # an answer that may be a sidecar's: status, reason, fields, pieces
        self._tracker = None
        self._ended = False

    # ---------------------------------------------------------------- deciding

    def start(self) -> None:
        """Begin. The usual request is on its way to the service when this returns."""
        try:
            self.gateway.admit(self)
        except Exception:
            self.broke(Failure())

    def wait_for(self, awaited: Deferred[Any], then: Callable[[Relay, Any], None]) -> None:
        """Go on with ``then(relay, result)`` when somebody has answered; the client's body waits that long."""
        self._awaited = awaited
        self.deadline = self.gateway.seconds() + _DECIDE_FOR
        self.gateway.wheel.watch(self)
        self.lane.pause_reading(DECIDING)
        awaited.addCallbacks(self._waited, self._wait_failed, callbackArgs=(then,))
        awaited.addErrback(self.broke)

    def _waited(self, result: Any, then: Callable[[Relay, Any], None]) -> None:
        self._wait_no_longer()
        if not self._ended:
            self.lane.resume_reading(DECIDING)
            then(self, result)

    def _wait_failed(self, failure: Failure) -> None:
        self._wait_no_longer()
        if not self._ended:
            self.lane.resume_reading(DECIDING)
            self.gateway.wait_failed(self, failure)

    def _wait_no_longer(self) -> None:
        self._awaited = None
        self.deadline = 0.0
        self.gateway.wheel.forget(self)

    def deadline_passed(self) -> None:
        """Nobody has answered for so long that nobody will (the wheel's call)."""
        awaited = self._awaited
        if awaited is not None:
            try:
                self._wait_failed(Failure(TimeoutError(f"no answer within {_DECIDE_FOR:g} s")))
            except Exception:
                self.broke(Failure())
            awaited.cancel()

    def broke(self, failure: Failure) -> None:
        """A bug of ours or of a plugin: the person gets a 500, the log the traceback; the connection does not hang."""
        try:
            self.gateway.broke(self, failure)
        except Exception:
            self.gateway.log.failure("there is not even an error page")
            self._cancel_upstream()
            self._finish()
            self.lane.cut_answer()

    def answer(self, answer: Answer) -> None:
        """The answer is ours; nothing (more) goes upstream."""
        if self._ended:
            return
        self._cancel_upstream()
        if self._started_answer:
            self._finish()
            self.lane.cut_answer()
            return
        self.exchange.status = answer.status
        self.exchange.body_out_bytes = len(answer.body)
        self._finish()
        self.lane.answer_own(answer, self.exchange.request_id)

    def forward(self, head: bytes) -> None:
        """Send the head up; the body follows as it comes."""
        facts = self.facts
        self.sent_at = self.gateway.seconds()
        chunked = facts.chunked
        has_body = chunked or bool(facts.content_length)
        principal = self.exchange.principal
        self._upstream = self.service.pool.submit(
            self, head, self.method, body=has_body, chunked=chunked, websocket_key=facts.websocket_key if facts.upgrade_websocket else None,
            principal=None if principal is None else (principal.issuer, principal.subject),
        )
        if self._ended:
            self._cancel_upstream()  # it failed at once, from within submit()
        elif has_body and self._connected:
            self._flush_body()
        elif has_body:
            self.lane.pause_reading(BODY)

    # ---------------------------------------------------------------- the body, from the lane

    def request_data(self, data: bytes) -> None:
        """A piece of the request's body."""
        exchange = self.exchange
        exchange.body_in_bytes += len(data)
        limit = self.service.body_bytes
        if limit and exchange.body_in_bytes > limit:
            self.body_failed(Malformed(413, "the request body is larger than this service takes"))
        elif self._connected and self._upstream is not None:
            self._upstream.write_body(data)
        elif not self._ended:
            if self._early is _NOTHING:
                self._early = []
            self._early.append(data)

    def request_end(self) -> None:
        """The request's body is complete."""
        self._body_done = True
        if self._connected and self._upstream is not None and (self.facts.chunked or self.facts.content_length):
            self._upstream.finish_body()

    def body_failed(self, error: Malformed) -> None:
        """The body broke off, came too slowly or is too large."""
        if not self._ended:
            self.answer(self.gateway.refused(self, error))

    def client_gone(self, clean: bool) -> None:
        """The browser is not there any more: nobody wants the answer (P14)."""
        if self._ended:
            return
        if self._awaited is not None:
            self._ended = True
            self._awaited.cancel()
        self.exchange.reason = "the client went away"
        self._cancel_upstream()
        self._finish()

    def client_congested(self) -> None:
        """The browser does not take what we send: stop reading the service."""
        if self._upstream is not None:
            self._upstream.pause_answer()

    def client_relieved(self) -> None:
        """It does again."""
        if self._upstream is not None:
            self._upstream.resume_answer()

    # ---------------------------------------------------------------- the answer, from the service

    def upstream_connected(self) -> None:
        """The head is on its way: now the body may come (and a client that waits for 100 is told so)."""
        if self.facts.expect_continue:
            self.lane.continue_request()
        self._connected = True
        if self._upstream is not None and (self.facts.chunked or self.facts.content_length):
            self._flush_body()
            self.lane.resume_reading(BODY)

    def _flush_body(self) -> None:
        """Send the body bytes that came before the connection was there."""
        early, self._early = self._early, _NOTHING
        for piece in early:
            if self._upstream is not None:
                self._upstream.write_body(piece)
        if self._body_done and self._upstream is not None:
            self._upstream.finish_body()

    def pause_body(self) -> None:
        """The service does not keep up with the body."""
        self.lane.pause_reading(BODY)

    def resume_body(self) -> None:
        """It does again."""
        self.lane.resume_reading(BODY)

    def interim_received(self, status: int, reason: bytes, fields: list[Field]) -> None:
        """Interim answers pass, but for 100, which is ours to say (P6)."""
        if status != 100:
            self.lane.send_interim(self.service.answers.interim_head(status, reason, fields))

    def answer_started(self, status: int, reason: bytes, fields: list[Field], length: int | None, no_body: bool) -> None:
        """The service's (or somebody else's) answer begins."""
        exchange = self.exchange
        exchange.upstream_status = exchange.status = status
        exchange.upstream_duration = self.gateway.seconds() - self.sent_at
        exchange.answered_by = "service"
        if status >= 400 and self.gateway.refusals.may_be_local_reply(status, fields, length, no_body):
            self._held = [status, reason, fields, length, no_body, b""]
            return
        self._begin(status, reason, fields, length, no_body)

    def _begin(self, status: int, reason: bytes, fields: list[Field], length: int | None, no_body: bool) -> None:
        if status >= 400:
            self.exchange.answered_by, self.exchange.cause = self.gateway.refusals.passed(self, status, fields, length, no_body)
        if self.service.rewriting.per_request:
            rewritten = self.gateway.rewrite_answer(self, status, reason, fields)
            if rewritten is None:
                return
            status, reason, fields = rewritten
        self._started_answer = True
        self.lane.begin_answer(self, status, reason, fields, length, no_body, self.set_cookies)

    def answer_data(self, data: bytes) -> None:
        """A piece of the answer's body."""
        if self._ended:
            return
        if self._held is not None:
            self._held[5] += data
            if len(self._held[5]) > 1024:
                self._release()
            return
        self.exchange.body_out_bytes += len(data)
        self.lane.send_body(data)

    def answer_waits(self) -> None:
        """No more of the answer is here now."""
        if self._held is None and self._started_answer:
            self.lane.flush_answer()

    def answer_finished(self) -> None:
        """The answer is complete."""
        if self._held is not None:
            status, _, fields, _, _, body = self._held
            if self.gateway.refusals.is_local_reply(status, fields, body):
                self._held = None
                self._upstream = None
                self.answer(self.gateway.refusals.local_reply(self, status, fields, body))
                return
            self._release()
        if self._ended:
            return
        if self.facts.has_body and not self._body_done:
            self._cancel_upstream()  # answered early: nobody sends the rest
        self._upstream = None
        self._finish()
        self.lane.end_answer()

    def _release(self) -> None:
        """The held answer is the service's own after all: let it pass untouched."""
        if self._held is not None:
            status, reason, fields, length, no_body, body = self._held
            self._held = None
            self._begin(status, reason, fields, length, no_body)
            if body:
                self.answer_data(body)

    def upstream_failed(self, evidence: Evidence) -> None:
        """There is no answer, or no more of it."""
        if self._ended:
            return
        self._upstream = None
        try:
            self._failed(evidence)
        except Exception:
            self.broke(Failure())

    def _failed(self, evidence: Evidence) -> None:
        self.exchange.evidence = evidence
        if self.exchange.tunnel:
            self._end_tunnel(clean=evidence.end == "timeout")  # nobody has used it for long
            return
        self._release()
        if self._ended:
            return
        answer = self.gateway.failed(self, evidence)
        if self._started_answer:
            self._finish()
            self.lane.cut_answer()
        else:
            self.answer(answer)

    # ---------------------------------------------------------------- the end

    def _finish(self) -> None:
        """Everything is known: give the record to the observers, once."""
        if self._ended and self.exchange.duration:
            return
        self._ended = True
        if self.exchange.tunnel:
            if self.live is not None:
                self.live.channels.discard(self)
            self.gateway.tunnel_closed(self)
        self.gateway.finished(self)
