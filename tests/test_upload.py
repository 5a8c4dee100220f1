"""Framing a request body: chunked or counted, and never another length than announced."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.chunked import ChunkedDecoder
from meshproxy.upstream.upload import BodyMismatch, Upload


class UploadTests(SynchronousTestCase):
    @given(st.lists(st.binary(min_size=1, max_size=300), max_size=10))
    def test_chunked(self, pieces: list[bytes]) -> None:
        """A strict decoder reads exactly the pieces out of what is written."""
        upload = Upload(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", chunked=True)
        wire = b"".join(b"".join(upload.frame(piece)) for piece in pieces) + upload.end()
        got: list[bytes] = []
        self.assertEqual(ChunkedDecoder().feed(wire, got.append), b"")
        self.assertEqual(b"".join(got), b"".join(pieces))

    def test_counted(self) -> None:
        """A counted body goes as it is; the length is found whatever the field's case."""
        for name in (b"Content-Length", b"content-length", b"CONTENT-LENGTH"):
            upload = Upload(b"PUT / HTTP/1.1\r\nX: 1\r\n" + name + b":  5 \r\n\r\n", chunked=False)
            self.assertEqual((upload.frame(b"ab"), upload.frame(b"cde"), upload.end()), ((b"ab",), (b"cde",), b""))

    def test_mismatch(self) -> None:
        """Too long, too short, or no length at all is the caller's bug and is found."""
        head = b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"
        self.assertRaises(BodyMismatch, Upload(head, chunked=False).frame, b"abcd")
        self.assertRaises(BodyMismatch, Upload(head, chunked=False).end)
        self.assertRaises(BodyMismatch, Upload, b"PUT / HTTP/1.1\r\nX-Content-Length: 3\r\n\r\n", chunked=False)
