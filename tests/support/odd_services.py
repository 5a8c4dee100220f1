"""Services that are odd on purpose: each listens on a loopback port of its own and answers in its own way."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import gatherResults
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

SETTINGS_FRAME = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"
GOAWAY_FRAME = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
PREFACE = b"PRI * HTTP/2.0"
TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"


def answer(status: str = "200 OK", body: bytes = b"", *fields: str) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Odd(Protocol):
    """Calls ``respond(self, data)`` with all that came so far, each time something does; ``greet`` is sent at once."""

    def __init__(self, respond: Callable[[Odd, bytes], None], greet: bytes) -> None:
        self._respond = respond
        self._greet = greet
        self.came = b""
        self.done = False

    def connectionMade(self) -> None:
        """Greet."""
        transport: Any = self.transport
        self.factory.connections.add(self)  # type: ignore[union-attr]
        if self._greet:
            transport.write(self._greet)

    def dataReceived(self, data: bytes) -> None:
        """Respond."""
        self.came += data
        self._respond(self, self.came)

    def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008
        """Gone."""
        self.factory.connections.discard(self)  # type: ignore[union-attr]

    def say(self, data: bytes) -> None:
        """Send."""
        transport: Any = self.transport
        transport.write(data)

    def close(self) -> None:
        """FIN."""
        transport: Any = self.transport
        transport.loseConnection()

    def reset(self) -> None:
        """RST."""
        transport: Any = self.transport
        transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abortConnection()


def answering(by_host: dict[str, bytes] | bytes, otherwise: bytes = b"") -> Callable[[Odd, bytes], None]:
    """HTTP: the same answer to everybody, or one by Host; nothing to what is no HTTP request."""

    def respond(odd: Odd, came: bytes) -> None:
        while b"\r\n\r\n" in odd.came:
            head, _, odd.came = odd.came.partition(b"\r\n\r\n")
            if isinstance(by_host, bytes):
                odd.say(by_host)
                continue
            host = next((line[6:].decode() for line in head.split(b"\r\n") if line.lower().startswith(b"host: ")), "")
            odd.say(by_host.get(host, by_host.get(host.partition(":")[0], otherwise)))

    return respond


def then(action: str, before: bytes = b"") -> Callable[[Odd, bytes], None]:
    """Say ``before`` to the first bytes, and then ``close`` or ``reset``."""

    def respond(odd: Odd, came: bytes) -> None:
        if not odd.done:
            odd.done = True
            odd.say(before)
            getattr(odd, action)()

    return respond


def silent(odd: Odd, came: bytes) -> None:
    """Nothing, for ever."""


def http2_alone(odd: Odd, came: bytes) -> None:
    """HTTP/2, and the connection's end for anybody else."""
    if came.startswith(PREFACE):
        odd.say(SETTINGS_FRAME)
    else:
        odd.close()


def tls_context(cert_file: Path, key_file: Path, client_ca: Path | None = None) -> SSL.Context:
    """A server's side; with ``client_ca`` clients must have a certificate."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(str(cert_file))
    context.use_privatekey_file(str(key_file))
    if client_ca is not None:
        context.load_verify_locations(str(client_ca))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *told: bool(told[-1]))
    return context


class OddServices:
    """Listens, and stops listening.

    :ivar ports: the ports by name.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._listening: list[Any] = []
        self._factories: list[Any] = []

    def listen(self, respond: Callable[[Odd, bytes], None], *, greet: bytes = b"", tls: SSL.Context | None = None) -> int:
        """One more service; its port."""
        factory: Any = Factory()
        factory.noisy = False
        factory.connections = set()
        factory.buildProtocol = lambda address: self._build(factory, respond, greet)
        self._factories.append(factory)
        serving = factory
        if tls is not None:
            serving = TLSMemoryBIOFactory(_Connections(tls), False, factory)
            serving.noisy = False
        port = self._reactor.listenTCP(0, serving, interface="127.0.0.1")
        self._listening.append(port)
        return int(port.getHost().port)

    def _build(self, factory: Any, respond: Callable[[Odd, bytes], None], greet: bytes) -> Odd:
        odd = Odd(respond, greet)
        odd.factory = factory
        return odd

    def stop(self) -> Any:
        """Stop listening and drop who is still there."""
        for factory in self._factories:
            for odd in list(factory.connections):
                odd.transport.abortConnection()
        return gatherResults([port.stopListening() for port in self._listening])


@implementer(IOpenSSLServerConnectionCreator)
class _Connections:
    """Makes the server's side of each connection."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """One more."""
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        connection.set_accept_state()
        return connection
