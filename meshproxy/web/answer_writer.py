"""How does an answer become bytes? Collected while the service's bytes are handled, framed, and sent in one write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..sending import sender


class AnswerWriter:
    """The way out of one downstream connection.

    :ivar send: writes bytes at once, after whatever was collected.
    """

    __slots__ = ("_chunked", "_pieces", "_write", "send")

    def __init__(self, transport: Any) -> None:
        self._write: Callable[[bytes], None] = sender(transport)
        self._pieces: list[bytes] = []
        self._chunked = False
        self.send = self._write

    @property
    def chunked(self) -> bool:
        """Whether the answer under way goes in chunks."""
        return self._chunked

    def begin(self, head: bytes, chunked: bool) -> None:
        """The head of an answer; with ``chunked`` its body is framed here (RFC 9112 §7.1)."""
        self._chunked = chunked
        self._pieces.append(head)

    def body(self, data: bytes) -> None:
        """A piece of its body. An empty one is nothing: as a chunk it would be the last (RFC 9112 §7.1)."""
        if not data:
            return
        if self._chunked:
            self._pieces += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._pieces.append(data)

    def end(self) -> None:
        """The answer is complete."""
        if self._chunked:
            self._pieces.append(b"0\r\n\r\n")
        self.flush()

    def flush(self) -> None:
        """Nothing more is at hand now: send what there is."""
        pieces = self._pieces
        if pieces:
            data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            self._write(data)
