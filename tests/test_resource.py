"""A ``ServiceResource`` in anybody's plain ``Site``: the slower lane, the same rules."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.proxy import ReverseProxyResource
from twisted.web.resource import Resource
from twisted.web.server import Site

from meshproxy.web.resource import ServiceResource

from .support.wire import ServiceTransport


class PlainSite:
    """A stock Site with our resource mounted somewhere."""

    def __init__(self, path: bytes = b"", mounted_at: bytes = b"") -> None:
        self.reactor = MemoryReactorClock()
        self.resource = ServiceResource("backend.test", 8000, path, self.reactor)
        self.resource.gateway.seconds = self.reactor.seconds
        root: Any = self.resource
        if mounted_at:
            root = Resource()
            root.putChild(mounted_at, self.resource)
        site = Site(root, reactor=self.reactor)
        self.channel = site.buildProtocol(None)
        self.browser = ServiceTransport(self.reactor, self.channel)
        self.channel.makeConnection(self.browser)
        self.accepted = 0

    def asks(self, data: bytes) -> None:
        self.channel.dataReceived(data)

    def accept(self) -> ServiceTransport:
        self.reactor.advance(0)
        factory = self.reactor.tcpClients[self.accepted][2]
        self.accepted += 1
        protocol = factory.buildProtocol(None)
        transport = ServiceTransport(self.reactor, protocol)
        protocol.makeConnection(transport)
        return transport


class ServiceResourceTests(SynchronousTestCase):
    def test_is_the_stock_resource(self) -> None:
        """It is a ReverseProxyResource with the same constructor, and so are its children."""
        resource = ServiceResource("backend.test", 8000, b"/base", MemoryReactorClock())
        self.assertIsInstance(resource, ReverseProxyResource)
        self.assertEqual((resource.host, resource.port, resource.path), ("backend.test", 8000, b"/base"))
        child = resource.getChild(b"x", None)  # type: ignore[arg-type]
        self.assertIsInstance(child, ServiceResource)
        self.assertIs(child.gateway, resource.gateway)

    def test_relays(self) -> None:
        """Host is set, managed names are stripped, the answer comes back as it was, repeated fields too."""
        site = PlainSite()
        site.asks(b"GET /a%2Fb/c?d=e HTTP/1.1\r\nHost: public.test\r\nX-Forwarded-User: root\r\nX-Other: 1\r\nConnection: X-Other\r\n\r\n")
        service = site.accept()
        sent = service.takes()
        self.assertTrue(sent.startswith(b"GET /a%2Fb/c?d=e HTTP/1.1\r\nHost: backend.test:8000\r\n"), sent)
        self.assertIn(b"\r\nX-Forwarded-Host: public.test\r\n", sent)
        self.assertNotIn(b"root", sent)
        self.assertNotIn(b"X-Other", sent)
        service.answers(b"HTTP/1.1 201 Made\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nServer: own\r\n\r\nok")
        answer = site.browser.takes()
        self.assertTrue(answer.startswith(b"HTTP/1.1 201 Made\r\n"), answer)
        self.assertIn(b"a=1", answer)
        self.assertIn(b"b=2", answer)
        self.assertEqual(answer.lower().count(b"\r\nserver:"), 1)
        self.assertEqual(answer.lower().count(b"\r\ndate:"), 1)
        self.assertTrue(answer.endswith(b"\r\n\r\nok"))

    def test_mounted(self) -> None:
        """Mounted below other resources, the service sees the path below the mount, after its own base path."""
        for target, expected in ((b"/app/x/y", b"/base/x/y"), (b"/app/", b"/base/"), (b"/app", b"/base")):
            site = PlainSite(path=b"/base", mounted_at=b"app")
            site.asks(b"GET %b HTTP/1.1\r\nHost: public.test\r\n\r\n" % target)
            self.assertTrue(site.accept().takes().startswith(b"GET %b HTTP/1.1\r\n" % expected), target)

    def test_body(self) -> None:
        """A body that Twisted has received goes up with its length."""
        site = PlainSite()
        site.asks(b"POST / HTTP/1.1\r\nHost: public.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        sent = site.accept().takes()
        self.assertIn(b"\r\nContent-Length: 3\r\n", sent)
        self.assertTrue(sent.endswith(b"\r\n\r\nabc"), sent)

    def test_no_answer(self) -> None:
        """A service that closes without a word is 502, never an empty 200; one that refuses too."""
        site = PlainSite()
        site.asks(b"GET / HTTP/1.1\r\nHost: public.test\r\n\r\n")
        site.accept().lost()
        self.assertTrue(site.browser.takes().startswith(b"HTTP/1.1 502 "))
        site = PlainSite()
        site.asks(b"GET / HTTP/1.1\r\nHost: public.test\r\n\r\n")
        site.reactor.advance(0)
        site.reactor.tcpClients[0][2].clientConnectionFailed(None, _failure())
        site.reactor.advance(1)
        self.assertTrue(site.browser.takes().startswith(b"HTTP/1.1 502 "))

    def test_cut(self) -> None:
        """An answer that breaks off breaks off."""
        site = PlainSite()
        site.asks(b"GET / HTTP/1.1\r\nHost: public.test\r\n\r\n")
        service = site.accept()
        service.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok")
        service.lost()
        self.assertTrue(site.browser.disconnected)

    def test_bad_head(self) -> None:
        """What Twisted lets pass and the rules do not is refused, and nothing goes up."""
        site = PlainSite()
        site.asks(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        self.assertTrue(site.browser.takes().startswith(b"HTTP/1.1 400 "))
        self.assertEqual(len(site.reactor.tcpClients), 0)

    def test_no_upgrade(self) -> None:
        """There are no tunnels in this lane: a handshake goes up as a plain request."""
        site = PlainSite()
        site.asks(b"GET / HTTP/1.1\r\nHost: public.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        self.assertNotIn(b"\r\nUpgrade:", site.accept().takes())

    def test_back_pressure(self) -> None:
        """A browser that does not keep up stops the reading of the service."""
        site = PlainSite()
        site.asks(b"GET / HTTP/1.1\r\nHost: public.test\r\n\r\n")
        service = site.accept()
        service.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
        site.browser.producer.pauseProducing()
        self.assertEqual(service.producerState, "paused")
        site.browser.producer.resumeProducing()
        self.assertEqual(service.producerState, "producing")


def _failure() -> Any:
    from twisted.python.failure import Failure

    return Failure(Refused())
