"""What happens on one connection to a service? One request after the other, or one tunnel; then it is closed.

The connection drives, others know: :mod:`.answer` what the bytes mean, :mod:`.upload` how a body is framed, the pool who
comes next. Its rule: whatever is not certain to be clean is closed, never used again. It is its own entry in the wheel and
its own producer, so that a request costs no timer, no closure and no Deferred.
"""

from __future__ import annotations

import socket
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IHalfCloseableProtocol, IHandshakeListener, IProtocol, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from ..core.evidence import Evidence, Phase
from .answer import AnswerReader, BadAnswer
from .failures import Loss, loss_of
from .upload import BodyMismatch, Upload

if TYPE_CHECKING:
    from .attempt import Attempt
    from .exchange import Exchange
    from .pool import Pool
    from .tls import Witness

_CLOSE_FOR = 2.0
"""Seconds that an orderly close may take before the connection is aborted."""
_LINGER_FOR = 1.0
"""Seconds that an upload may go on, without a byte, after its answer is complete."""


class State(IntEnum):
    """What a connection is doing. ``LINGERING``: the answer is complete, the upload is not."""

    OPENING = 0
    IDLE = 1
    BUSY = 2
    LINGERING = 3
    TUNNEL = 4
    CLOSING = 5
    CLOSED = 6


