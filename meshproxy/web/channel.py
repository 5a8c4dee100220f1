"""How do bytes of a browser become requests, and answers bytes? One downstream connection.

The rule it keeps: a request is read strictly and decided on before its body is; while one request is under way the next
one waits. A request for a protected service goes to a :class:`~meshproxy.web.relay.Relay` without a
``twisted.web.Request`` ever being built; everything else becomes one and is rendered as Twisted Web resources always are
(:mod:`meshproxy.web.rendered`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.python.failure import Failure

from ..core.heads import Answer
from ..core.inspection import Facts, Malformed, inspect
from .answering_connection import PIPELINED, AnsweringConnection
from .downstream_tls import spiffe_id
from .rendered import RenderedRequest
from .sink import Unread

if TYPE_CHECKING:
    from ..core.exchange import Exchange
    from ..core.peer import Peer
    from .gateway import Gateway

_PIPELINE_BYTES = 16 * 1024  # what a client may send ahead of its answers before we stop reading it
_HALF_CLOSED_FOR = 5.0  # seconds an answer may still take after the client's FIN (P13)


class MeshChannel(AnsweringConnection):
    """The requests of one connection, one at a time, and their answers."""

    #: the Site that built it
    site: Any

    def __init__(self, gateway: Gateway, peer: Peer) -> None:
        AnsweringConnection.__init__(self, gateway, peer)
        self.requests_served = 0
        #: the record of the request under way
        self.exchange: Exchange | None = None
        self._pumping = False
        self._refused = False  # a request that never became one: how much more of it comes nobody knows

    # ---------------------------------------------------------------- bytes in

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client: of a tunnel, of a body, of a head, or ahead of their turn."""
        if self._tunnel is not None:
            self._tunnel.client_data(data)
        elif self._closing:
            self._linger(data)
        elif self._body.active:
            self._read_body(data)
        elif self._sink is not None or self._congested:
            self._hold(data)
        else:
            self._read_heads(data)

    def _read_heads(self, data: bytes) -> None:
        """Read heads as long as there are bytes, no request is under way, and the client takes our answers."""
        self._pumping = True
        try:
            while data and not self._closing:
                if self._sink is not None or self._congested:
                    self._hold(data)
                    break
                started = self._reader.started
                self._facts = self.exchange = None
                rest = self._reader.feed(data)
                if rest is None:
                    if self._half_closed:
                        self._begin_close()  # the rest of this head will never come
                    elif not started and self.requests_served:  # the first head's time runs since the connection
                        self._await(self.gateway.limits.head)
                    break
                reader = self._reader
                self._begin(inspect(reader.method, reader.target, reader.version, reader.fields), last=self._half_closed and not rest)
                if self._closing:
                    self._linger(rest)  # answered for good: what follows is nobody's, were it the body or not
                    break
                data = self._feed_body(rest) if rest and self._body.active else rest
        except Malformed as error:
            self._fail(error)
        except Exception:
            self._broke()
        finally:
            self._pumping = False
        if self._half_closed and self._body.active:
            self._give_up()

    def _hold(self, data: bytes) -> None:
        """Keep bytes that came ahead of their turn; more than a little of them, and the client is not read on."""
        self._waiting += data
        if len(self._waiting) > _PIPELINE_BYTES:
            self.pause_reading(PIPELINED)

    def _begin(self, facts: Facts, last: bool) -> None:
        """A head is complete: find out whose request it is, and hand it over. ``last``: the client will send no more."""
        self._facts = facts
        if self.scheme == "https":
            self._check_tls(facts)
        # a refused upgrade leaves bytes behind that are no request (W4)
        self._close = facts.close or facts.upgrade_websocket or last or self.gateway.draining
        self.requests_served += 1
        self.deadline = float("inf")
        if self._half_closed:
            self._await(_HALF_CLOSED_FOR)
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
            self._fail(error)
            return
        except Exception:
            self._broke()
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

    def _fail(self, error: Malformed) -> None:
        """The client's bytes are no request, or no body of one."""
        try:
            if self._sink is None:
                self._refuse(error)
            else:
                self.fail_body(error)
        except Exception:
            self._broke()

    def _refuse(self, error: Malformed) -> None:
        """Answer a request that never became one, and close: where the next one would begin is not known any more."""
        self._close = self._refused = True
        self._write_own(*self.gateway.malformed(self, error, *self._reader.line, self._facts))
        self._begin_close()

    def _broke(self) -> None:
        """A fault of ours or of a plugin, where a request is read: a 500 if nothing was answered yet, and the connection ends."""
        failure = Failure()
        if self._relay is not None:
            self._relay.broke(failure)
            return
        self.log.failure("a request from {peer} broke", failure, peer=self.peer.address)
        try:
            if self._sink is None and not self._closing:
                self._refuse(Malformed(500, ""))
        except Exception:
            self.log.failure("there is not even an error page")
        if not self._closing:
            self.abort()

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

    # ---------------------------------------------------------------- one after the other

    def _next_request(self) -> None:
        """The answer is complete: close, or go on with what waits."""
        self._sink = self._relay = None
        if self._close or self._body.active:
            self._begin_close()
            return
        self._await_next()
        self._go_on()

    def _go_on(self) -> None:
        """Read what came ahead of its turn."""
        if self._waiting and not self._pumping and not self._congested:
            waiting, self._waiting = self._waiting, b""
            self.resume_reading(PIPELINED)
            self._read_heads(waiting)

    # ---------------------------------------------------------------- the life of the connection

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """It is gone: whatever it was waiting for is cancelled."""
        AnsweringConnection.connectionLost(self, reason)
        sink, self._sink, self._relay, self._tunnel = self._sink, None, None, None
        self._reader.forget_parser()
        self._body.stop()
        if sink is not None:
            sink.client_gone(False)
        self.requests = []

    def readConnectionLost(self) -> None:
        """The client sent FIN. What it has asked for before is still answered if the answers come soon (P13)."""
        self._half_closed = True
        if self._tunnel is not None:
            self._tunnel.client_finished()
        elif self._closing:
            self.transport.loseConnection()
        elif self._body.active or (self._sink is None and not self._waiting):
            self._give_up()
        else:
            self._close = self._close or not self._waiting
            self._await(_HALF_CLOSED_FOR)

    def _give_up(self) -> None:
        """The client sent FIN in the middle of a request, or between two."""
        sink, self._sink, self._relay = self._sink, None, None
        if sink is not None:
            sink.client_gone(True)
        self._begin_close()

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
        if self._half_closed:
            self._await(_HALF_CLOSED_FOR)
        elif self._body.active:
            self._await(limits.body_idle)
        elif self._sink is None:
            self._await(limits.head if self._reader.started else limits.keep_alive)
        else:
            self.deadline = float("inf")

    def _unread(self) -> bool:
        return self._body.active or self._refused or bool(self._waiting)

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
        elif self._sink is None:
            self._go_on()

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
