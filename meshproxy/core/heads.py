"""What is the head of a message? The parts of RFC 9110 §6 that come before the body, as values.

Bytes stay as they were on the wire: a field's name keeps its case, repeated fields stay separate and in order.
"""

from __future__ import annotations

from dataclasses import dataclass

Field = tuple[bytes, bytes]
"""One field line: name and value, without the colon, without leading or trailing white space."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The head of a request: method, target as it came (RFC 9112 §3.2) and fields."""

    method: bytes
    target: bytes
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The head of a response: status code, reason phrase and fields."""

    status: int
    reason: bytes
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response that meshproxy itself gives: what its pages and its refusals are made of.

    ``fields`` name what describes the body (``Content-Type``, ``Location`` …); framing, ``Date``, ``X-Request-Id``
    and ``X-Meshproxy-Source`` are added by whoever writes it.
    """

    status: int
    fields: tuple[Field, ...] = ()
    body: bytes = b""
