"""Does the port speak something else than we were told? Plain HTTP on a TLS port, HTTP/2 on an HTTP/1.1 port."""

from __future__ import annotations

from ..core.diagnosis import Http2Seen, PlainSeen
from ..core.diagnosis.groups import is_http2
from .talking import Port, Talk

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_ENOUGH = 9  # bytes: a status line's beginning, or the head of a frame


async def speak_http2(port: Port, within: float) -> Http2Seen:
    """Whether the connection preface of RFC 9113 §3.4 is answered in kind. A sidecar of our own would answer it itself."""
    heard = await port.talk(Talk(_PREFACE + _SETTINGS, lambda data: len(data) >= _ENOUGH), within)
    return Http2Seen(is_http2(heard.received))


async def speak_plain(port: Port, head: bytes, within: float) -> PlainSeen:
    """Whether an ordinary request is answered by HTTP, on a port that is configured as TLS."""
    heard = await port.talk(Talk(head, lambda data: len(data) >= 40), within)
    return PlainSeen(heard.received.startswith(b"HTTP/1."), heard.received[:40])
