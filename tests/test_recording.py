import hashlib

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial import unittest
from twisted.web.resource import Resource

from meshproxy.samples.recording import RecordingRequest, RecordingSite


class Keep(Resource):
    """Keeps the requests it is asked to render."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[RecordingRequest] = []
        self.spooled = b""

    def render(self, request: RecordingRequest) -> bytes:
        self.requests.append(request)
        self.spooled += request.content.read()
        return b"ok"


class RecordingTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.root = Keep()
        site = RecordingSite(self.root, reactor=Clock(), parsePOSTFormSubmission=False)
        self.channel = site.buildProtocol(None)
        assert self.channel is not None
        self.transport = StringTransport()
        self.channel.makeConnection(self.transport)

    def test_head_as_it_came(self) -> None:
        """Case, order, repeats and odd values of the head are kept byte for byte, on every request of a connection."""
        for number in (b"1", b"2"):
            lines = [b"GET /a%20b?x=" + number + b" HTTP/1.1", b"hOST: a", b"X-B: 1", b"x-a:\t2 ", b"X-B: \xff3", b"Empty:"]
            self.channel.dataReceived(b"\r\n".join(lines) + b"\r\n\r\n")
            self.assertEqual(lines, self.root.requests[-1].head)
            self.assertEqual(
                [(b"hOST", b"a"), (b"X-B", b"1"), (b"x-a", b"2"), (b"X-B", b"\xff3"), (b"Empty", b"")], self.root.requests[-1].fields
            )

    def test_in_pieces(self) -> None:
        """A head that comes byte by byte is the same head."""
        for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n":
            self.channel.dataReceived(bytes([byte]))
        self.assertEqual([b"GET / HTTP/1.1", b"Host: a", b"X: y"], self.root.requests[0].head)

    def test_large_head(self) -> None:
        """A head as large as meshproxy forwards by default is taken."""
        self.channel.dataReceived(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 64000 + b"\r\n\r\n")
        self.assertEqual(64000, len(self.root.requests[0].fields[1][1]))

    def test_body_is_counted(self) -> None:
        """A body, counted or chunked, a form too, leaves its length and digest and nothing else."""
        body = b"a=1&b=" + b"x" * 200_000
        form = b"Host: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d" % len(body)
        self.channel.dataReceived(b"POST / HTTP/1.1\r\n%b\r\n\r\n%b" % (form, body))
        self.channel.dataReceived(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        counted, chunked = self.root.requests
        self.assertEqual((len(body), hashlib.sha256(body).hexdigest()), (counted.body_bytes, counted.digest.hexdigest()))
        self.assertEqual((5, hashlib.sha256(b"abcde").hexdigest()), (chunked.body_bytes, chunked.digest.hexdigest()))
        self.assertEqual(b"", self.root.spooled)

    def test_taken_over(self) -> None:
        """A request that takes the connection gets raw bytes, and hears of its end once."""
        self.channel.dataReceived(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        got: list[bytes] = []
        self.channel.take_over(got.append, lambda: got.append(b"lost"))  # type: ignore[attr-defined]
        self.channel.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
        self.channel.connectionLost()
        self.assertEqual([b"GET / HTTP/1.1\r\n\r\n", b"lost"], got)
        self.assertEqual(1, len(self.root.requests))
