"""meshproxy.workers.sockets"""

from __future__ import annotations

import os
import socket
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import deferLater
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.trial import unittest

from meshproxy.config.listeners import BACKLOG
from meshproxy.workers import sockets
from meshproxy.workers.sockets import InheritedSocket, SharedTcpPort, inherited_endpoint, open_socket


class Greeter(Protocol):
    """Says which worker it is, and hangs up."""

    def connectionMade(self) -> None:
        self.factory.peers.append(self.transport.getPeer())
        self.transport.write(self.factory.name)
        self.transport.loseConnection()


class Listener(Protocol):
    def __init__(self) -> None:
        self.data = b""
        self.heard: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.heard.callback(self.data)


def greeter(name: bytes) -> Any:
    factory: Any = Factory.forProtocol(Greeter)
    factory.name, factory.peers, factory.noisy = name, [], False
    return factory


class PlayedTurns:
    """Who may accept, as the test says."""

    def __init__(self) -> None:
        self.allow = 1
        self.is_patient = True
        self.published = 0
        self.left = False

    def publish(self) -> None:
        self.published += 1

    def leave(self) -> None:
        self.left = True

    def allowed(self) -> int:
        return self.allow

    def patient(self, now: float) -> bool:
        return self.is_patient


class SharedSocketTests(unittest.TestCase):
    """Over real sockets; both workers are in this process, each with a descriptor of its own, as after a fork."""

    timeout = 30

    def setUp(self) -> None:
        self.turns: dict[bytes, Any] = defaultdict(PlayedTurns)

    async def share(self, text: str) -> tuple[Any, list[Any]]:
        parent = await open_socket(reactor, text)
        self.addCleanup(parent.stopListening)
        return parent, [await self.worker(parent, text, greeter(name)) for name in (b"one", b"two")]

    async def worker(self, parent: Any, text: str, factory: Any) -> Any:
        port = await inherited_endpoint(reactor, text, None, os.dup(parent.fileno()), self.turns[factory.name]).listen(factory)
        self.addCleanup(lambda: port.stopListening() if port.connected else None)
        return port

    def connect(self, parent: Any) -> Deferred[bytes]:
        listener, address = Listener(), parent.getHost()
        connector: Any = Factory.forProtocol(lambda: listener)
        connector.noisy, connector.startedConnecting, connector.clientConnectionLost = False, lambda _: None, lambda *_: None
        connector.clientConnectionFailed = lambda _, reason: listener.heard.errback(reason)
        if isinstance(address, UNIXAddress):
            reactor.connectUNIX(address.name, connector)
        else:
            reactor.connectTCP("127.0.0.1", address.port, connector)
        return listener.heard

    async def test_tcp(self) -> None:
        """Both accept from one socket; when one stops, the other has what comes then, and what its connections look like is as ever."""
        parent, (one, two) = await self.share("tcp:0:interface=127.0.0.1")
        self.assertLessEqual(set(await gatherResults([self.connect(parent) for _ in range(5)])), {b"one", b"two"})
        one.factory.peers.clear()
        await two.stopListening()
        self.assertEqual([b"one"] * 5, await gatherResults([self.connect(parent) for _ in range(5)]))
        self.assertIsInstance(one.factory.peers[0], IPv4Address)
        self.assertEqual(parent.getHost(), one.getHost())

    async def test_the_parent_does_not_accept(self) -> None:
        """A connection that no worker takes waits in the queue, and is taken by the first that comes."""
        parent = await open_socket(reactor, "tcp:0:interface=127.0.0.1")
        self.addCleanup(parent.stopListening)
        heard = self.connect(parent)
        await deferLater(reactor, 0.05)
        self.assertNoResult(heard)
        await self.worker(parent, "tcp:0", greeter(b"late"))
        self.assertEqual(b"late", await heard)

    async def test_one_at_a_time(self) -> None:
        """A worker takes as many connections as it is allowed, so that a burst spreads over all."""
        parent = await open_socket(reactor, "tcp:0:interface=127.0.0.1")
        self.addCleanup(parent.stopListening)
        factory = greeter(b"one")
        worker = await self.worker(parent, "tcp:0", factory)
        worker.stopReading()
        clients = [socket.create_connection(("127.0.0.1", parent.getHost().port)) for _ in range(3)]
        worker.doRead()
        self.assertEqual(1, len(factory.peers))
        self.turns[b"one"].allow = 2
        worker.doRead()
        self.assertEqual(3, len(factory.peers))
        worker.doRead()  # somebody else was quicker: no error
        self.assertEqual(3, len(factory.peers))
        for client in clients:
            client.close()
        await deferLater(reactor, 0.01)

    async def test_another_first(self) -> None:
        """Who is not allowed lets the others go first, a few milliseconds at most; then what is still there is taken."""
        parent, (one, two) = await self.share("tcp:0:interface=127.0.0.1")
        self.turns[b"one"].allow = 0
        self.assertEqual([b"two"] * 3, [await self.connect(parent) for _ in range(3)])
        self.assertEqual([], one.factory.peers)
        await two.stopListening()
        self.assertTrue(self.turns[b"two"].left)
        self.assertEqual([b"one"] * 8, await gatherResults([self.connect(parent) for _ in range(8)]))
        self.turns[b"one"].allow = 1
        self.assertEqual(b"one", await self.connect(parent))

    async def test_impatient(self) -> None:
        """Who has no patience left does not wait at all."""
        parent, (one, two) = await self.share("tcp:0:interface=127.0.0.1")
        await two.stopListening()
        self.turns[b"one"].allow = 0
        self.turns[b"one"].is_patient = False
        one.reactor = NoWaiting()
        self.assertEqual([b"one"] * 5, [await self.connect(parent) for _ in range(5)])
        one.reactor = reactor

    async def test_stops_while_it_waits(self) -> None:
        """A worker that ends while it lets others go first leaves no timer."""
        parent, (one, two) = await self.share("tcp:0:interface=127.0.0.1")
        two.stopReading()
        self.turns[b"one"].allow = 0
        heard = self.connect(parent)
        while one._waiting is None:
            await deferLater(reactor, 0)
        await one.stopListening()
        two.startReading()
        self.assertEqual(b"two", await heard)

    async def test_unix(self) -> None:
        """A Unix socket is shared likewise; its file is the parent's: a worker that stops leaves it, with its mode."""
        folder = Path(tempfile.mkdtemp(prefix="meshproxy-test-"))
        path = folder / "socket"
        parent, (_, two) = await self.share(f"unix:{path}:mode=600")
        await two.stopListening()
        self.assertEqual([b"one"] * 3, await gatherResults([self.connect(parent) for _ in range(3)]))
        self.assertEqual(0o600, path.stat().st_mode & 0o777)
        await parent.stopListening()
        self.assertFalse(path.exists())
        folder.rmdir()

    async def test_systemd(self) -> None:
        """A socket that systemd opened for the parent is the workers' too; what systemd told the parent is not looked at."""
        parent = await open_socket(reactor, "tcp:0:interface=127.0.0.1")
        self.addCleanup(parent.stopListening)
        await self.worker(parent, "systemd:domain=INET:index=0", greeter(b"one"))
        self.assertEqual(b"one", await self.connect(parent))

    async def test_taken(self) -> None:
        """A port that another program has cannot be opened."""
        parent = await open_socket(reactor, "tcp:0:interface=127.0.0.1")
        self.addCleanup(parent.stopListening)
        with self.assertRaises(CannotListenError):
            await open_socket(reactor, f"tcp:{parent.getHost().port}:interface=127.0.0.1")


