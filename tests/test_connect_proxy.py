"""CONNECT tunnels through a company's proxy, over real sockets, and the URLs that name one."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.task import deferLater
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.server import Site

from meshproxy.identity.backchannel import BackChannel, BackChannelError
from meshproxy.identity.connect_proxy import ConnectEndpoint, OutgoingProxy, ProxyRefused

from .support.certificates import Authority
from .support.nasty_provider import NastyProvider


class _Relay(Protocol):
    """The far end of a tunnel of the test's proxy."""

    def __init__(self, near: Protocol) -> None:
        self.near = near

    def connectionMade(self) -> None:
        self.near.far = self
        self.near.transport.write(b"HTTP/1.1 200 Connection established\r\nProxy-Agent: test\r\n\r\n")

    def dataReceived(self, data: bytes) -> None:
        self.near.transport.write(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.near.transport.loseConnection()


class _Proxy(Protocol):
    """A small CONNECT proxy; its factory keeps the heads, and answers ``refuse`` where it is set."""

    far: Any = None
    head = b""

    def dataReceived(self, data: bytes) -> None:
        if self.far is not None:
            self.far.transport.write(data)
            return
        self.head += data
        if b"\r\n\r\n" not in self.head:
            return
        self.factory.heads.append(self.head)
        if self.factory.refuse:
            self.transport.write(self.factory.refuse)
            self.transport.loseConnection()
            return
        port = self.head.split(b" ")[1].partition(b":")[2]
        TCP4ClientEndpoint(reactor, "127.0.0.1", int(port)).connect(Factory.forProtocol(lambda: _Relay(self)))

    def connectionLost(self, reason: Any = None) -> None:
        if self.far is not None:
            self.far.transport.loseConnection()


class TunnelTests(TestCase):
    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))
        files = self.authority.issue("localhost")
        certificate = PrivateCertificate.loadPEM(b"".join(path.read_bytes() for path in files))
        self.site = WrappingFactory(Site(NastyProvider(reactor).resource))
        idp = reactor.listenSSL(0, self.site, certificate.options(), interface="127.0.0.1")
        self.proxy = Factory.forProtocol(_Proxy)
        self.proxy.heads, self.proxy.refuse = [], b""
        proxy = reactor.listenTCP(0, self.proxy, interface="127.0.0.1")
        for port in (idp, proxy):
            self.addCleanup(port.stopListening)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.quiet()))
        self.url = f"https://localhost:{idp.getHost().port}/.well-known/openid-configuration"
        self.idp_port, self.proxy_port = idp.getHost().port, proxy.getHost().port

    def http(self, user: str = "") -> BackChannel:
        return BackChannel(reactor, ca_file=self.authority.ca_file, proxy=f"http://{user}127.0.0.1:{self.proxy_port}")

    async def quiet(self) -> None:
        """Until the provider's side has seen the end of its connections too."""
        while self.site.protocols:
            await deferLater(reactor, 0.01)

    async def test_tunnel(self) -> None:
        """TLS with the provider itself, inside the tunnel; the proxy sees host, port and its own credentials."""
        value, _ = await self.http("us%40er:pa%3Ass@").get_json(self.url)
        self.assertIn("issuer", value)
        (head,) = self.proxy.heads
        self.assertTrue(head.startswith(f"CONNECT localhost:{self.idp_port} HTTP/1.1\r\nHost: localhost:{self.idp_port}\r\n".encode()))
        self.assertIn(b"Proxy-Authorization: Basic " + b64encode(b"us@er:pa:ss"), head)
        self.assertNotIn(b"openid", head)

    async def test_refused(self) -> None:
        """A proxy that says no, or nothing that is HTTP, is named as the cause."""
        for answer, words in (
            (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "407"),
            (b"HTTP/1.1 503 No\r\n\r\nbody", "503"),
            (b"SSH-2.0\r\n\r\n", "no HTTP answer"),
            (b"HTTP/1.1 200 OK\r\n\r\nsmuggled", "no HTTP answer"),
        ):
            self.proxy.refuse = answer
            with self.assertRaises(BackChannelError) as caught:
                await self.http("u:s3cret@").get_json(self.url)
            self.assertEqual(caught.exception.kind, "proxy", answer)
            self.assertIn(words, str(caught.exception))
            self.assertNotIn("s3cret", str(caught.exception))

    async def test_closed(self) -> None:
        """A proxy that closes at once."""
        self.proxy.refuse = b"H"
        with self.assertRaises(BackChannelError) as caught:
            await self.http().get_json(self.url)
        self.assertEqual(caught.exception.kind, "cut")


class EndpointTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.endpoint = ConnectEndpoint(TCP4ClientEndpoint(self.reactor, "127.0.0.1", 3128), "idp.example", 443)
        self.done = self.endpoint.connect(Factory.forProtocol(Protocol))
        factory = self.reactor.tcpClients[0][2]
        self.tunnel = factory.buildProtocol(None)
        self.transport = StringTransport()
        self.tunnel.makeConnection(self.transport)

    def test_in_pieces(self) -> None:
        """The proxy's answer may come byte by byte; then bytes flow to the inner protocol."""
        for byte in b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n":
            self.assertNoResult(self.done)
            self.tunnel.dataReceived(bytes([byte]))
        self.assertIsInstance(self.successResultOf(self.done), Protocol)

    def test_endless_head(self) -> None:
        """A head without end is refused at a bound."""
        self.tunnel.dataReceived(b"HTTP/1.1 200 OK\r\n" + b"x" * 9000)
        self.failureResultOf(self.done, ProxyRefused)
        self.assertTrue(self.transport.disconnecting or self.transport.disconnected)

    def test_cancelled(self) -> None:
        """Who gives up while the proxy thinks closes the connection."""
        self.done.cancel()
        self.failureResultOf(self.done)
        self.assertTrue(self.transport.disconnecting or self.transport.disconnected)


class UrlTests(SynchronousTestCase):
    def test_urls(self) -> None:
        """http://[user:password@]host[:port] and nothing else; the message has no password."""
        self.assertEqual((OutgoingProxy("http://proxy").host, OutgoingProxy("http://proxy").port), ("proxy", 3128))
        self.assertEqual(OutgoingProxy("http://u:p@proxy:8080/").port, 8080)
        for url in ("https://proxy", "socks5://proxy", "proxy:3128", "http://", "http://proxy/path", "http://u:s3cret@/", "http://proxy?x"):
            self.assertNotIn("s3cret", str(self.assertRaises(ValueError, OutgoingProxy, url)))
