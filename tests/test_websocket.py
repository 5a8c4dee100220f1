"""Frame boundaries in a tunnel."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.websocket import FrameTracker, accept_value, close_frame


def frame(payload: bytes, masked: bool) -> bytes:
    """One frame as RFC 6455 §5.2 writes it."""
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head = bytes((0x82, bit | len(payload)))
    elif len(payload) < 65536:
        head = bytes((0x82, bit | 126)) + len(payload).to_bytes(2, "big")
    else:
        head = bytes((0x82, bit | 127)) + len(payload).to_bytes(8, "big")
    return head + (b"\0\0\0\0" if masked else b"") + payload


class FrameTrackerTests(SynchronousTestCase):
    def test_accept_value(self) -> None:
        """The example of RFC 6455 §1.3."""
        self.assertEqual(accept_value(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

    def test_close_frame(self) -> None:
        """A close frame carries its code and reason, unmasked."""
        self.assertEqual(close_frame(1008, b"over"), b"\x88\x06\x03\xf0over")

    def test_boundaries(self) -> None:
        """Only the last byte of a frame is a boundary, for every length form."""
        for size in (0, 1, 125, 126, 300, 65535, 65536):
            for masked in (False, True):
                data = frame(b"x" * size, masked)
                tracker = FrameTracker()
                self.assertTrue(tracker.at_boundary)
                for cut in (1, 2, 5, len(data) - 1):
                    if 0 < cut < len(data):
                        partial = FrameTracker()
                        partial.feed(data[:cut])
                        self.assertFalse(partial.at_boundary, (size, masked, cut))
                tracker.feed(data)
                self.assertTrue(tracker.at_boundary)

    @given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=6), st.randoms())
    def test_any_cut(self, frames: list[tuple[int, bool]], chance: random.Random) -> None:
        """However the bytes arrive, the end of the last frame is found and the byte before it is not taken for one."""
        data = b"".join(frame(b"y" * size, masked) for size, masked in frames)
        tracker = FrameTracker()
        position = 0
        while position < len(data) - 1:
            step = chance.randrange(1, 9)
            tracker.feed(data[position : min(position + step, len(data) - 1)])
            position = min(position + step, len(data) - 1)
        self.assertFalse(tracker.at_boundary)
        tracker.feed(data[-1:])
        self.assertTrue(tracker.at_boundary)
