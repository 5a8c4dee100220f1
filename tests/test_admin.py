import json

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
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
