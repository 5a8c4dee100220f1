"""How do bytes of a browser become requests, and answers bytes? One downstream connection.

The rule it keeps: a request is read strictly and decided on before its body is; while one request is under way the next
one waits. A request for a protected service goes to a :class:`~meshproxy.web.relay.Relay` without a
``twisted.web.Request`` ever being built; everything else becomes one and is rendered as Twisted Web resources always are
(:mod:`meshproxy.web.rendered`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from ..core.answering import own_head
from ..core.heads import Answer
from ..core.inspection import Facts, Malformed, inspect
from .answer_writer import AnswerWriter
from .body_reader import BodyReader
from .connection import Connection
from .downstream_tls import spiffe_id
from .head_reader import HeadReader
from .rendered import RenderedRequest
from .sink import BodySink, Unread

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from ..core.exchange import Exchange
    from ..core.heads import Field
    from ..core.peer import Peer
    from .gateway import Gateway
    from .relay import Relay

_PIPELINE_BYTES = 16 * 1024  # what a client may send ahead of its answers before we stop reading it
_HALF_CLOSED_FOR = 5.0  # seconds an answer may still take after the client's FIN (P13)
_PIPELINED = 1  # why we do not read; the relay has its own reasons


class MeshChannel(Connection):
    """The requests of one connection, one at a time, and their answers."""

    #: the Site that built it
    site: Any

    def __init__(self, gateway: Gateway, peer: Peer) -> None:
        Connection.__init__(self, gateway, peer)
        self.requests_served = 0
        #: the record of the request under way
        self.exchange: Exchange | None = None
        self._reader = HeadReader(gateway.limits)
        self._waiting = b""  # bytes that came ahead of their turn
        self._sink: BodySink | None = None  # the request under way
        self._relay: Relay | None = None  # the same, where it is a relay
        self._tunnel: Relay | None = None
        self._body = BodyReader()
        self._facts: Facts | None = None
        self._close = False  # after this answer
        self._writer: AnswerWriter
        self._pumping = False

    # ---------------------------------------------------------------- bytes in

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client: of a tunnel, of a body, of a head, or ahead of their turn."""
        if self._tunnel is not None:
            self._tunnel.client_data(data)
        elif self._closing:
            self._linger(data)
        elif self._body.active:
            self._read_body(data)
        elif self._sink is not None:
            self._hold(data)
        else:
            self._read_heads(data)

    def _read_heads(self, data: bytes) -> None:
        """Read heads as long as there are bytes and no request is under way."""
        self._pumping = True
        try:
            while data and not self._closing:
                if self._sink is not None:
                    self._hold(data)
                    break
                started = self._reader.started
                self._facts = self.exchange = None
                rest = self._reader.feed(data)
                if rest is None:
                    if not started and self.requests_served:  # the first head's time runs since the connection
                        self._await(self.gateway.limits.head)
                    break
                reader = self._reader
                self._begin(inspect(reader.method, reader.target, reader.version, reader.fields))
                data = self._feed_body(rest) if rest and self._body.active else rest
        except Malformed as error:
            if self._sink is None:
                self._refuse(error)
            else:
                self.fail_body(error)
        finally:
            self._pumping = False

    def _hold(self, data: bytes) -> None:
        """Keep bytes that came ahead of their turn; more than a little of them, and the client is not read on."""
        self._waiting += data
        if len(self._waiting) > _PIPELINE_BYTES:
            self.pause_reading(_PIPELINED)

    def _begin(self, facts: Facts) -> None:
        """A head is complete: find out whose request it is, and hand it over."""
        self._facts = facts
        if self.scheme == "https":
            self._check_tls(facts)
        # a refused upgrade leaves bytes behind that are no request (W4)
        self._close = facts.close or facts.upgrade_websocket or self.gateway.draining
        self.requests_served += 1
        self.deadline = float("inf")
        reader = self._reader
        if facts.has_body:
            self._body.begin(facts)
            self._await(self.gateway.limits.body_idle)
            reader.forget_parser()
        elif facts.close:
            reader.forget_parser()
        if facts.options_star or facts.max_forwards == 0:
            self._sink = Unread()
            self.answer_own(_ABLE, self.gateway.next_request_id())  # it is about us, not about a service (RFC 9110 §9.3.7, §7.6.2)
            return
        relay = self.gateway.relay_for(self, reader.method, reader.target, reader.fields, facts)
        if relay is not None:
            self._sink = self._relay = relay
            relay.start()
        else:
            self._sink = RenderedRequest(self, reader.method, reader.target, reader.version, reader.fields, facts)
            self._sink.start()
        if not self._body.active and self._sink is not None:
            self._sink.request_end()

    def _check_tls(self, facts: Facts) -> None:
        """What the handshake told: the client's certificate, and whether ours is for the Host that is asked (P16)."""
        if not self.requests_served:
            certificate = self.transport.getPeerCertificate()
            if certificate is not None:
                known = certificate.to_cryptography()
                self.peer = self.gateway.trust.peer(
                    self.peer.address, self.peer.port, known.public_bytes(Encoding.DER), spiffe_id(known))
        if self.gateway.tls is not None and not self.gateway.tls.covers(facts.host):
            raise Malformed(421, "the certificate of this connection is not for this host")

    def _read_body(self, data: bytes) -> None:
        try:
            rest = self._feed_body(data)
        except Malformed as error:
            self.fail_body(error)
            return
        if rest and not self._closing:
            if self._sink is None:
                self._read_heads(rest)
            else:
                self._hold(rest)

    def _feed_body(self, data: bytes) -> bytes:
        """Hand body bytes to the request under way; returns what follows the body."""
        sink = self._sink
        rest = self._body.feed(data, sink.request_data if sink is not None else _discard)
        if rest is None:
            return b""
        self.deadline = float("inf")
        if self._sink is not None and self._sink is sink:  # it may have been answered by its last bytes
            sink.request_end()
        return rest

    # ---------------------------------------------------------------- refusing and closing

    def _refuse(self, error: Malformed) -> None:
        """Answer a request that never became one, and close: where the next one would begin is not known any more."""
        self._close = True
        head = (self._reader.method, self._reader.target) if self._reader.version else (b"", b"")
        self._write_own(*self.gateway.malformed(self, error, *head, self._facts))
        self._begin_close()

    def fail_body(self, error: Malformed) -> None:
        """The body of the request under way cannot be read on: its answer is ours, or is cut if one has begun."""
        self._close = True
        if self._relay is not None:
            self._relay.body_failed(error)
        elif self._sink is not None:
            sink, self._sink = self._sink, None
            sink.client_gone(True)
            self._write_own(*self.gateway.malformed(self, error, self._reader.method, self._reader.target, self._facts))
            self._begin_close()

    # ---------------------------------------------------------------- answers of a relay

    def continue_request(self) -> None:
        """The decision fell: the client may send its body (RFC 9110 §10.1.1)."""
        if self._facts is not None and self._facts.expect_continue and self._body.active and not self._body.received:
            self._writer.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send_interim(self, head: bytes) -> None:
        """An interim answer; HTTP/1.0 clients never get one (RFC 9110 §15.2)."""
        if self._reader.version != "1.0":
            self._writer.send(head)

    def begin_answer(
        self, relay: Relay, status: int, reason: bytes, fields: list[Field], length: int | None, no_body: bool,
        set_cookies: tuple[bytes, ...],
    ) -> None:
        """The head of a service's answer. With a body still on its way in, the connection ends with this answer (P12)."""
        if self._body.active:
            self._close = True
        head, chunked = relay.service.answers.head(
            status, reason, fields, http10=self._reader.version == "1.0", close=self._close, request_id=relay.exchange.request_id,
            length=length, no_body=no_body, set_cookies=set_cookies, method=self._reader.method, date=self.gateway.date(),
        )
        if not chunked and length is None and not no_body:
            self._close = True
        self._writer.begin(head, chunked)

    def send_body(self, data: bytes) -> None:
        """A piece of the answer's body."""
        self._writer.body(data)

    def flush_answer(self) -> None:
        """No more of the answer is here now."""
        self._writer.flush()

    def end_answer(self) -> None:
        """The answer is complete."""
        self._writer.end()
        self._next_request()

    def cut_answer(self) -> None:
        """The answer broke off: the client must see that (P9), so no last chunk, and RST where only the end would tell."""
        self._sink = self._relay = None
        self._writer.flush()
        if self._writer.chunked or self._reader.version != "1.0":
            self._begin_close()
        else:
            self.abort()

    def answer_own(self, answer: Answer, request_id: bytes) -> None:
        """The whole answer is ours: a refusal, a challenge, an error page."""
        if self._body.active:
            self._close = True
        self._write_own(answer, request_id)
        self._next_request()

    def _write_own(self, answer: Answer, request_id: bytes) -> None:
        method = self._reader.method
        head = own_head(
            answer, request_id=request_id, close=self._close,
            http10=self._reader.version == "1.0", date=self.gateway.date(), method=method,
        )
        self._writer.send(head if method == b"HEAD" else head + answer.body)

    def open_tunnel(self, relay: Relay, head: bytes) -> bytes:
        """Switch to raw bytes; returns those that came early."""
        self._tunnel = relay
        early, self._waiting = self._waiting, b""
        self._writer.send(head)
        self.resume_reading(_PIPELINED)
        return early

    def send_raw(self, data: bytes) -> None:
        """Bytes of a tunnel."""
        self._writer.send(data)

    def close_tunnel(self, clean: bool) -> None:
        """The tunnel is over."""
        self._tunnel = self._sink = self._relay = None
        if clean:
            self._begin_close()
        else:
            self.abort()

    def half_close_tunnel(self) -> None:
        """The service sent FIN: pass it on and keep reading (W9)."""
        half_close = getattr(self.transport, "loseWriteConnection", None)
        if half_close is None or self._half_closed or self.scheme == "https":
            self.close_tunnel(True)
        else:
            half_close()

    def _next_request(self) -> None:
        """The answer is complete: close, or go on with what waits."""
        self._sink = self._relay = None
        if self._close or self._body.active:
            self._begin_close()
            return
        self._await(self.gateway.limits.keep_alive)
        if self._waiting and not self._pumping:
            waiting, self._waiting = self._waiting, b""
            self.resume_reading(_PIPELINED)
            self._read_heads(waiting)

    # ---------------------------------------------------------------- the life of the connection

    def connectionMade(self) -> None:
        """It is there."""
        self._writer = AnswerWriter(self.transport)
        Connection.connectionMade(self)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """It is gone: whatever it was waiting for is cancelled."""
        Connection.connectionLost(self, reason)
        sink, self._sink, self._relay, self._tunnel = self._sink, None, None, None
        self._reader.forget_parser()
        self._body.stop()
        if sink is not None:
            sink.client_gone(False)
        self.requests = []

    def readConnectionLost(self) -> None:
        """The client sent FIN. An answer under way is still delivered if it comes soon (P13)."""
        self._half_closed = True
        if self._tunnel is not None:
            self._tunnel.client_finished()
        elif self._sink is None or self._closing or self._body.active:
            sink, self._sink, self._relay = self._sink, None, None
            if sink is not None:
                sink.client_gone(True)
            self._begin_close()
        else:
            self._close = True
            self._await(_HALF_CLOSED_FOR)

    def close_when_idle(self) -> None:
        """Draining: an idle connection closes now, a busy one after its answer, a tunnel with a close frame."""
        self._close = True
        if self._tunnel is not None:
            self._tunnel.session_ended("going away")
        elif self._sink is None:
            self._begin_close()

    def _overdue(self) -> None:
        limits = self.gateway.limits
        if self._half_closed:
            self.abort()
        elif self._body.active:
            if self._body.too_slow(limits, bool(self._paused_reading)):
                self.fail_body(Malformed(408, "the request body came too slowly"))
            else:
                self._await(limits.body_idle)
        elif self._sink is None:
            if self._reader.started:
                self._refuse(Malformed(408, "the head did not come in time"))
            else:
                self._begin_close()

    def _await_next(self) -> None:
        limits = self.gateway.limits
        if self._body.active:
            self._await(limits.body_idle)
        elif self._sink is None:
            self._await(limits.keep_alive)
        else:
            self.deadline = float("inf")

    def _unread(self) -> bool:
        return self._body.active

    def _client_congested(self) -> None:
        if self._relay is not None:
            self._relay.client_congested()
        elif self._requestProducer is not None:
            self._requestProducer.pauseProducing()

    def _client_relieved(self) -> None:
        if self._relay is not None:
            self._relay.client_relieved()
        elif self._requestProducer is not None:
            self._requestProducer.resumeProducing()

    # ---------------------------------------------------------------- what a twisted.web.Request asks of its channel

    def requestDone(self, request: object) -> None:
        """A rendered request is answered."""
        self.requests = []
        self._next_request()

    def loseConnection(self) -> None:
        """A rendered request wants the connection closed."""
        self._begin_close()


_ABLE = Answer(204, ((b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),))


def _discard(data: bytes) -> None:
    """The body of a request that was answered early."""
