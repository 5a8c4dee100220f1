"""How do bytes of a browser become requests, and answers bytes? One downstream connection.

The rule it keeps: a request is read strictly and decided on before its body is; while one request is under way the next
one waits. A request for a protected service goes to a :class:`~meshproxy.web.relay.Relay` without a
``twisted.web.Request`` ever being built; everything else becomes one and is rendered as Twisted Web resources always are
(:mod:`meshproxy.web.rendered`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from twisted.internet import interfaces
from twisted.web.http import HTTPChannel
from zope.interface import implementer

from ..core.answering import own_head
from ..core.chunked import ChunkedDecoder, ChunkError
from ..core.inspection import Facts, Malformed, inspect
from .head_reader import HeadReader
from .rendered import RenderedRequest

if TYPE_CHECKING:
    from twisted.internet.interfaces import IPushProducer
    from twisted.python.failure import Failure

    from ..core.heads import Answer, Field
    from ..core.peer import Peer
    from .gateway import Gateway
    from .relay import Relay

_PIPELINE_BYTES = 16 * 1024  # what a client may send ahead of its answers before we stop reading it
_HALF_CLOSED_FOR = 5.0  # seconds an answer may still take after the client's FIN (P13)
_LINGER_FOR = 1.0  # seconds, and
_LINGER_BYTES = 64 * 1024  # bytes that are drained before a connection is closed with a request body unread (P12)

_NO_BODY, _COUNTED, _CHUNKED = range(3)


class BodySink(Protocol):
    """Who takes a request's body."""

    def request_data(self, data: bytes) -> None:
        """A piece of it."""

    def request_end(self) -> None:
        """All of it has come."""

    def client_gone(self, clean: bool) -> None:
        """The connection is lost (``clean``: the client closed it) before the answer was complete."""