class NoWaiting:
    """The reactor, but for waiting."""

    def __getattr__(self, name: str) -> Any:
        if name == "callLater":
            raise AssertionError("it waits")
        return getattr(reactor, name)


class EndpointTests(unittest.SynchronousTestCase):
    """What an endpoint string means in a worker is what it means in a single process."""

    def setUp(self) -> None:
        self.opened: list[Any] = []
        self.patch(InheritedSocket, "_listen", lambda _, factory: self.opened.append(factory))
        self.inherited = InheritedSocket(reactor, 99, PlayedTurns())

    def test_tls(self) -> None:
        """TLS is the worker's: around the same factory."""
        factory = greeter(b"x")
        self.inherited.listenSSL(8443, factory, contextFactory=CertificateOptions(), backlog=5, interface="")
        self.assertIsInstance(self.opened[0], TLSMemoryBIOFactory)
        self.assertIs(factory, self.opened[0].wrappedFactory)

    def test_wrapped(self) -> None:
        """Endpoints of plugins wrap the factory as ever: the PROXY protocol is read by the worker."""
        factory = greeter(b"x")
        self.successResultOf(serverFromString(self.inherited, "haproxy:tcp:8080").listen(factory))
        self.assertIsNot(factory, self.opened[0])
        self.assertIs(factory, self.opened[0].wrappedFactory)

    def test_what_is_opened_elsewhere(self) -> None:
        """Everything but listening is the reactor's own."""
        self.assertEqual(reactor.callLater, self.inherited.callLater)
        self.inherited.adoptStreamPort(3, socket.AF_INET, "factory")
        self.assertEqual(["factory"], self.opened)

    def test_tls_of_the_parent(self) -> None:
        """For the parent ``tls:`` is a TCP socket like any other; an IPv6 interface stays one argument."""
        asked: list[str] = []

        class Endpoint:
            def listen(self, factory: Any) -> Any:
                class Port:
                    stopReading = staticmethod(lambda: None)

                done: Deferred[Any] = Deferred()
                done.callback(Port())
                return done

        def endpoint(_: Any, text: str) -> Endpoint:
            asked.append(text)
            return Endpoint()

        self.patch(sockets, "serverFromString", endpoint)
        for text in ("tls:8443", "tls:8443:interface=\\:\\:1", "tcp:80:backlog=9"):
            self.successResultOf(Deferred.fromCoroutine(open_socket(reactor, text)))
        self.assertEqual([f"tcp:8443:backlog={BACKLOG}", f"tcp:8443:interface=\\:\\:1:backlog={BACKLOG}", "tcp:80:backlog=9"], asked)

    def test_ipv6(self) -> None:
        """A socket of IPv6 is shared as one of IPv6."""
        try:
            listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            raise unittest.SkipTest("there is no IPv6 here") from None
        port = SharedTcpPort(reactor, listening, greeter(b"x"), PlayedTurns())
        self.assertEqual(socket.AF_INET6, port.addressFamily)
        listening.close()
