"""How does the back channel get out through a company's HTTP proxy? By a CONNECT tunnel (RFC 9110 §9.3.6).

The proxy sees a host and a port and nothing else: TLS begins inside the tunnel, with the provider itself.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import unquote, urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IProtocol, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

LONGEST_HEAD = 8 * 1024


class ProxyRefused(Exception):
    """The proxy did not open the tunnel; ``status`` is what it said, 0 for something that is no HTTP answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the outgoing proxy answered {status}" if status else "the outgoing proxy gave no HTTP answer")
        self.status = status


class _Tunnel(Protocol):
    """Speaks CONNECT, then hands the transport to the protocol that wants to be at the other end."""

    transport: Any = None

    def __init__(self, request: bytes, inner: Factory, done: Deferred[IProtocol]) -> None:
        self._request = request
        self._inner_factory = inner
        self._inner: Any = None
        self._received = b""
        self._done: Deferred[IProtocol] | None = done

    def connectionMade(self) -> None:
        self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            if len(self._received) > LONGEST_HEAD:
                self._fail(ProxyRefused(0))
            return
        status = _status(head)
        # RFC 9110 §9.3.6: a 2xx has no body, so bytes behind it would be the provider's; TLS clients speak first, so there are none.
        if not 200 <= status < 300 or rest:
            self._fail(ProxyRefused(status if status >= 300 else 0))
            return
        done, self._done = self._done, None
        if done is not None:
            self._inner = self._inner_factory.buildProtocol(self.transport.getPeer())
            self._inner.makeConnection(self.transport)
            done.callback(self._inner)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._inner is not None:
            self._inner.connectionLost(reason)
        else:
            self._fail(ConnectionLost())

    def _fail(self, error: Exception) -> None:
        done, self._done = self._done, None
        if self.transport is not None:
            self.transport.abortConnection()
        if done is not None:
            done.errback(Failure(error))


def _status(head: bytes) -> int:
    parts = head.split(b"\r\n", 1)[0].split(b" ", 2)
    good = len(parts) >= 2 and parts[0] in (b"HTTP/1.1", b"HTTP/1.0") and len(parts[1]) == 3 and parts[1].isdigit()
    return int(parts[1]) if good else 0


class _TunnelFactory(Factory):
    noisy = False

    def __init__(self, build: Any) -> None:
        self._build = build

    def buildProtocol(self, addr: object) -> Protocol:
        protocol: Protocol = self._build()
        protocol.factory = self
        return protocol


@implementer(IStreamClientEndpoint)
class ConnectEndpoint:
    """An endpoint at ``host:port`` that is reached through a tunnel of the proxy behind another endpoint."""

    def __init__(self, proxy: Any, host: str, port: int, credentials: bytes = b"") -> None:
        authority = f"{host}:{port}".encode("ascii")
        lines = [b"CONNECT " + authority + b" HTTP/1.1", b"Host: " + authority]
        if credentials:
            lines.append(b"Proxy-Authorization: Basic " + b64encode(credentials))
        self._request = b"\r\n".join(lines) + b"\r\n\r\n"
        self._proxy = proxy

    def connect(self, protocolFactory: Any) -> Deferred[IProtocol]:
        """Fires with the inner protocol once the tunnel stands; :class:`ProxyRefused` when it does not."""
        opened: list[Any] = []

        def cancelled(_: Any) -> None:
            connecting.cancel()
            for tunnel in opened:
                tunnel.transport.abortConnection()

        done: Deferred[IProtocol] = Deferred(cancelled)
        connecting = self._proxy.connect(_TunnelFactory(lambda: _Tunnel(self._request, protocolFactory, done)))
        connecting.addCallbacks(opened.append, lambda failure: None if done.called else done.errback(failure))
        return done


class OutgoingProxy:
    """The company's proxy, as its URL names it: ``http://[user:password@]host[:port]``.

    :raises ValueError: for any other URL; the message has no password.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("the proxy must be given as http://host:port")
        self.host: str = parts.hostname
        self.port: int = parts.port or 3128
        user = unquote(parts.username or "")
        self._credentials = f"{user}:{unquote(parts.password or '')}".encode() if user else b""

    def endpoint(self, reactor: Any, host: str, port: int, tls: Any, connect_timeout: float) -> Any:
        """An endpoint at ``host:port`` through the proxy, inside TLS when a connection creator is given."""
        tunnel = ConnectEndpoint(HostnameEndpoint(reactor, self.host, self.port, timeout=connect_timeout), host, port, self._credentials)
        return tunnel if tls is None else wrapClientTLS(tls, tunnel)
