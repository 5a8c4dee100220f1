"""Where does a chunked body end, and what is in it? The decoder for requests, stricter than RFC 9112 §7.1 asks.

Length and end of the body decide where the next request begins, so nothing is guessed: a bare LF, a sign, white space
before the size, a missing CRLF after the data end the connection. Extensions and trailer fields are checked and dropped:
no recipient of ours asked for them, and a trailer must never become a field (RFC 9110 §6.5.1).
"""

from __future__ import annotations

from collections.abc import Callable

from .fields import is_token, valid_value

_HEX = frozenset(b"0123456789abcdefABCDEF")
_LINE_LIMIT = 4096
_TRAILER_LIMIT = 8192


class ChunkError(ValueError):
    """The bytes are no chunked body; the connection can carry no further request."""


class ChunkedDecoder:
    """Decodes one chunked body from pieces as they arrive. Holds at most one size line or the trailer section."""

    __slots__ = ("_line", "_remaining", "_state", "_trailer_bytes")

    _SIZE, _DATA, _DATA_END, _TRAILER = range(4)

    def __init__(self) -> None:
        self._state = self._SIZE
        self._line = b""
        self._remaining = 0
        self._trailer_bytes = 0

    def feed(self, data: bytes, sink: Callable[[bytes], None]) -> bytes | None:
        """Give the next bytes; ``sink`` is called with each piece of the body.

        Returns what follows the body once it is complete, ``None`` while it is not. Raises :class:`ChunkError`.
        """
        position = 0
        while True:
            if self._state == self._DATA:
                piece = data[position : position + self._remaining]
                if not piece:
                    return None
                position += len(piece)
                self._remaining -= len(piece)
                sink(piece)
                if self._remaining:
                    return None
                self._state = self._DATA_END
            line, position = self._take_line(data, position)
            if line is None:
                return None
            if self._state == self._SIZE:
                self._remaining = _chunk_size(line)
                self._state = self._DATA if self._remaining else self._TRAILER
            elif self._state == self._DATA_END:
                if line:
                    raise ChunkError("chunk data is longer than its size")
                self._state = self._SIZE
            elif not line:
                return data[position:]
            else:
                self._check_trailer(line)

    def _take_line(self, data: bytes, position: int) -> tuple[bytes | None, int]:
        """The next line without its CRLF, or ``None`` (and the fragment kept) when it is not complete."""
        end = data.find(b"\n", position)
        line = self._line + (data[position:] if end < 0 else data[position : end + 1])
        if self._state == self._DATA_END and line[:2] not in (b"\r", b"\r\n", b""):
            raise ChunkError("chunk data is longer than its size")
        if len(line) > _LINE_LIMIT:
            raise ChunkError("a line of the chunked coding is too long")
        if end < 0:
            self._line = line
            return None, len(data)
        self._line = b""
        if line[-2:] != b"\r\n":
            raise ChunkError("bare LF in the chunked coding")
        return line[:-2], end + 1

    def _check_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if self._trailer_bytes > _TRAILER_LIMIT:
            raise ChunkError("the trailer section is too large")
        name, colon, value = line.partition(b":")
        if not colon or not is_token(name) or not valid_value(value.strip(b" \t")):
            raise ChunkError("a trailer line is not a field")


def _chunk_size(line: bytes) -> int:
    """The size of a ``chunk-size [chunk-ext]`` line: 1 to 16 hexadecimal digits, nothing before them."""
    size, semicolon, extension = line.partition(b";")
    if semicolon:
        size = size.rstrip(b" \t")
        if not valid_value(extension):
            raise ChunkError("a control character in a chunk extension")
    if not 1 <= len(size) <= 16 or not _HEX.issuperset(size):
        raise ChunkError("not a chunk size")
    return int(size, 16)
