"""Request bodies: their end, and their progress."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.inspection import Facts, Malformed
from meshproxy.settings import LimitSettings
from meshproxy.web.body_reader import BodyReader


def counted(length: int) -> BodyReader:
    facts = Facts()
    facts.content_length = length
    reader = BodyReader()
    reader.begin(facts)
    return reader


def chunked() -> BodyReader:
    facts = Facts()
    facts.chunked = True
    reader = BodyReader()
    reader.begin(facts)
    return reader


class BodyReaderTests(SynchronousTestCase):
    def test_counted(self) -> None:
        """A counted body ends after its bytes; what follows is given back."""
        got: list[bytes] = []
        reader = counted(5)
        self.assertIsNone(reader.feed(b"abc", got.append))
        self.assertTrue(reader.active)
        self.assertEqual(reader.feed(b"deGET", got.append), b"GET")
        self.assertFalse(reader.active)
        self.assertEqual(got, [b"abc", b"de"])

    def test_exact(self) -> None:
        """A buffer that ends with the body is handed on as it is."""
        got: list[bytes] = []
        data = bytes(5)
        self.assertEqual(counted(5).feed(data, got.append), b"")
        self.assertIs(got[0], data)

    def test_chunked(self) -> None:
        """A chunked body is decoded, and its coding counted as received."""
        got: list[bytes] = []
        reader = chunked()
        self.assertIsNone(reader.feed(b"3\r\nab", got.append))
        self.assertEqual(reader.feed(b"c\r\n0\r\n\r\nGET", got.append), b"GET")
        self.assertEqual(b"".join(got), b"abc")
        self.assertFalse(reader.active)

    def test_bad_chunk(self) -> None:
        """A chunked coding that is none is 400, and the body is over."""
        reader = chunked()
        with self.assertRaises(Malformed) as caught:
            reader.feed(b"zz\r\n", lambda data: None)
        self.assertEqual(caught.exception.status, 400)
        self.assertFalse(reader.active)

    def test_progress(self) -> None:
        """Nothing in a window is too slow; after the first, so is less than the rate; and never while we do not read."""
        limits = LimitSettings(body_idle=10.0, body_rate=500)
        reader = counted(10**6)
        self.assertTrue(counted(1).too_slow(limits, paused=False))
        reader.feed(b"x", lambda data: None)
        self.assertFalse(reader.too_slow(limits, paused=False))
        reader.feed(b"x" * 4999, lambda data: None)
        self.assertTrue(reader.too_slow(limits, paused=False))
        self.assertFalse(reader.too_slow(limits, paused=True))
        reader.feed(b"x" * 5000, lambda data: None)
        self.assertFalse(reader.too_slow(limits, paused=False))
