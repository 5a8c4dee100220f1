import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial import unittest

from meshproxy.observe.admin import AdminSite, Readiness
from meshproxy.observe.exposition import Exposition
from meshproxy.observe.metrics import Metrics


class AdminTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.readiness = Readiness()
        self.site = AdminSite(lambda: self.readiness, Exposition(Metrics().snapshot), Clock())

    def ask(self, path: bytes, method: bytes = b"GET") -> tuple[int, bytes, bytes]:
        """Status, head and body."""
        channel = self.site.buildProtocol(None)
        assert channel is not None
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"%b %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % (method, path))
        head, _, body = transport.value().partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), head.lower(), body

    def test_health(self) -> None:
        """Who answers lives, ready or not."""
        self.readiness = Readiness(("draining",))
        self.assertEqual(200, self.ask(b"/healthz")[0])

    def test_ready(self) -> None:
        """Ready is 200, not ready 503 with every reason; a warning alone does not make it unready."""
        status, head, body = self.ask(b"/readyz")
        self.assertEqual((200, {"ready": True, "reasons": [], "warnings": []}), (status, json.loads(body)))
        self.assertIn(b"content-type: application/json", head)
        self.assertIn(b"cache-control: no-store", head)
        self.readiness = Readiness(("identity provider corp does not answer", "draining"), ("tls.pem ends in 3 days",))
        status, _, body = self.ask(b"/readyz")
        self.assertEqual(503, status)
        self.assertEqual(["identity provider corp does not answer", "draining"], json.loads(body)["reasons"])
        self.readiness = Readiness((), ("tls.pem ends in 3 days",))
        self.assertEqual(200, self.ask(b"/readyz")[0])

    def test_metrics(self) -> None:
        """The figures, in Prometheus' text format."""
        status, head, body = self.ask(b"/metrics")
        self.assertEqual(200, status)
        self.assertIn(b"content-type: text/plain; version=", head)
        self.assertIn(b"meshproxy_build_info{", body)

    def test_head(self) -> None:
        """A probe by HEAD gets the status and no body."""
        self.readiness = Readiness(("draining",))
        status, _, body = self.ask(b"/readyz", b"HEAD")
        self.assertEqual((503, b""), (status, body))

    def test_nothing_else(self) -> None:
        """No other path, no path below, no other method."""
        for path in (b"/", b"/metrics/", b"/metrics/x", b"/_meshproxy/", b"/healthz/..", b"/%2e%2e/", b"/readyz%2f"):
            self.assertEqual(404, self.ask(path)[0], path)
        for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS"):
            self.assertIn(self.ask(b"/metrics", method)[0], (405, 501), method)


class RefreshedTests(unittest.SynchronousTestCase):
    """Where other processes know the answers they are asked first."""

    def setUp(self) -> None:
        self.readiness = Readiness(("worker 1 is starting",))
        self.waiting: list[Deferred[None]] = []
        self.site = AdminSite(lambda: self.readiness, Exposition(Metrics().snapshot), Clock(), refresh=self.refresh)

    def refresh(self) -> Deferred[None]:
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def ask(self, path: bytes, method: bytes = b"GET") -> tuple[Any, StringTransport]:
        channel = self.site.buildProtocol(None)
        assert channel is not None
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"%b %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % (method, path))
        return channel, transport

    def test_waits(self) -> None:
        """The answer is what is known after asking, whole, with its length."""
        for path, status in ((b"/readyz", b"200"), (b"/metrics", b"200")):
            self.readiness = Readiness(("worker 1 is starting",))
            _, transport = self.ask(path)
            self.assertEqual(b"", transport.value())
            self.readiness = Readiness()
            self.waiting.pop().callback(None)
            head, _, body = transport.value().partition(b"\r\n\r\n")
            self.assertIn(b" %b " % status, head.partition(b"\r\n")[0])
            self.assertIn(b"content-length: %d\r\n" % len(body), head.lower() + b"\r\n")

    def test_head(self) -> None:
        """By HEAD there is no body then either."""
        _, transport = self.ask(b"/readyz", b"HEAD")
        self.waiting.pop().callback(None)
        head, _, body = transport.value().partition(b"\r\n\r\n")
        self.assertIn(b" 503 ", head.partition(b"\r\n")[0])
        self.assertEqual(b"", body)

    def test_health_does_not_wait(self) -> None:
        """Whether this process lives it knows itself."""
        _, transport = self.ask(b"/healthz")
        self.assertIn(b" 200 ", transport.value())
        self.assertEqual([], self.waiting)

    def test_gone_meanwhile(self) -> None:
        """Who does not wait for the answer gets none, and nothing breaks."""
        channel, transport = self.ask(b"/readyz")
        channel.connectionLost(Failure(ConnectionDone()))
        self.waiting.pop().callback(None)
        self.assertEqual(b"", transport.value())
        self.assertEqual([], self.flushLoggedErrors())
