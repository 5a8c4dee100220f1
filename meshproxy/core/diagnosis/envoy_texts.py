"""Which texts does an Envoy answer with by itself, and what does each of them say? The whole bodies, by version.

Read in Envoy's sources and seen from real ones. A body is one of them only as a whole: what merely contains the words is
somebody's who quotes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 1024  # bytes; an upstream reset with OpenSSL's words is the longest text there is

_ANY_ERROR = frozenset(range(400, 600))
_RESET_STATUSES = frozenset((500, 502, 503, 504))
_JWT_STATUSES = frozenset((401, 403))

#: body -> the cause it tells, the statuses it comes with
_TEXTS: dict[bytes, tuple[str, frozenset[int]]] = {
    b"no healthy upstream": ("no_endpoints", frozenset((500, 502, 503))),
    b"maintenance mode": ("overloaded", frozenset((503,))),
    b"drop overload": ("overloaded", _ANY_ERROR),
    b"unconditional drop overload": ("overloaded", _ANY_ERROR),
    b"envoy overloaded": ("overloaded", frozenset((503,))),
    b"local_rate_limited": ("overloaded", _ANY_ERROR),
    b"fault filter abort": ("fault_injected", frozenset(range(200, 600))),
    b"upstream request timeout": ("response_timeout", frozenset((504,))),
    b"stream timeout": ("response_timeout", frozenset((408, 504))),
    b"downstream duration timeout": ("response_timeout", frozenset((408, 504))),
    b"upstream max stream duration reached": ("response_timeout", frozenset((408, 504))),
    b"request timeout": ("request_rejected", frozenset((408,))),
    b"request header timeout": ("request_rejected", frozenset((408,))),
    b"Bad Request": ("request_rejected", frozenset((400,))),
    b"Payload Too Large": ("request_rejected", frozenset((413, 500, 507))),
    b"Upgrade Required": ("request_rejected", frozenset((426,))),
    b"Request Header Fields Too Large": ("request_rejected", frozenset((431,))),
    b"Not Implemented": ("request_rejected", frozenset((501,))),
    b"Invalid origin": ("request_rejected", frozenset((403,))),
    b"RBAC: access denied": ("mesh_denied", frozenset((403,))),
    b"Audiences in Jwt are not allowed": ("jwt_rejected", _JWT_STATUSES),
}

#: Texts that any program may well answer with; they are Envoy's only beside other marks of one.
COMMON = frozenset((
    b"Bad Request", b"Not Implemented", b"Payload Too Large", b"Upgrade Required", b"Request Header Fields Too Large", b"request timeout",
    b"maintenance mode", b"Invalid origin", b"stream timeout",
))

_RESET = re.compile(
    rb"upstream connect error or disconnect/reset before headers(?:\. (?P<again>retried and the latest )?reset reason: "
    rb"(?P<reason>[A-Za-z0-9/ _()-]{4,60})(?:, transport failure reason: (?P<transport>.{1,900}))?)?",
    re.DOTALL,
)
_JWT = re.compile(rb"(?:Jwt|Jwks) [A-Za-z0-9'.,\[\]() |_-]{4,120}")
_STRICT_FIELD = re.compile(rb"invalid header '[^']{1,200}' with value '.{0,600}'", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reset:
    """Envoy's "upstream connect error or disconnect/reset before headers".

    :ivar reason: in lower case, with spaces (``connection termination``); "" where the version tells none.
    :ivar transport: the transport failure reason; "" where the version hides it.
    :ivar retried: it had tried more than once.
    """

    reason: str
    transport: str
    retried: bool


def reset_of(body: bytes) -> Reset | None:
    """The parts of the reset text; ``None`` where the body is not exactly that."""
    match = _RESET.fullmatch(body)
    if match is None:
        return None
    reason, transport = match["reason"] or b"", match["transport"] or b""
    return Reset(reason.decode("ascii").replace("_", " ").lower(), transport.decode("utf-8", "replace"), match["again"] is not None)


def is_text(status: int, body: bytes) -> bool:
    """Whether a whole body is one of Envoy's texts, with a status that it comes with."""
    known = _TEXTS.get(body)
    if known is not None:
        return status in known[1]
    if _RESET.fullmatch(body) is not None:
        return status in _RESET_STATUSES
    if _JWT.fullmatch(body) is not None:
        return status in _JWT_STATUSES
    return status == 400 and _STRICT_FIELD.fullmatch(body) is not None


def cause_of(body: bytes) -> str:
    """The cause that a text alone proves; "" for the reset text, whose reason has to be read."""
    known = _TEXTS.get(body)
    if known is not None:
        return known[0]
    if _RESET.fullmatch(body) is not None:
        return ""
    return "jwt_rejected" if _JWT.fullmatch(body) is not None else "request_rejected"
