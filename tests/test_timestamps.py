from datetime import datetime

from hypothesis import given
from hypothesis.strategies import integers
from twisted.trial import unittest

from meshproxy.observe.timestamps import Timestamps


class TimestampsTests(unittest.SynchronousTestCase):
    def test_rfc_3339(self) -> None:
        """An instant is UTC with a Z and three digits of milliseconds, which are cut off."""
        stamps = Timestamps()
        self.assertEqual(b"2026-09-21T14:13:20.250Z", stamps.format(1_790_000_000.25))
        self.assertEqual(b"2026-09-21T14:13:20.999Z", stamps.format(1_790_000_000.9999))
        self.assertEqual(b"2026-09-21T14:13:21.000Z", stamps.format(1_790_000_001))

    def test_before_the_epoch(self) -> None:
        """A clock before 1970 gives the epoch, not an error in a log."""
        self.assertEqual(b"1970-01-01T00:00:00.000Z", Timestamps().format(-5.0))

    @given(integers(0, 4_102_444_800_000), integers(0, 4_102_444_800_000))
    def test_remembering_changes_nothing(self, first: int, second: int) -> None:
        """Whatever was asked before, the text names the instant that is asked for."""
        stamps = Timestamps()
        stamps.format(first / 1000)
        text = stamps.format(second / 1000).decode("ascii")
        self.assertEqual(second // 1000, int(datetime.fromisoformat(text).timestamp()))
