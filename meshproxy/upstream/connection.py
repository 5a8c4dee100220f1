"""What happens on one connection to a service? One request after the other, or one tunnel; then it is closed.

The connection drives, others know: :mod:`.answer` what the bytes mean, :mod:`.upload` how a body is framed, the pool who
comes next. Its rule: whatever is not certain to be clean is closed, never used again. It is its own entry in the wheel and
its own producer, so that a request costs no timer, no closure and no Deferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IHalfCloseableProtocol, IHandshakeListener, IProtocol, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from ..core.evidence import Evidence, Phase
from .answer import AnswerReader, BadAnswer
from .failures import Loss, loss_of
from .link import Link, State
from .tunnel import Tunnel
from .upload import BodyMismatch, Upload

if TYPE_CHECKING:
    from .attempt import Attempt
    from .exchange import Exchange
    from .pool import Pool

_LINGER_FOR = 1.0
"""Seconds that an upload may go on, without a byte, after its answer is complete."""


@implementer(IProtocol, IHalfCloseableProtocol, IPushProducer)
class Connection(Link):
    """One TCP or Unix connection (:class:`twisted.internet.interfaces.IProtocol`); :class:`SecureConnection` is the one under TLS.

    :ivar exchange: the request (or tunnel) it carries.
    :ivar timings, resolved: how it was opened.
    """

    __slots__ = (
        "_answering", "_attempt", "_choked", "_head", "_reader", "_served", "_tunnel", "_upload", "exchange", "resolved", "timings",
    )

    def __init__(self, pool: Pool, attempt: Attempt) -> None:
        super().__init__(pool)
        self._attempt: Attempt | None = attempt
        self._reader: AnswerReader | None = None
        self._upload: Upload | None = None
        self._tunnel: Tunnel | None = None
        self._head = b""
        self._served = 0
        self._answering = False
        self._choked = False
        self.exchange: Exchange | None = None
        self.timings: dict[str, float] = {}
        self.resolved: tuple[str, ...] = ()

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
            self._send(head)

    def rest(self) -> None:
        """Wait for the next request, no longer than the service says it waits (one second for the way)."""
        idle_for = self._pool.settings.idle
        keep_for = self._reader.keep_for  # type: ignore[union-attr]
        if keep_for is not None and keep_for - 1.0 < idle_for:
            idle_for = max(0.0, keep_for - 1.0)
        self.state = State.IDLE
        self.deadline = self._seconds() + idle_for
        self._pool.wheel.watch(self)

    def break_off(self, words: str) -> None:
        """We stop: fail what it carries, and close it at once."""
        if self.exchange is not None:
            self._fail(self.evidence("aborted", error=words))
        else:
            self.abort()

    def end(self) -> None:
        """The request is over and so is the connection: give the place back, close in order."""
        self._pool.over(self.detach())
        self.close()

    def detach(self) -> Exchange | None:
        """Cut the link to the request; its holder can do nothing here any more."""
        exchange, self.exchange = self.exchange, None
        self._upload = None
        self._head = b""
        if exchange is not None:
            exchange.connection = exchange.tunnel = None
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
        self._send(parts[0] if len(parts) == 1 else b"".join(parts))
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
            self._send(last)
        if self.state == State.LINGERING:
            self.end()
        else:
            self._upload_moved()

    def pause_reading(self) -> None:
        """The browser is slower than the service: stop reading. Time does not count against the service meanwhile."""
        if self._paused:
            return
        if self._tunnel is not None:
            self._tunnel.pause()
        elif self.state == State.BUSY:
            if self._answering:
                self.deadline = 0.0
            self.pause()

    def resume_reading(self) -> None:
        """Read again."""
        if not self._paused:
            return
        if self._tunnel is not None:
            self._tunnel.resume()
            return
        if self._answering:
            self.expect_within(self._pool.timeouts.idle)
        self.unpause()

    def _upload_moved(self) -> None:
        """The upload makes progress: the service has its time for the answer anew."""
        if self.state == State.LINGERING:
            self.deadline = self._seconds() + _LINGER_FOR
        elif not self._answering:
            self.deadline = self._seconds() + self._pool.timeouts.response

    # -- towards the transport --------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the service."""
        if self.state == State.BUSY:
            self._answer_bytes(data)
        elif self._tunnel is not None and self.state == State.TUNNEL:
            self._tunnel.received(data)
        elif self.state == State.IDLE:
            # Nobody asked: it is not known whose these bytes are.
            self._pool.surplus_total += 1
            self._pool.discard(self)
            self.close()

    def readConnectionLost(self) -> None:
        """The service half-closed (FIN), on a transport that lets us know."""
        if self._tunnel is None:
            self._service_closed(self.state, Loss("eof", "the service closed the connection", clean=True))
        elif self.state == State.TUNNEL:
            self._tunnel.service_finished()

    def connectionLost(self, reason: Failure) -> None:
        """The connection is gone."""
        state, self.state = self.state, State.CLOSED
        loss = loss_of(reason)
        if self.witness is not None:
            loss = self.witness.explain(loss, self.tcp_clean)
        if state == State.OPENING and self._attempt is not None:
            self._attempt.lost(loss)
        elif self._tunnel is not None:
            if state == State.TUNNEL:
                self._tunnel.lost(loss.clean)
        else:
            self._service_closed(state, loss)
        self._pool.over(self.detach())
        self._pool.gone(self)
        if self._reader is not None:
            self._reader.close()
        self._attempt = self._tunnel = None

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
                self.expect_within(self._pool.timeouts.idle)
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
        elif self._answering:
            receiver.answer_waits()

    def _answer_complete(self, exchange: Exchange, reader: AnswerReader) -> None:
        pool = self._pool
        if reader.surplus:
            pool.surplus_total += 1
        if self._upload is not None:
            # The service has answered without waiting for the body. What is on its way may go on, but not for ever.
            self.state = State.LINGERING
            self.unpause()
            self.expect_within(_LINGER_FOR)
            exchange.receiver.answer_finished()
            return
        self.detach()
        self.unpause()  # an idle connection must be read: its FIN is what tells that it is dead
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
        self._reader = None
        reader.close()
        exchange.head = b""
        self.state = State.TUNNEL
        self._tunnel = exchange.tunnel = Tunnel(self, exchange, self._pool.timeouts.tunnel_idle)
        exchange.receiver.tunnel_opened(fields)
        if early and self.exchange is exchange:
            exchange.receiver.tunnel_data(early)

    def _service_closed(self, state: State, loss: Loss) -> None:
        """No byte will come any more."""
        exchange, reader = self.exchange, self._reader
        if state == State.IDLE:
            self._pool.discard(self)
            self.close()
        elif state == State.LINGERING:
            self.end()
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