@implementer(IProtocol, IHalfCloseableProtocol, IPushProducer)
class Connection:
    """One TCP or Unix connection (:class:`twisted.internet.interfaces.IProtocol`); :class:`SecureConnection` is the one under TLS.

    :ivar state: what it is doing.
    :ivar exchange: the request (or tunnel) it carries.
    :ivar deadline: when to give up what it is doing; the wheel reads it.
    :ivar witness: what TLS saw of the other side.
    :ivar tcp_clean: under TLS: whether TCP itself ended in order; set just before ``connectionLost``.
    """

    __slots__ = (
        "_answering", "_attempt", "_choked", "_finished", "_head", "_paused", "_pool", "_reader", "_seconds", "_served", "_service_done",
        "_socket", "_upload", "deadline", "exchange", "resolved", "state", "tcp_clean", "timings", "transport", "witness",
    )

    def __init__(self, pool: Pool, attempt: Attempt) -> None:
        self._pool = pool
        self._attempt: Attempt | None = attempt
        self._seconds = pool.seconds
        self._reader: AnswerReader | None = None
        self._upload: Upload | None = None
        self._head = b""
        self._served = 0
        self._answering = False
        self._paused = False
        self._choked = False
        self._finished = False
        self._service_done = False
        self._socket: socket.socket | None = None
        self.transport: Any = None
        self.state = State.OPENING
        self.exchange: Exchange | None = None
        self.deadline = 0.0
        self.timings: dict[str, float] = {}
        self.resolved: tuple[str, ...] = ()
        self.witness: Witness | None = None
        self.tcp_clean: bool | None = None

    # -- towards the pool -----------------------------------------------------------------------------------------

    def settle(self, timings: dict[str, float], resolved: tuple[str, ...]) -> None:
        """It is open, handshake and all: from now on it carries requests."""
        self._attempt = None
        self.timings = timings
        self.resolved = resolved
        self._reader = AnswerReader(self._pool.head_bytes, self._pool.max_fields)
        self.state = State.IDLE

    def start(self, exchange: Exchange) -> None:
        """Send a request. The connection is idle."""
        self.exchange = exchange
        exchange.connection = self
        self.state = State.BUSY
        self._served += 1
        self._answering = False
        self._head = exchange.head
        self._reader.begin(exchange.method == b"HEAD", exchange.websocket_key)  # type: ignore[union-attr]
        exchange.started_at = now = self._seconds()
        self.deadline = now + self._pool.timeouts.response
        self._pool.wheel.watch(self)
        if exchange.body:
            try:
                self._upload = Upload(exchange.head, exchange.chunked)
            except BodyMismatch as mismatch:
                self._fail(self.evidence("aborted", error=str(mismatch)))
                return
        if exchange.attempts == 1:
            exchange.receiver.upstream_connected()
        # The receiver may have given body bytes already, behind the head in one write; or it has cancelled.
        if self._head and self.exchange is exchange:
            head, self._head = self._head, b""
            self.transport.write(head)

    def rest(self) -> None:
        """Wait for the next request, no longer than the service says it waits (one second for the way)."""
        idle_for = self._pool.settings.idle
        keep_for = self._reader.keep_for  # type: ignore[union-attr]
        if keep_for is not None and keep_for - 1.0 < idle_for:
            idle_for = max(0.0, keep_for - 1.0)
        self.state = State.IDLE
        self.deadline = self._seconds() + idle_for
        self._pool.wheel.watch(self)

    def looks_alive(self) -> bool:
        """Whether nothing waits unread in the socket: a byte or a FIN that the reactor has not come to yet.

        Asked only for requests that cannot be repeated, because it costs a system call.
        """
        if self._socket is None:
            return True
        try:
            self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close in order; if the other side does not follow, abort."""
        if self.state >= State.CLOSING:
            return
        self.state = State.CLOSING
        self.deadline = self._seconds() + _CLOSE_FOR
        self._pool.wheel.watch(self)
        # TLS closes only when no producer is registered any more.
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close at once (RST), whatever is on the way."""
        if self.state != State.CLOSED:
            self.state = State.CLOSING
            self.transport.abortConnection()

    def break_off(self, words: str) -> None:
        """We stop: fail what it carries, and close it at once."""
        if self.exchange is not None:
            self._fail(self.evidence("aborted", error=words))
        else:
            self.abort()

    def detach(self) -> Exchange | None:
        """Cut the link to the request; its holder can do nothing here any more."""
        exchange, self.exchange = self.exchange, None
        self._upload = None
        self._head = b""
        if exchange is not None:
            exchange.connection = None
        return exchange

    # -- towards the relay, through the exchange --------------------------------------------------------------------

    def write_body(self, data: bytes) -> None:
        """Body bytes of the request, to be framed."""
        if not data or self.state not in (State.BUSY, State.LINGERING):
            return
        if self._choked and self.state == State.LINGERING:
            # The service has answered and takes no more: there is nobody left to send this to.
            self._pool.over(self.detach())
            self.abort()
            return
        try:
            if self._upload is None:
                raise BodyMismatch("body bytes that were not announced")
            parts = self._upload.frame(data)
        except BodyMismatch as mismatch:
            self._fail(self.evidence("aborted", error=str(mismatch)))
            return
        if self._head:
            parts, self._head = (self._head, *parts), b""
        self.transport.writeSequence(parts)
        self._upload_moved()

    def finish_body(self) -> None:
        """The request body is complete."""
        if self._upload is None:
            return
        try:
            last = self._head + self._upload.end()
        except BodyMismatch as mismatch:
            self._fail(self.evidence("aborted", error=str(mismatch)))
            return
        self._upload, self._head = None, b""
        if last:
            self.transport.write(last)
        if self.state == State.LINGERING:
            self._pool.over(self.detach())
            self.close()
        else:
            self._upload_moved()

    def pause_reading(self) -> None:
        """The browser is slower than the service: stop reading. Time does not count against the service meanwhile."""
        if not self._paused and self.state in (State.BUSY, State.TUNNEL):
            self._paused = True
            if self._answering or self.state == State.TUNNEL:
                self.deadline = 0.0
            self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Read again."""
        if self._paused:
            self._paused = False
            if self.state == State.TUNNEL:
                self._expect_within(self._pool.timeouts.tunnel_idle)
            elif self._answering:
                self._expect_within(self._pool.timeouts.idle)
            self.transport.resumeProducing()

    def write_tunnel(self, data: bytes) -> None:
        """Raw bytes to the service."""
        if self.state == State.TUNNEL and not self._finished:
            if self.deadline:
                self.deadline = self._seconds() + self._pool.timeouts.tunnel_idle
            self.transport.write(data)

    def finish_tunnel(self) -> None:
        """The browser half-closed."""
        if self.state != State.TUNNEL or self._finished:
            return
        self._finished = True
        if self._service_done:
            self._pool.over(self.detach())
            self.close()
        elif self.witness is None:
            self.transport.loseWriteConnection()
        else:
            # TLS knows no half-close in Twisted: say close_notify, take what still comes.
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def _upload_moved(self) -> None:
        """The upload makes progress: the service has its time for the answer anew."""
        if self.state == State.LINGERING:
            self.deadline = self._seconds() + _LINGER_FOR
        elif not self._answering:
            self.deadline = self._seconds() + self._pool.timeouts.response

    def _expect_within(self, seconds: float) -> None:
        self.deadline = self._seconds() + seconds
        self._pool.wheel.watch(self)

    # -- towards the transport --------------------------------------------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """The transport is there (TCP is connected; under TLS the handshake begins)."""
        self.transport = transport
        transport.registerProducer(self, True)
        inner = getattr(transport, "transport", transport)
        self._socket = getattr(inner, "socket", None)
        if getattr(self._socket, "family", None) in (socket.AF_INET, socket.AF_INET6):
            inner.setTcpNoDelay(True)

    def connectionMade(self) -> None:
        """Part of the interface; :meth:`makeConnection` does it all."""

    def logPrefix(self) -> str:
        """How Twisted names it in log lines."""
        return "upstream"

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the service."""
        if self.state == State.BUSY:
            self._answer_bytes(data)
        elif self.state == State.TUNNEL:
            if self.deadline:
                self.deadline = self._seconds() + self._pool.timeouts.tunnel_idle
            self.exchange.receiver.tunnel_data(data)  # type: ignore[union-attr]
        elif self.state == State.IDLE:
            # Nobody asked: it is not known whose these bytes are.
            self._pool.surplus_total += 1
            self._pool.discard(self)
            self.close()

    def readConnectionLost(self) -> None:
        """The service half-closed (FIN), on a transport that lets us know."""
        if self.state == State.TUNNEL:
            self._tunnel_closed(clean=True)
        else:
            self._service_closed(self.state, Loss("eof", "the service closed the connection", clean=True))

    def writeConnectionLost(self) -> None:
        """Our own half-close went out."""

    def connectionLost(self, reason: Failure) -> None:
        """The connection is gone."""
        state, self.state = self.state, State.CLOSED
        loss = loss_of(reason)
        if self.witness is not None:
            loss = self.witness.explain(loss, self.tcp_clean)
        if state == State.OPENING and self._attempt is not None:
            self._attempt.lost(loss)
        elif state == State.TUNNEL:
            if not self._service_done:
                self._tunnel_closed(loss.clean)
        else:
            self._service_closed(state, loss)
        self._pool.over(self.detach())
        self._pool.gone(self)
        if self._reader is not None:
            self._reader.close()
        self._attempt = None

    def pauseProducing(self) -> None:
        """The service does not take our bytes as fast as we have them (the transport's call)."""
        self._choked = True
        # An answer that is finished was the relay's last call.
        if self.exchange is not None and self.state != State.LINGERING:
            self.exchange.receiver.pause_body()

    def resumeProducing(self) -> None:
        """It does again: what waited in the transport has gone out."""
        self._choked = False
        if self.exchange is not None and self.state != State.LINGERING:
            if self.state == State.BUSY:
                self._upload_moved()
            self.exchange.receiver.resume_body()

    def stopProducing(self) -> None:
        """The transport is gone; ``connectionLost`` says the rest."""

    # -- the answer -------------------------------------------------------------------------------------------------

    def _answer_bytes(self, data: bytes) -> None:
        exchange, reader = self.exchange, self._reader
        assert exchange is not None and reader is not None  # noqa: S101 - the state says so
        try:
            reader.feed(data)
        except BadAnswer as bad:
            self._fail(self.evidence("invalid", error=str(bad)))
            return
        receiver = exchange.receiver
        if reader.interims:
            interims, reader.interims = reader.interims, []
            for interim in interims:
                receiver.interim_received(*interim)
                if self.exchange is not exchange:
                    return
        if self._answering:
            if not self._paused:
                self.deadline = self._seconds() + self._pool.timeouts.idle
        elif reader.upgraded is not None:
            self._open_tunnel(exchange, reader.upgraded)
            return
        elif reader.head is not None:
            self._answering = True
            if not reader.complete and not self._paused:
                self._expect_within(self._pool.timeouts.idle)
            receiver.answer_started(*reader.head)
            if self.exchange is not exchange:
                return
        pieces = reader.pieces
        if pieces:
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            receiver.answer_data(body)
            if self.exchange is not exchange:
                return
        if reader.complete:
            self._answer_complete(exchange, reader)

    def _answer_complete(self, exchange: Exchange, reader: AnswerReader) -> None:
        pool = self._pool
        if reader.surplus:
            pool.surplus_total += 1
        if self._upload is not None:
            # The service has answered without waiting for the body. What is on its way may go on, but not for ever.
            self.state = State.LINGERING
            if self._paused:
                self._paused = False
                self.transport.resumeProducing()
            self._expect_within(_LINGER_FOR)
            exchange.receiver.answer_finished()
            return
        self.detach()
        if self._paused:
            # An idle connection must be read: its FIN is what tells that it is dead.
            self._paused = False
            self.transport.resumeProducing()
        if reader.reusable and not self._choked:
            pool.give_back(self)
        else:
            self.close()
        pool.over(exchange)
        exchange.receiver.answer_finished()

    def _open_tunnel(self, exchange: Exchange, early: bytes) -> None:
        reader = self._reader
        assert reader is not None and reader.head is not None  # noqa: S101 - a verified 101 has a head
        fields = reader.head[2]
        self.state = State.TUNNEL
        self._reader = None
        reader.close()
        exchange.head = b""
        if self._socket is not None:
            # Hours of silence are normal here: let the kernel find out when nobody is there any more.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._expect_within(self._pool.timeouts.tunnel_idle)
        exchange.receiver.tunnel_opened(fields)
        if early and self.exchange is exchange:
            exchange.receiver.tunnel_data(early)

    def _tunnel_closed(self, clean: bool) -> None:
        """The service's direction has ended; after a clean end ours may go on until the relay finishes it."""
        exchange = self.exchange
        if exchange is None:
            return
        self._service_done = True
        if not clean or self._finished:
            self._pool.over(self.detach())
            self.close()
        exchange.receiver.tunnel_closed(clean)

    def _service_closed(self, state: State, loss: Loss) -> None:
        """No byte will come any more."""
        exchange, reader = self.exchange, self._reader
        if state == State.IDLE:
            self._pool.discard(self)
            self.close()
        elif state == State.LINGERING:
            self._pool.over(self.detach())
            self.close()
        elif state == State.BUSY and exchange is not None and reader is not None:
            if loss.clean and reader.end():
                self._upload = None
                self._answer_complete(exchange, reader)
            elif self._may_retry(exchange, reader, loss):
                self.detach()
                self.close()
                self._pool.retry(exchange)
            else:
                self._fail(self.evidence(loss.end, error=loss.words, reasons=loss.reasons))

    def _may_retry(self, exchange: Exchange, reader: AnswerReader, loss: Loss) -> bool:
        """Most likely the service closed its idle connection while our request was on the way: then once more (RFC 9112 §9.3.1)."""
        reused_in_vain = self._served > 1 and not reader.received and loss.end in ("eof", "reset")
        return reused_in_vain and exchange.attempts == 1 and exchange.repeatable

    def _fail(self, evidence: Evidence) -> None:
        """Give up the request and the connection."""
        exchange, lingering = self.detach(), self.state == State.LINGERING
        self.abort()
        if exchange is not None:
            self._pool.over(exchange)
            if not lingering:
                exchange.receiver.upstream_failed(evidence)

    # -- time and evidence ------------------------------------------------------------------------------------------

    def deadline_passed(self) -> None:
        """What it was doing took too long (the wheel's call)."""
        if self.state == State.IDLE:
            self._pool.discard(self)
            self.close()
        elif self.state in (State.BUSY, State.LINGERING, State.TUNNEL):
            self._fail(self.evidence("timeout"))
        elif self.state == State.CLOSING:
            self.transport.abortConnection()

    def evidence(self, end: str, *, error: str = "", reasons: tuple[str, ...] = ()) -> Evidence:
        """What is known of the request it carries."""
        exchange, reader = self.exchange, self._reader
        phase: Phase = "send" if self._upload is not None or self._head else "head"
        if self.state == State.TUNNEL:
            phase = "tunnel"
        elif self._answering:
            phase = "body"
        elif end == "tls" and self._served == 1 and reader is not None and not reader.received:
            phase = "tls"  # TLS 1.3: the other side judges our certificate only after our handshake is over
        timings = dict(self.timings) if self._served == 1 else {}
        if exchange is not None:
            timings[phase] = self._seconds() - exchange.started_at
        return Evidence(
            phase=phase, end=end, error=error, tls_reasons=reasons,
            peer_certificate=self.witness.certificate if self.witness is not None else None,
            first_bytes=reader.first if reader is not None else b"",
            received_bytes=reader.received if reader is not None else 0,
            reused=self._served > 1, attempts=exchange.attempts if exchange is not None else 1,
            resolved=self.resolved, timings=timings,
        )


@implementer(IHandshakeListener)
class SecureConnection(Connection):
    """A connection under TLS. A class of its own, because Twisted's endpoints pass on either half-closes or handshakes, not both."""

    __slots__ = ()

    def handshakeCompleted(self) -> None:
        """TLS is up and the certificate was accepted."""
        if self._attempt is not None:
            self._attempt.ready(self)
