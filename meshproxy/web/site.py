"""What accepts connections? A Twisted ``Site`` whose protocol is our channel, within the limits on connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet import interfaces
from twisted.internet.protocol import Protocol
from twisted.web.server import Site

from .channel import MeshChannel

if TYPE_CHECKING:
    from ..core.peer import Peer
    from .gateway import Gateway


class OneTooMany(Protocol):
    """A connection over the limit. (``None`` in its place closes a plain connection, but is no protocol that TLS could wrap.)"""

    def connectionMade(self) -> None:
        """Close it at once."""
        transport: Any = self.transport
        transport.abortConnection()


class MeshSite(Site):
    """The public listener's factory. Everything on a connection that outlives a request lives in its channel."""

    noisy = False
    displayTracebacks = False

    def __init__(self, gateway: Gateway, reactor: Any) -> None:
        Site.__init__(self, gateway.tree, reactor=reactor, parsePOSTFormSubmission=False)
        self.gateway = gateway

    @property
    def resource(self) -> Any:
        """The root of the tree: that of the running configuration."""
        return self.gateway.tree

    @resource.setter
    def resource(self, value: Any) -> None:
        """``Site`` sets it once; the gateway's tree is the one that counts."""

    def buildProtocol(self, addr: interfaces.IAddress | None) -> MeshChannel | OneTooMany:  # type: ignore[override]
        """A channel, or where there are too many a protocol that closes the connection."""
        gateway = self.gateway
        limits = gateway.limits
        address = getattr(addr, "host", None) or "unix"
        if limits.connections and len(gateway.channels) >= limits.connections:
            return OneTooMany()
        if limits.connections_per_peer and gateway.connections_of(address) >= limits.connections_per_peer:
            return OneTooMany()
        peer: Peer = gateway.trust.peer(address, getattr(addr, "port", 0))
        channel = MeshChannel(gateway, peer)
        channel.site = self
        channel.factory = self
        channel.requestFactory = self.requestFactory
        return channel

    def log(self, request: Any) -> None:
        """Twisted's own access log is not used: the observers read the request's record."""
        exchange = getattr(request, "exchange", None)
        if exchange is not None:
            exchange.status = request.code
            exchange.body_out_bytes = request.sentLength
            self.gateway.record(exchange)
