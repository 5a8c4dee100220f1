"""How is an instant written? As RFC 3339 in UTC with milliseconds: ``2026-11-24T08:30:00.042Z``.

The rule: the calendar is consulted once a second, whoever asks: at a thousand lines a second nearly all of a time's cost
is its date.
"""

from __future__ import annotations

import time


class Timestamps:
    """Formats seconds since the epoch; remembers the last second's text."""

    __slots__ = ("_prefix", "_second")

    def __init__(self) -> None:
        self._second = -1
        self._prefix = b""

    def format(self, seconds: float) -> bytes:
        """RFC 3339, UTC, milliseconds cut off (never rounded up into the future). Instants before the epoch are the epoch."""
        milliseconds = int(seconds * 1000) if seconds > 0 else 0
        second, rest = divmod(milliseconds, 1000)
        if second != self._second:
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode("ascii")
            self._second = second
        return b"%b.%03dZ" % (self._prefix, rest)
