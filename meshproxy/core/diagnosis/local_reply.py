"""Is an answer certainly an Envoy's own, and not the service's? By its form alone: the whole body is one of Envoy's texts.

A body that merely contains the words is somebody's who quotes them. An empty 403 or 404 is never certain: a service gives
such answers too (diagnosis.md §2 and §6).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..heads import Field

LONGEST = 1024  # bytes; an upstream reset with OpenSSL's words is the longest text there is

_RESET = re.compile(
    rb"upstream connect error or disconnect/reset before headers\. (?:retried and the latest )?reset reason: "
    rb"(?P<reason>[A-Za-z0-9/ _()-]{4,60})(?:, transport failure reason: (?P<transport>.{1,900}))?",
    re.DOTALL,
)
_JWT = re.compile(rb"(?:Jwt|Jwks) [A-Za-z0-9'.,\[\]() |_-]{4,120}")
_HEADER = re.compile(rb"invalid header '[^']{1,200}' with value '.{0,600}'", re.DOTALL)

TEXTS = frozenset((
    b"no healthy upstream", b"maintenance mode", b"drop overload", b"unconditional drop overload", b"envoy overloaded",
    b"fault filter abort", b"upstream request timeout", b"stream timeout", b"downstream duration timeout",
    b"upstream max stream duration reached", b"request timeout", b"request header timeout", b"RBAC: access denied",
    b"Audiences in Jwt are not allowed", b"Invalid origin", b"Payload Too Large", b"Upgrade Required", b"local_rate_limited",
    b"Request Header Fields Too Large", b"Not Implemented", b"Bad Request",
))
"""Whole bodies of Envoy's local replies; the texts with a part of their own are matched beside them."""

#: texts that any application may well answer with; only an Envoy's ``server`` beside them makes them Envoy's
_COMMON = frozenset((
    b"Bad Request", b"Not Implemented", b"Payload Too Large", b"Upgrade Required", b"Request Header Fields Too Large", b"request timeout",
    b"maintenance mode", b"Invalid origin",
))


def reset_parts(body: bytes) -> tuple[bytes, bytes | None] | None:
    """Reason and transport failure reason of Envoy's reset text, ``None`` where the body is not exactly that text."""
    match = _RESET.fullmatch(body)
    return (match["reason"], match["transport"]) if match else None


def is_text(body: bytes) -> bool:
    """Whether a whole body is one of Envoy's texts."""
    return body in TEXTS or _RESET.fullmatch(body) is not None or _JWT.fullmatch(body) is not None or _HEADER.fullmatch(body) is not None


def may_be(status: int, fields: Iterable[Field], length: int | None, no_body: bool) -> bool:
    """Whether the body has to be seen before it is known whose answer this is."""
    if no_body or (length is not None and length > LONGEST):
        return False
    if length == 0:
        return status in (502, 503) and _is_envoys(fields)
    return any(name.lower() == b"content-type" and value == b"text/plain" for name, value in fields)


def certain(status: int, fields: Iterable[Field], body: bytes) -> bool:
    """Whether this answer is a sidecar's beyond doubt, so that its page is replaced by ours."""
    fields = tuple(fields)
    if not body:
        return status in (502, 503) and _is_envoys(fields)
    kinds = [value for name, value in fields if name.lower() == b"content-type"]
    if kinds != [b"text/plain"] or not is_text(body):
        return False
    server = [value.lower() for name, value in fields if name.lower() == b"server"]
    return not any(value not in (b"envoy", b"istio-envoy") for value in server) and (body not in _COMMON or bool(server))


def _is_envoys(fields: Iterable[Field]) -> bool:
    """``server: envoy``, and not passed on from beyond our own sidecar."""
    names = {name.lower(): value for name, value in fields}
    return names.get(b"server") in (b"envoy", b"istio-envoy") and b"x-envoy-upstream-service-time" not in names
