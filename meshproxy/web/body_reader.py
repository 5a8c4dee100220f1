"""Where does a request's body end, and does it come on? Counted or chunked, and bounded in time.

A counted body is not parsed: the received buffer goes on as it is, only its length is taken off (a parser on the way cost
20 % of a large upload). A chunked one goes through :class:`~meshproxy.core.chunked.ChunkedDecoder`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.chunked import ChunkedDecoder, ChunkError
from ..core.inspection import Malformed

if TYPE_CHECKING:
    from ..core.inspection import Facts
    from ..settings import LimitSettings


class BodyReader:
    """The body of the request under way on one connection; ``active`` while some of it is still to come."""

    __slots__ = ("_decoder", "_left", "_looks", "_seen", "active", "received")

    def __init__(self) -> None:
        self.active = False
        #: bytes of the wire, coding included
        self.received = 0
        self._left = 0
        self._decoder: ChunkedDecoder | None = None
        self._seen = 0
        self._looks = 0

    def begin(self, facts: Facts) -> None:
        """A body follows the head that was just read."""
        self.active = True
        self.received = self._seen = self._looks = 0
        if facts.chunked:
            self._decoder = ChunkedDecoder()
        else:
            self._decoder = None
            self._left = facts.content_length or 0

    def stop(self) -> None:
        """The rest of the body will not be read: its connection ends."""
        self.active = False
        self._decoder = None

    def feed(self, data: bytes, sink: Callable[[bytes], None]) -> bytes | None:
        """Hand on the next bytes; returns what follows the body when it is complete, else ``None``.

        Raises :class:`Malformed` (400) for a chunked coding that is none.
        """
        self.received += len(data)
        if self._decoder is not None:
            try:
                rest = self._decoder.feed(data, sink)
            except ChunkError as error:
                self.stop()
                raise Malformed(400, str(error)) from None
            if rest is not None:
                self.stop()
            return rest
        if len(data) < self._left:
            self._left -= len(data)
            sink(data)
            return None
        self.active = False
        if len(data) == self._left:
            sink(data)
            return b""
        sink(data[: self._left])
        return data[self._left :]

    def too_slow(self, limits: LimitSettings, paused: bool) -> bool:
        """Asked every ``body_idle``: not a byte since the last time, or, after the first, less than ``body_rate`` allows.

        While we ourselves do not read (``paused``) nobody is too slow.
        """
        arrived, self._seen = self.received - self._seen, self.received
        self._looks += 1
        return not paused and (not arrived or (self._looks > 1 and arrived < limits.body_rate * limits.body_idle))
