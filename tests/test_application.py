import hashlib
import json
import re

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial import unittest

from meshproxy.samples.application import SampleApplication
from meshproxy.samples.recording import RecordingSite


class SampleTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_790_000_000)
        site = RecordingSite(SampleApplication(self.clock), reactor=self.clock, parsePOSTFormSubmission=False)
        self.channel = site.buildProtocol(None)
        self.transport = StringTransport()
        assert self.channel is not None
        self.channel.makeConnection(self.transport)

    def ask(self, target: str, *lines: str, method: str = "GET", body: bytes = b"") -> tuple[bytes, bytes]:
        """Head and body of the answer."""
        self.transport.clear()
        head = "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/1.1", "Host: localhost", *lines))
        self.channel.dataReceived(head.encode("latin-1") + b"\r\n" + body)
        head_bytes, _, content = self.transport.value().partition(b"\r\n\r\n")
        return head_bytes, content

    def test_json(self) -> None:
        """A program gets the request line and the fields in order, repeats and case as they came."""
        head, body = self.ask("/headers/x?q=1", "Accept: application/json", "X-Forwarded-User: alice", "x-forwarded-user: bob")
        self.assertIn(b" 200 ", head)
        shown = json.loads(body)
        self.assertEqual("GET /headers/x?q=1 HTTP/1.1", shown["request_line"])
        self.assertEqual(
            [["Host", "localhost"], ["Accept", "application/json"], ["X-Forwarded-User", "alice"], ["x-forwarded-user", "bob"]],
            shown["fields"],
        )

    def test_page_escapes(self) -> None:
        """A person gets a page that shows hostile values as text, under a CSP without inline script or style."""
        head, body = self.ask("/<script>", 'X-A: <script>"&\'</script>', "X-Forwarded-Prefix: /\"><script>")
        self.assertIn(b"text/html; charset=utf-8", head)
        self.assertIn(b"default-src 'none'; script-src 'self'", head)
        self.assertEqual([b'<script src="/&quot;&gt;&lt;script&gt;/&lt;script&gt;/sample.js" defer>'], re.findall(rb"<script[^>]*>", body))
        self.assertIn(b"&lt;script&gt;&quot;&amp;&#x27;&lt;/script&gt;", body)
        self.assertNotIn(b"<style", body)
        self.assertNotIn(b"@base@", body)

    def test_under_a_prefix(self) -> None:
        """Whatever the route's prefix is, stripped or not, what the page loads lies under it and is there."""
        for target, lines, base in (
            ("/", (), "/"),
            ("/headers", (), "/headers/"),
            ("/headers/", (), "/headers/"),
            ("/", ("X-Forwarded-Prefix: /headers",), "/headers/"),
            ("/x", ("X-Forwarded-Prefix: /headers",), "/headers/x/"),
            ("//evil.example/", (), "/evil.example/"),
            ("/", ("X-Forwarded-Prefix: //evil.example",), "/evil.example/"),
        ):
            _, page = self.ask(target, *lines)
            links = re.findall(r'(?:src|href|action)="([^"]*)"', page.decode())
            self.assertEqual({base, *(f"{base}{name}" for name in ("sample.css", "sample.js", "clock", "upload"))}, set(links))
            for name, kind in (("sample.css", b"text/css"), ("sample.js", b"text/javascript")):
                head, content = self.ask(base + name)
                self.assertIn(kind, head)
                self.assertTrue(content)

    def test_upload(self) -> None:
        """An upload is answered with its length and digest, however it was framed."""
        body = b"x" * 300_000
        _, answer = self.ask("/headers/upload", f"Content-Length: {len(body)}", method="POST", body=body)
        self.assertEqual({"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}, json.loads(answer))
        _, answer = self.ask("/upload", "Transfer-Encoding: chunked", method="PUT", body=b"3\r\nabc\r\n0\r\n\r\n")
        self.assertEqual(3, json.loads(answer)["bytes"])

    def test_clock(self) -> None:
        """The stream begins at once and goes on every second until its reader is gone."""
        head, body = self.ask("/headers/clock")
        self.assertIn(b"text/event-stream", head)
        self.assertIn(b"id: 1\ndata: 1790000000.000\n\n", body)
        self.transport.clear()
        self.clock.pump([1, 1])
        self.assertEqual([b"2", b"3"], re.findall(rb"id: (\d+)\n", self.transport.value()))
        self.channel.connectionLost()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_other_methods(self) -> None:
        """Any method on any path shows its head, a body is counted."""
        _, body = self.ask("/x", "Content-Length: 2", method="DELETE", body=b"ab")
        self.assertEqual((2, "DELETE /x HTTP/1.1"), (json.loads(body)["body_bytes"], json.loads(body)["request_line"]))
