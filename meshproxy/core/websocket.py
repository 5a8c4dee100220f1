"""Where is a frame boundary in a WebSocket's byte stream? (RFC 6455 §5.2)

A tunnel passes bytes, it does not parse messages. Only the frame headers of what a service sends are followed, so that a
close frame of ours (session over: 1008, going away: 1001) can be put between two frames and never inside one.
"""

from __future__ import annotations

import base64
import hashlib

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_value(key: bytes) -> bytes:
    """``Sec-WebSocket-Accept`` for a ``Sec-WebSocket-Key`` (RFC 6455 §4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """An unmasked close frame, as a server sends it; ``reason`` at most 123 bytes."""
    return bytes((0x88, 2 + len(reason))) + code.to_bytes(2, "big") + reason


class FrameTracker:
    """Follows frame headers in one direction of a tunnel. Two small integers and at most 13 bytes of state."""

    __slots__ = ("_header", "_payload")

    def __init__(self) -> None:
        self._header = b""
        self._payload = 0

    @property
    def at_boundary(self) -> bool:
        """Whether the last byte given was the last of a frame."""
        return not self._payload and not self._header

    def feed(self, data: bytes) -> None:
        """Account for the next bytes of the stream."""
        position, size = 0, len(data)
        while position < size:
            if self._payload:
                step = min(self._payload, size - position)
                self._payload -= step
                position += step
                continue
            header = self._header + data[position : position + 14 - len(self._header)]
            length = _header_length(header)
            if length is None or len(header) < length:
                self._header = header
                return
            position += length - len(self._header)
            self._header = b""
            self._payload = _payload_length(header)


def _header_length(header: bytes) -> int | None:
    """How long the frame header is, as soon as its second byte tells."""
    if len(header) < 2:
        return None
    extended = {126: 2, 127: 8}.get(header[1] & 0x7F, 0)
    return 2 + extended + (4 if header[1] & 0x80 else 0)


def _payload_length(header: bytes) -> int:
    short = header[1] & 0x7F
    if short < 126:
        return short
    return int.from_bytes(header[2:4] if short == 126 else header[2:10], "big")
