"""How is a request body written? Chunked, or counted against the ``Content-Length`` that went out.

A body that does not fit its announced length would make the next request on the connection somebody else's bytes: the
caller's mistake is found here and the connection is given up.
"""

from __future__ import annotations

import re

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,19})[ \t]*\r\n", re.IGNORECASE)


class BodyMismatch(Exception):
    """The body is longer or shorter than the head said."""


class Upload:
    """Frames the body of one request. Made only for requests that have one."""

    __slots__ = ("_chunked", "_left")

    def __init__(self, head: bytes, chunked: bool) -> None:
        self._chunked = chunked
        self._left = 0
        if not chunked:
            announced = _CONTENT_LENGTH.search(head)
            if announced is None:
                raise BodyMismatch("a body without Content-Length that is not chunked")
            self._left = int(announced[1])

    def frame(self, data: bytes) -> tuple[bytes, ...]:
        """What to write for the next (non-empty) bytes. Raises :class:`BodyMismatch`."""
        if self._chunked:
            return b"%x\r\n" % len(data), data, b"\r\n"
        self._left -= len(data)
        if self._left < 0:
            raise BodyMismatch("the body is longer than its Content-Length")
        return (data,)

    def end(self) -> bytes:
        """What to write at the end. Raises :class:`BodyMismatch`."""
        if self._left:
            raise BodyMismatch("the body is shorter than its Content-Length")
        return b"0\r\n\r\n" if self._chunked else b""
