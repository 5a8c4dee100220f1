"""Whose are the listening sockets, and who accepts from them? The parent opens and keeps them; every worker accepts from the same.

One queue for all, inherited, rather than a socket each (``SO_REUSEPORT``): when a worker dies, what waits in the queue is taken by the
others and nothing is reset; Unix sockets and sockets that systemd opened work alike; and who takes what is ours to say. The rules: the
parent never accepts; a worker accepts when it is its turn, and few at a time; only the parent shuts a socket or removes its file.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, execute
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from ..config.listeners import parse_listener, with_backlog
from ..web.downstream_tls import DownstreamTls, listen_endpoint
from .turns import Turns

FIRST_FOR = 0.005
"""Seconds for which a worker lets another one go first."""
LOOK_AGAIN = 0.001
"""Seconds between its looks whether that one has gone."""
MOST_AT_ONCE = 64
"""Connections that it accepts at most in one go where the other ones never do."""

_DONE = Failure(ConnectionDone())


async def open_socket(reactor: Any, text: str) -> Any:
    """The parent's: open what a ``listen`` string names, without accepting from it; the port (``fileno``, ``stopListening``).

    Raises :class:`twisted.internet.error.CannotListenError`.
    """
    listener = parse_listener(text)
    if listener.kind == "tls":  # the workers make it TLS; it is the same socket
        text = ":".join(["tcp", listener.place, *(f"{name}={_escaped(value)}" for name, value in listener.options.items())])
    port = await serverFromString(reactor, with_backlog(text)).listen(Factory())
    port.stopReading()
    return port


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(":", "\\:").replace("=", "\\=")


def inherited_endpoint(reactor: Any, text: str, tls: DownstreamTls | None, descriptor: int, turns: Turns) -> IStreamServerEndpoint:
    """A worker's: the endpoint that a ``listen`` string names, on the socket that the parent has opened for it."""
    inherited = InheritedSocket(reactor, descriptor, turns)
    if parse_listener(text).kind == "systemd":  # whose descriptors are the parent's; what they are called means nothing here
        return AdoptedEndpoint(inherited)
    return listen_endpoint(inherited, text, tls)


@implementer(IStreamServerEndpoint)
class AdoptedEndpoint:
    """An endpoint of which nothing but its socket is left."""

    def __init__(self, inherited: InheritedSocket) -> None:
        self._inherited = inherited

    def listen(self, protocolFactory: Any) -> Deferred[Any]:
        """See :class:`twisted.internet.interfaces.IStreamServerEndpoint`."""
        return execute(self._inherited.adoptStreamPort, -1, None, protocolFactory)


class InheritedSocket:
    """The reactor as the endpoint of a ``listen`` string sees it in a worker: whatever it would open is already there.

    So every kind of endpoint, those of Twisted's plugins too, wraps the worker's factory as it does in a single process.
    """

    def __init__(self, reactor: Any, descriptor: int, turns: Turns) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._turns = turns

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
        port = kind(self._reactor, inherited, factory, self._turns)
        port.startListening()
        return port


class SharedTcpPort(tcp.Port):
    """A TCP socket from which others accept as well."""

    reactor: Any  # it has a clock as well
    _waiting: Any = None
    _in_vain = 0

    def __init__(self, reactor: Any, inherited: socket.socket, factory: Any, turns: Turns) -> None:
        super().__init__(0, factory, interface=inherited.getsockname()[0], reactor=reactor)
        self._preexistingSocket = inherited
        self._turns = turns

    def startListening(self) -> None:
        """See :class:`twisted.internet.interfaces.IListeningPort`."""
        super().startListening()
        self._turns.publish()

    def doRead(self) -> None:
        """Somebody connects: accept, or let another worker do so."""
        allowed, now = self._turns.allowed(), self.reactor.seconds()
        if allowed or not self._turns.patient(now):
            self._accept(allowed or 1)
        else:
            self.stopReading()
            self._let_go_first(now)

    def _let_go_first(self, since: float) -> None:
        """Look again soon: others that let us go first are told by nobody that they need not any more."""
        self._waiting = self.reactor.callLater(LOOK_AGAIN, self._look_again, since)

    def _look_again(self, since: float) -> None:
        self._waiting = None
        allowed = self._turns.allowed()
        if allowed:
            self._in_vain = 0
            self._accept(allowed)
        elif self.reactor.seconds() - since < FIRST_FOR:
            self._let_go_first(since)
            return
        else:  # what is still there is ours; the more often that happens, the more of it at once
            self._in_vain = self._in_vain + 1 if self._accept(min(2**self._in_vain, MOST_AT_ONCE)) else 0
        self.startReading()

    def _accept(self, most: int) -> bool:
        """Accept so many, if they are there; whether there was one."""
        before = self.sessionno
        self.numberAccepts = most
        super().doRead()
        self._turns.publish()
        return self.sessionno > before

    def loseConnection(self, connDone: Failure = _DONE) -> Any:
        """See :class:`twisted.internet.interfaces.IListeningPort`."""
        self._turns.leave()
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        return super().loseConnection(connDone)

    stopListening = loseConnection


class SharedUnixPort(SharedTcpPort):
    """A Unix socket from which others accept as well; its file is the parent's."""

    addressFamily = socket.AF_UNIX
    transport = unix.Server  # type: ignore[assignment]

    def __init__(self, reactor: Any, inherited: socket.socket, factory: Any, turns: Turns) -> None:
        tcp.Port.__init__(self, 0, factory, reactor=reactor)
        self._preexistingSocket = inherited
        self._turns = turns

    def getHost(self) -> UNIXAddress:
        """See :class:`twisted.internet.interfaces.IListeningPort`."""
        return UNIXAddress(self.socket.getsockname())

    def _buildAddr(self, address: Any) -> UNIXAddress:
        return UNIXAddress(address or None)
