"""How is a transport held? What a connection to a service is apart from HTTP: its socket, its end, its time.

A link is closed in order or aborted, never forgotten: every close has a deadline. It is its own entry in the wheel.
"""

from __future__ import annotations

import socket
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from ..sending import sender

if TYPE_CHECKING:
    from .pool import Pool
    from .tls import Witness

_CLOSE_FOR = 2.0
"""Seconds that an orderly close may take before the connection is aborted."""


class State(IntEnum):
    """What a connection is doing. ``LINGERING``: the answer is complete, the upload is not."""

    OPENING = 0
    IDLE = 1
    BUSY = 2
    LINGERING = 3
    TUNNEL = 4
    CLOSING = 5
    CLOSED = 6


class Link:
    """A transport and its deadline.

    :ivar state: what the connection is doing.
    :ivar deadline: when to give that up; the wheel reads it.
    :ivar witness: what TLS saw of the other side.
    :ivar tcp_clean: under TLS: whether TCP itself ended in order; set just before ``connectionLost``.
    """

    __slots__ = ("_paused", "_pool", "_seconds", "_send", "_socket", "deadline", "state", "tcp_clean", "transport", "witness")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._seconds = pool.seconds
        self._socket: socket.socket | None = None
        self._paused = False
        self.transport: Any = None
        self.state = State.OPENING
        self.deadline = 0.0
        self.witness: Witness | None = None
        self.tcp_clean: bool | None = None

    def makeConnection(self, transport: Any) -> None:
        """The transport is there (TCP is connected; under TLS the handshake begins)."""
        self.transport = transport
        self._send = sender(transport)
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

    def writeConnectionLost(self) -> None:
        """Our own half-close went out."""

    def stopProducing(self) -> None:
        """The transport is gone; ``connectionLost`` says the rest."""

    def now(self) -> float:
        """The clock's seconds."""
        return self._seconds()

    def expect_within(self, seconds: float) -> None:
        """Give up unless something happens within ``seconds``."""
        self.deadline = self._seconds() + seconds
        self._pool.wheel.watch(self)

    def pause(self) -> None:
        """Stop reading."""
        self._paused = True
        self.transport.pauseProducing()

    def unpause(self) -> None:
        """Read again, if reading was stopped."""
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()

    def half_close(self) -> None:
        """Say that we are done, and take what still comes."""
        if self.witness is None:
            self.transport.loseWriteConnection()
        else:
            # TLS knows no half-close in Twisted: close_notify goes out, reading goes on until the other side's.
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def close(self) -> None:
        """Close in order; if the other side does not follow, abort."""
        if self.state >= State.CLOSING:
            return
        self.state = State.CLOSING
        self.expect_within(_CLOSE_FOR)
        # TLS closes only when no producer is registered any more.
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close at once (RST), whatever is on the way."""
        if self.state != State.CLOSED:
            self.state = State.CLOSING
            self.transport.abortConnection()

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

    def mind_the_silence(self) -> None:
        """Hours without a byte are to come: let the kernel find out when nobody is there any more."""
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def deadline_passed(self) -> None:
        """What it was doing took too long (the wheel's call)."""
        raise NotImplementedError
