"""Who holds a request, from the queue to the last byte? The exchange: all that the relay ever sees of a connection.

It is a small object a request, and the only link between a relay and a connection: when the request ends the link is cut,
so whoever still holds the exchange cannot act on the next request of that connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.evidence import Evidence
from ..core.ports import UpstreamReceiver

if TYPE_CHECKING:
    from .attempt import Attempt
    from .connection import Connection
    from .lane import Lane
    from .pool import Pool
    from .tunnel import Tunnel

_SAFE_TO_REPEAT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))


class Exchange:
    """One request (:class:`meshproxy.core.ports.UpstreamExchange`). In the queue it is an entry of the wheel.

    :ivar connection: the connection that carries it, ``None`` before and after.
    :ivar tunnel: the tunnel it became, while it lasts.
    :ivar attempt: the connection being opened for it.
    :ivar lane: where it holds a place or waits; ``None`` once it is over.
    :ivar attempts: how many connections were tried.
    :ivar submitted_at, started_at: when it came, when its head went out (the clock's seconds).
    """

    __slots__ = (
        "attempt", "attempts", "body", "chunked", "connection", "deadline", "head", "lane", "method", "pool", "principal", "receiver",
        "started_at", "submitted_at", "tunnel", "websocket_key",
    )

    def __init__(
        self, pool: Pool, lane: Lane[Exchange], receiver: UpstreamReceiver, head: bytes, method: bytes, body: bool, chunked: bool,
        websocket_key: bytes | None, principal: object,
    ) -> None:
        self.pool = pool
        self.lane: Lane[Exchange] | None = lane
        self.receiver = receiver
        self.head = head
        self.method = method
        self.body = body
        self.chunked = chunked
        self.websocket_key = websocket_key
        self.principal = principal
        self.connection: Connection | None = None
        self.tunnel: Tunnel | None = None
        self.attempt: Attempt | None = None
        self.attempts = 1
        self.deadline = 0.0
        self.submitted_at = 0.0
        self.started_at = 0.0

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does no harm: idempotent (RFC 9110 §9.2.2) and without a body that has been given away."""
        return not self.body and self.method in _SAFE_TO_REPEAT

    def write_body(self, data: bytes) -> None:
        """See :class:`meshproxy.core.ports.UpstreamExchange`."""
        if self.connection is not None:
            self.connection.write_body(data)

    def finish_body(self) -> None:
        """See :class:`meshproxy.core.ports.UpstreamExchange`."""
        if self.connection is not None:
            self.connection.finish_body()

    def pause_answer(self) -> None:
        """See :class:`meshproxy.core.ports.UpstreamExchange`."""
        if self.connection is not None:
            self.connection.pause_reading()

    def resume_answer(self) -> None:
        """See :class:`meshproxy.core.ports.UpstreamExchange`."""
        if self.connection is not None:
            self.connection.resume_reading()

    def write_tunnel(self, data: bytes) -> None:
        """See :class:`meshproxy.core.ports.UpstreamExchange`."""
        if self.tunnel is not None:
            self.tunnel.write(data)

    def finish_tunnel(self) -> None:
        """See :class:`meshproxy.core.ports.UpstreamExchange`."""
        if self.tunnel is not None:
            self.tunnel.finish()

    def cancel(self) -> None:
        """See :class:`meshproxy.core.ports.UpstreamExchange`."""
        if self.lane is not None:
            self.pool.cancel(self)

    def evidence(self) -> Evidence:
        """What the connection has seen so far of this request: for the diagnosis of an answer that came."""
        if self.connection is not None:
            return self.connection.evidence("answered")
        return Evidence(phase="queue", attempts=self.attempts)

    def deadline_passed(self) -> None:
        """It has waited too long in the queue (the wheel's call)."""
        self.pool.waited_too_long(self)
