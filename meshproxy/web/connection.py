"""How does a downstream connection live and die? Deadlines, back-pressure and closing, below the requests it carries.

The rule it keeps: nothing waits for ever. Every wait has a deadline on the one timer wheel, every close is followed by an
abort, and a client that takes nothing of what we send is cut off.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from twisted.internet import interfaces
from twisted.logger import Logger
from twisted.web.http import HTTPChannel
from zope.interface import implementer

from ..core.trust import Claimed

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from ..core.peer import Peer
    from .gateway import Gateway

_LINGER_FOR = 1.0  # seconds, and
_LINGER_BYTES = 64 * 1024  # bytes that are drained before a connection is closed with something of the client's unread (P12)


@implementer(interfaces.IHalfCloseableProtocol)
class Connection(HTTPChannel):
    """One connection of a browser (or of the gateway in front of us). What it carries is :class:`MeshChannel`'s matter."""

    log = Logger()
    transport: Any  # Twisted's interfaces for transports are split too finely to be of use here
    _networkProducer: Any

    def __init__(self, gateway: Gateway, peer: Peer) -> None:
        HTTPChannel.__init__(self)
        self.gateway = gateway
        self.peer = peer
        #: what X-Forwarded-For says for this connection, where the peer is not believed
        self.forwarded_for = gateway.trust.forwarded_for(peer, Claimed(False, peer.address))
        self.scheme = "http"
        self.deadline = float("inf")
        self._closing = False
        self._half_closed = False
        self._congested = False
        self._paused_reading = 0  # why we do not read: bits
        self._lingering = False
        self._lingered = 0
        self._pending_before = 0

    # ---------------------------------------------------------------- what the requests above decide

    @abstractmethod
    def _overdue(self) -> None:
        """What was awaited did not come."""

    @abstractmethod
    def _await_next(self) -> None:
        """The client takes bytes again: set the deadline that fits what is awaited now."""

    @abstractmethod
    def _unread(self) -> bool:
        """Whether bytes of the client are, or may be, on their way that nobody will read."""

    @abstractmethod
    def _client_congested(self) -> None:
        """Our bytes pile up: whoever makes them must stop."""

    @abstractmethod
    def _client_relieved(self) -> None:
        """They are gone."""

    # ---------------------------------------------------------------- beginning and end

    def connectionMade(self) -> None:
        """A connection is there: its first head has to come within ``limits.head``."""
        transport = self.transport
        if interfaces.ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        self._networkProducer = interfaces.IPushProducer(transport)
        self._networkProducer.registerProducer(self, True)
        if self.isSecure():
            self.scheme = "https"
        self.gateway.connection_opened(self)
        self._await(self.gateway.limits.head)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """It is gone."""
        self._closing = True
        self.deadline = float("inf")
        self.gateway.wheel.forget(self)
        self.gateway.connection_closed(self)

    @abstractmethod
    def readConnectionLost(self) -> None:
        """The client sent FIN."""

    def writeConnectionLost(self) -> None:
        """We sent FIN; nothing follows from it."""

    def timeoutConnection(self) -> None:
        """Unused: deadlines are kept by the wheel."""

    def _await(self, seconds: float) -> None:
        """What is awaited has to come within so many seconds (:meth:`_overdue`)."""
        self.deadline = self.gateway.seconds() + seconds
        self.gateway.wheel.watch(self)

    def deadline_passed(self) -> None:
        """The wheel calls."""
        try:
            if self._closing:
                self._close_overdue()
            elif self._congested:
                self._check_stall()
            else:
                self._overdue()
        except Exception:
            self.log.failure("a deadline of the connection from {peer} broke", peer=self.peer.address)
            self.abort()

    def _begin_close(self) -> None:
        """Send what is pending, then FIN; read a little more so that the answer is not lost to a reset (RFC 9112 §9.6)."""
        if self._closing:
            return
        self._closing = True
        transport = self.transport
        self._networkProducer.unregisterProducer()
        self._pending_before = pending_bytes(transport)
        if self._paused_reading:
            self._paused_reading = 0
            transport.resumeProducing()
        half_close = getattr(transport, "loseWriteConnection", None)
        if self._unread() and half_close is not None and not self._half_closed and self.scheme == "http":
            self._lingering = True
            self._await(_LINGER_FOR)
            half_close()
        else:
            self._await(self.gateway.limits.stalled)
            transport.loseConnection()

    def _linger(self, data: bytes) -> None:
        """Bytes that come while we close are thrown away, up to a bound; then they stay where they are."""
        if self._lingered <= _LINGER_BYTES < self._lingered + len(data):
            self.transport.pauseProducing()
        self._lingered += len(data)

    def _close_overdue(self) -> None:
        """Closing takes long: as long as the client takes what it is owed, it gets it."""
        pending = pending_bytes(self.transport)
        if self._lingering:
            self._lingering = False
            self._pending_before = pending
            self._await(self.gateway.limits.stalled)
            self.transport.loseConnection()
        elif pending and pending < self._pending_before:
            self._pending_before = pending
            self._await(self.gateway.limits.stalled)
        else:
            self.abort()

    def abort(self) -> None:
        """Cut the connection at once (RST): what was sent so far must not look complete."""
        self._closing = True
        if self.transport is not None:
            self.transport.abortConnection()

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
        self._pending_before = pending_bytes(self.transport)
        self._await(self.gateway.limits.stalled)
        self._client_congested()

    def resumeProducing(self) -> None:
        """The transport calls: they are gone."""
        if self._congested:
            self._congested = False
            self._await_next()
            self._client_relieved()

    def _check_stall(self) -> None:
        """For ``stalled`` the client took not one byte of what waits for it: it is cut off."""
        pending = pending_bytes(self.transport)
        if pending and pending >= self._pending_before:
            self.abort()
        else:
            self._pending_before = pending
            self._await(self.gateway.limits.stalled)


def pending_bytes(transport: object) -> int:
    """How many bytes wait in a Twisted TCP or TLS transport's buffers, 0 where it does not tell.

    Twisted has no public way to ask; these are the attributes of ``abstract.FileDescriptor``, unchanged for fifteen years.
    """
    inner = getattr(transport, "transport", None) or transport
    return len(getattr(inner, "dataBuffer", b"")) - getattr(inner, "offset", 0) + getattr(inner, "_tempDataLen", 0)