@implementer(interfaces.IHalfCloseableProtocol)
class MeshChannel(HTTPChannel):
    """One connection of a browser (or of the gateway in front of us)."""

    def __init__(self, gateway: Gateway, peer: Peer) -> None:
        HTTPChannel.__init__(self)
        self.gateway = gateway
        self.peer = peer
        #: what X-Forwarded-For says for this connection, where the peer is not believed
        self.forwarded_for = gateway.trust.forwarded_for(peer, None)
        self.scheme = "http"
        self.deadline = float("inf")
        self.requests_served = 0
        self._reader = HeadReader(gateway.limits)
        self._waiting = b""  # bytes that came ahead of their turn
        self._sink: BodySink | None = None  # the request under way
        self._relay: Relay | None = None  # the same, where it is a relay
        self._tunnel: Relay | None = None
        self._body = _NO_BODY
        self._body_left = 0
        self._decoder: ChunkedDecoder | None = None
        self._window_bytes = 0  # body bytes since the last look at their progress
        self._windows = 0
        self._facts: Facts | None = None
        self._close = False  # after this answer
        self._closing = False
        self._half_closed = False
        self._chunked_answer = False
        self._congested = False
        self._paused_reading = 0  # why we do not read: bits
        self._lingered = 0
        self._pumping = False
        self._pending_before = 0

    # ---------------------------------------------------------------- the connection

    def connectionMade(self) -> None:
        """A connection is there: its first head has to come within ``limits.head``."""
        transport = self.transport
        if interfaces.ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        self._networkProducer = interfaces.IPushProducer(transport)
        self._networkProducer.registerProducer(self, True)
        if self.isSecure():
            self.scheme = "https"
        self.deadline = self.gateway.seconds() + self.gateway.limits.head
        self.gateway.wheel.watch(self)
        self.gateway.connection_opened(self)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """It is gone: whatever it was waiting for is cancelled."""
        self.deadline = float("inf")
        self.gateway.connection_closed(self)
        sink, self._sink, self._relay, self._tunnel = self._sink, None, None, None
        self._reader.forget_parser()
        self._decoder = None
        if sink is not None:
            sink.client_gone(False)
        for request in self.requests:
            request.connectionLost(reason)
        self.requests = []

    def readConnectionLost(self) -> None:
        """The client sent FIN. An answer under way is still delivered if it comes soon (P13)."""
        self._half_closed = True
        if self._tunnel is not None:
            self._tunnel.client_finished()
        elif self._sink is None or self._closing or self._body != _NO_BODY:
            self._drop()
        else:
            self._close = True
            self.deadline = self.gateway.seconds() + _HALF_CLOSED_FOR

    def writeConnectionLost(self) -> None:
        """We sent FIN; nothing follows from it."""

    def timeoutConnection(self) -> None:
        """Unused: deadlines are kept by the wheel."""

    def deadline_passed(self) -> None:
        """The wheel calls: what was awaited did not come."""
        now = self.gateway.seconds()
        limits = self.gateway.limits
        if self._closing or self._half_closed:
            self.abort()
        elif self._congested:
            self._check_stall(now)
        elif self._body != _NO_BODY:
            self._check_body(now)
        elif self._sink is None:
            if self._reader.started or not self.requests_served:
                self._refuse(Malformed(408, "the head did not come in time"), silent=not self._reader.started)
            else:
                self._begin_close()
        elif limits.keep_alive:
            self.deadline = float("inf")

    def _check_stall(self, now: float) -> None:
        """The client takes nothing of what waits for it: for ``stalled`` without a byte, it is cut off."""
        pending = pending_bytes(self.transport)
        if pending and pending >= self._pending_before:
            self.abort()
        else:
            self._pending_before = pending
            self.deadline = now + self.gateway.limits.stalled

    def _check_body(self, now: float) -> None:
        """A body has to come on: a byte in ``body_idle``, and after that at least ``body_rate``."""
        limits = self.gateway.limits
        self.deadline = now + limits.body_idle
        arrived, self._window_bytes = self._window_bytes, 0
        self._windows += 1
        if self._paused_reading:
            return  # it is the service that is slow
        if not arrived or (self._windows > 1 and arrived < limits.body_rate * limits.body_idle):
            self.fail_body(Malformed(408, "the request body came too slowly"))

    # ---------------------------------------------------------------- bytes in

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client: of a tunnel, of a body, of a head, or ahead of their turn."""
        if self._tunnel is not None:
            self._tunnel.client_data(data)
        elif self._closing:
            self._lingered += len(data)
            if self._lingered > _LINGER_BYTES:
                self.abort()
        elif self._body != _NO_BODY:
            self._window_bytes += len(data)
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
                if not self._reader.started:
                    self.deadline = self.gateway.seconds() + self.gateway.limits.head
                rest = self._reader.feed(data)
                if rest is None:
                    break
                reader = self._reader
                self._begin(inspect(reader.method, reader.target, reader.version, reader.fields))
                if rest and self._body != _NO_BODY:
                    self._window_bytes += len(rest)
                    rest = self._read_body_pieces(rest)
                data = rest
        except Malformed as error:
            self._refuse(error)
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
        self._close = facts.close
        self._chunked_answer = False
        self.requests_served += 1
        self.deadline = float("inf")
        reader = self._reader
        if facts.chunked:
            self._body, self._decoder = _CHUNKED, ChunkedDecoder()
        elif facts.content_length:
            self._body, self._body_left = _COUNTED, facts.content_length
        if self._body != _NO_BODY or facts.close:
            reader.forget_parser()
        if self._body != _NO_BODY:
            self._window_bytes = self._windows = 0
            self.deadline = self.gateway.seconds() + self.gateway.limits.body_idle
        relay = self.gateway.relay_for(self, reader.method, reader.target, reader.fields, facts)
        if relay is not None:
            self._sink = self._relay = relay
            relay.start()
        else:
            self._sink = RenderedRequest(self, reader.method, reader.target, reader.version, reader.fields, facts)
            self._sink.start()
        if self._body == _NO_BODY and self._sink is not None:
            self._sink.request_end()

    def _read_body(self, data: bytes) -> None:
        try:
            rest = self._read_body_pieces(data)
        except Malformed as error:
            self.fail_body(error)
            return
        if rest and not self._closing:
            if self._sink is None:
                self._read_heads(rest)
            else:
                self._hold(rest)

    def _read_body_pieces(self, data: bytes) -> bytes:
        """Hand body bytes to the request; returns what follows the body. Counted bodies go on as they came, unparsed."""
        sink = self._sink
        if self._body == _COUNTED:
            rest = b""
            if len(data) > self._body_left:
                data, rest = data[: self._body_left], data[self._body_left :]
            self._body_left -= len(data)
            if sink is not None:
                sink.request_data(data)
            if self._body_left:
                return b""
        else:
            decoder = self._decoder
            if decoder is None:
                return b""
            try:
                remainder = decoder.feed(data, sink.request_data if sink is not None else _discard)
            except ChunkError as error:
                raise Malformed(400, str(error)) from None
            if remainder is None:
                return b""
            rest = remainder
            self._decoder = None
        if self._body != _NO_BODY:  # the sink may have ended the request meanwhile
            self._body = _NO_BODY
            self.deadline = float("inf")
            if self._sink is not None and self._sink is sink:
                self._sink.request_end()
        return rest

    # ---------------------------------------------------------------- refusing and closing

    def _refuse(self, error: Malformed, silent: bool = False) -> None:
        """Answer a request that never became one, and close: where the next one would begin is not known any more."""
        if silent:
            self._begin_close()
            return
        self._close = True
        head = (self._reader.method, self._reader.target) if self._reader.version else (b"", b"")
        self._write_own(self.gateway.malformed(self, error, *head), self._reader.method)
        self._begin_close()

    def fail_body(self, error: Malformed) -> None:
        """The body of the request under way cannot be read on: its answer is ours, or is cut if one has begun."""
        self._close = True
        self._body = _NO_BODY
        self._decoder = None
        if self._relay is not None:
            self._relay.body_failed(error)
        elif self._sink is not None:
            sink, self._sink = self._sink, None
            sink.client_gone(True)
            self._write_own(self.gateway.malformed(self, error, self._reader.method, self._reader.target), self._reader.method)
            self._begin_close()

    def _drop(self) -> None:
        sink, self._sink, self._relay = self._sink, None, None
        if sink is not None:
            sink.client_gone(True)
        self._begin_close()

    def _begin_close(self) -> None:
        """Send what is pending, then FIN; read a little more so that the answer is not lost to a reset (RFC 9112 §9.6)."""
        if self._closing:
            return
        self._closing = True
        self.deadline = self.gateway.seconds() + _LINGER_FOR
        transport = self.transport
        if transport is None:
            return
        self._networkProducer.unregisterProducer()
        self._paused_reading = 0
        half_close = getattr(transport, "loseWriteConnection", None)
        if self._body != _NO_BODY and half_close is not None and not self._half_closed and self.scheme == "http":
            transport.resumeProducing()
            half_close()
        else:
            self.deadline = self.gateway.seconds() + self.gateway.limits.stalled
            transport.loseConnection()

    def abort(self) -> None:
        """Cut the connection at once (RST): what was sent so far must not look complete."""
        self._closing = True
        if self.transport is not None:
            self.transport.abortConnection()

    def close_when_idle(self) -> None:
        """Draining: an idle connection closes now, a busy one after its answer, a tunnel with a close frame."""
        self._close = True
        if self._tunnel is not None:
            self._tunnel.session_ended("going away")
        elif self._sink is None:
            self._begin_close()

    # ---------------------------------------------------------------- answers of a relay

    def continue_request(self) -> None:
        """The decision fell: the client may send its body (RFC 9110 §10.1.1)."""
        if self._facts is not None and self._facts.expect_continue and not self._window_bytes and self._body != _NO_BODY:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send_interim(self, status: int, reason: bytes, fields: list[Field]) -> None:
        """An interim answer; HTTP/1.0 clients never get one (RFC 9110 §15.2)."""
        if self._reader.version != "1.0":
            lines = b"".join([b"%b: %b\r\n" % field for field in fields])
            self.transport.write(b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, reason, lines))

    def begin_answer(
        self, relay: Relay, status: int, reason: bytes, fields: list[Field], length: int | None, no_body: bool,
        set_cookies: tuple[bytes, ...],
    ) -> None:
        """The head of a service's answer. With a body still on its way in, the connection ends with this answer (P12)."""
        if self._body != _NO_BODY:
            self._close = True
        head, self._chunked_answer = relay.service.answers.head(
            status, reason, fields, http10=self._reader.version == "1.0", close=self._close, request_id=relay.exchange.request_id,
            length=length, no_body=no_body, set_cookies=set_cookies, method=self._reader.method, date=self.gateway.date(),
        )
        if not self._chunked_answer and length is None and not no_body:
            self._close = True
        self.transport.write(head)

    def send_body(self, data: bytes) -> None:
        """A piece of the answer's body."""
        if self._chunked_answer:
            self.transport.writeSequence((b"%x\r\n" % len(data), data, b"\r\n"))
        else:
            self.transport.write(data)

    def end_answer(self) -> None:
        """The answer is complete."""
        if self._chunked_answer:
            self.transport.write(b"0\r\n\r\n")
        self._next_request()

    def cut_answer(self) -> None:
        """The answer broke off: the client must see that (P9), so no last chunk, and RST where only the end would tell."""
        self._sink = self._relay = None
        if self._chunked_answer or self._reader.version != "1.0":
            self._begin_close()
        else:
            self.abort()

    def answer_own(self, answer: Answer, request_id: bytes) -> None:
        """The whole answer is ours: a refusal, a challenge, an error page."""
        if self._body != _NO_BODY:
            self._close = True
        self._write_own(answer, self._reader.method, request_id)
        self._next_request()

    def _write_own(self, answer: Answer, method: bytes, request_id: bytes = b"") -> None:
        self.transport.write(own_head(
            answer, request_id=request_id or self.gateway.next_request_id(), close=self._close,
            http10=self._reader.version == "1.0", date=self.gateway.date(), method=method,
        ))
        if method != b"HEAD" and answer.body:
            self.transport.write(answer.body)

    def open_tunnel(self, relay: Relay, head: bytes) -> bytes:
        """Switch to raw bytes; returns those that came early."""
        self._tunnel = relay
        early, self._waiting = self._waiting, b""
        self.transport.write(head)
        self.resume_reading(_PIPELINED)
        return early

    def send_raw(self, data: bytes) -> None:
        """Bytes of a tunnel."""
        self.transport.write(data)

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
        if self._close or self._body != _NO_BODY:
            self._begin_close()
            return
        self.deadline = self.gateway.seconds() + self.gateway.limits.keep_alive
        if self._waiting and not self._pumping:
            waiting, self._waiting = self._waiting, b""
            self.resume_reading(_PIPELINED)
            self._read_heads(waiting)

    # ---------------------------------------------------------------- back-pressure

    def pause_reading(self, why: int) -> None:
        """Take no more bytes from the client, for one more reason."""
        if not self._paused_reading and self.transport is not None:
            self.transport.pauseProducing()
        self._paused_reading |= why

    def resume_reading(self, why: int) -> None:
        """That reason is gone."""
        if self._paused_reading & why:
            self._paused_reading &= ~why
            if not self._paused_reading and not self._closing and self.transport is not None:
                self.transport.resumeProducing()

    def pauseProducing(self) -> None:
        """The transport calls: our bytes pile up, the client is slow."""
        self._congested = True
        self._pending_before = pending_bytes(self.transport) + 1
        self.deadline = self.gateway.seconds() + self.gateway.limits.stalled
        if self._relay is not None:
            self._relay.client_congested()
        elif self._requestProducer is not None:
            self._requestProducer.pauseProducing()

    def resumeProducing(self) -> None:
        """The transport calls: they are gone."""
        if not self._congested:
            return
        self._congested = False
        self.deadline = float("inf")
        if self._sink is None and not self._closing:
            self.deadline = self.gateway.seconds() + self.gateway.limits.keep_alive
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


_PIPELINED = 1
BODY = 2
DECIDING = 4


def pending_bytes(transport: object) -> int:
    """How many bytes wait in a Twisted TCP or TLS transport's buffers, 0 where it does not tell.

    Twisted has no public way to ask; these are the attributes of ``abstract.FileDescriptor``, unchanged for fifteen years.
    """
    inner = getattr(transport, "transport", None) or transport
    return len(getattr(inner, "dataBuffer", b"")) - getattr(inner, "offset", 0) + getattr(inner, "_tempDataLen", 0)


def _discard(data: bytes) -> None:
    """The body of a request that was answered early."""
