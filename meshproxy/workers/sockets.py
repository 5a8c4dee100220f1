"""Whose are the listening sockets, and who accepts from them? The parent opens and keeps them; every worker accepts from the same.

One queue for all, inherited, rather than a socket each (``SO_REUSEPORT``): when a worker dies, what waits in the queue is taken by the
others and nothing is reset; Unix sockets and sockets that systemd opened work alike; and a worker that is busy takes fewer. The rules: the
parent never accepts; a worker takes one connection at a time, so that a burst spreads; only the parent shuts a socket or removes its file.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.address import UNIXAddress
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory

from ..config.listeners import parse_listener


async def open_socket(reactor: Any, text: str) -> Any:
    """The parent's: open what a ``listen`` string names, without accepting from it; the port (``fileno``, ``stopListening``).

    Raises :class:`twisted.internet.error.CannotListenError`.
    """
    listener = parse_listener(text)
    if listener.kind == "tls":  # the workers make it TLS; it is the same socket
        text = ":".join(["tcp", listener.place, *(f"{name}={_escaped(value)}" for name, value in listener.options.items())])
    port = await serverFromString(reactor, text).listen(Factory())
    port.stopReading()
    return port


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:").replace("=", "\\=")


class InheritedSocket:
    """The reactor as the endpoint of a ``listen`` string sees it in a worker: whatever it would open is already there.

    So every kind of endpoint, those of Twisted's plugins too, wraps the worker's factory as it does in a single process.
    """

    def __init__(self, reactor: Any, descriptor: int) -> None:
        self._reactor = reactor
        self._descriptor = descriptor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, port: int, factory: Any, *_: Any, **__: Any) -> Any:
        """See :class:`twisted.internet.interfaces.IReactorTCP`."""
        return self._listen(factory)

    def listenUNIX(self, address: Any, factory: Any, *_: Any, **__: Any) -> Any:
        """See :class:`twisted.internet.interfaces.IReactorUNIX`."""
        return self._listen(factory)

    def listenSSL(self, port: int, factory: Any, contextFactory: Any, *_: Any, **__: Any) -> Any:
        """See :class:`twisted.internet.interfaces.IReactorSSL`."""
        return self._listen(TLSMemoryBIOFactory(contextFactory, False, factory))

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: Any, factory: Any) -> Any:
        """See :class:`twisted.internet.interfaces.IReactorSocket`."""
        return self._listen(factory)

    def _listen(self, factory: Any) -> Any:
        inherited = socket.socket(fileno=self._descriptor)
        inherited.setblocking(False)
        inherited.set_inheritable(False)
        kind = SharedUnixPort if inherited.family == socket.AF_UNIX else SharedTcpPort
        port = kind(self._reactor, inherited, factory)
        port.startListening()
        return port


class SharedTcpPort(tcp.Port):
    """A TCP socket from which others accept as well."""

    def __init__(self, reactor: Any, inherited: socket.socket, factory: Any) -> None:
        super().__init__(0, factory, interface=inherited.getsockname()[0], reactor=reactor)
        self._preexistingSocket = inherited

    def doRead(self) -> None:
        """Accept one connection: whoever is not busy with it takes the next."""
        self.numberAccepts = 1
        super().doRead()


class SharedUnixPort(SharedTcpPort):
    """A Unix socket from which others accept as well; its file is the parent's."""

    addressFamily = socket.AF_UNIX
    transport = unix.Server  # type: ignore[assignment]

    def __init__(self, reactor: Any, inherited: socket.socket, factory: Any) -> None:
        tcp.Port.__init__(self, 0, factory, reactor=reactor)
        self._preexistingSocket = inherited

    def getHost(self) -> UNIXAddress:
        """See :class:`twisted.internet.interfaces.IListeningPort`."""
        return UNIXAddress(self.socket.getsockname())

    def _buildAddr(self, address: Any) -> UNIXAddress:
        return UNIXAddress(address or None)
