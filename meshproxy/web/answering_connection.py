"""How do answers get out? What a relay asks of its browser's side, on our own connections.

The rule it keeps: one answer a request, framed by us, and the connection ends wherever the client could not tell where the next
answer begins.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from ..core.answering import own_head
from .answer_writer import AnswerWriter
from .body_reader import BodyReader
from .connection import Connection
from .head_reader import HeadReader

if TYPE_CHECKING:
    from ..core.heads import Answer, Field
    from ..core.inspection import Facts
    from ..core.peer import Peer
    from .gateway import Gateway
    from .relay import Relay
    from .sink import BodySink
    from .tunnelling import Tunnelling

PIPELINED = 1  # why we do not read; the relay has its own reasons


class AnsweringConnection(Connection):
    """A connection that can answer the request under way (a :class:`~meshproxy.web.lane.Lane`)."""

    _writer: AnswerWriter

    def __init__(self, gateway: Gateway, peer: Peer) -> None:
        Connection.__init__(self, gateway, peer)
        self._reader = HeadReader(gateway.limits)
        self._waiting = b""  # bytes that came ahead of their turn
        self._sink: BodySink | None = None  # the request under way
        self._relay: Relay | None = None  # the same, where it is a relay
        self._tunnel: Tunnelling | None = None
        self._body = BodyReader()
        self._facts: Facts | None = None
        self._close = False  # after this answer

    def connectionMade(self) -> None:
        """It is there."""
        self._writer = AnswerWriter(self.transport)
        Connection.connectionMade(self)

    @abstractmethod
    def _next_request(self) -> None:
        """The answer is complete."""

    # ---------------------------------------------------------------- answers

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
        self._sink = self._relay = self._tunnel = None
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
        try:
            head = own_head(
                answer, request_id=request_id, close=self._close,
                http10=self._reader.version == "1.0", date=self.gateway.date(), method=method,
            )
        except ValueError:
            self.log.failure("the answer to request {id} cannot be sent", id=request_id.decode("ascii"))
            self.abort()
            return
        self._writer.send(head if method == b"HEAD" else head + answer.body)

    # ---------------------------------------------------------------- tunnels

    def open_tunnel(self, relay: Tunnelling, head: bytes) -> bytes:
        """Switch to raw bytes; returns those that came early."""
        self._tunnel = relay
        early, self._waiting = self._waiting, b""
        self._writer.send(head)
        self.resume_reading(PIPELINED)
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

    def half_close_tunnel(self) -> bool:
        """The service sent FIN: pass it on and keep reading (W9), where the transport can do that and the client still sends."""
        half_close = getattr(self.transport, "loseWriteConnection", None)
        if half_close is None or self._half_closed or self.scheme == "https":
            return False
        half_close()
        return True
