"""What kind of field is this? Names folded, and the lists that say who may set them.

The rule: two names that any service could take for one another are one name here. Services behind CGI, WSGI and PHP
see ``X_Forwarded_For``, ``x-forwarded-for`` and (PHP) ``X.Forwarded.For`` as the same variable, so names are compared
with the case folded and ``_``, ``.`` and ``-`` alike (wire-rules §0.1).
"""

from __future__ import annotations

from collections.abc import Iterable

_UPPER = bytes(range(ord("A"), ord("Z") + 1))
_FOLDING = bytes.maketrans(_UPPER + b"_.", _UPPER.lower() + b"--")

_ALPHANUMERIC = b"0123456789" + _UPPER + _UPPER.lower()
_TOKEN_BYTES = b"!#$%&'*+-.^_`|~" + _ALPHANUMERIC
_VALUE_BYTES = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))

_MANAGED_NAMES = frozenset({
    b"forwarded", b"proxy", b"x-forwarded", b"x-real-ip", b"x-rewrite-url", b"x-script-name",
})
_MANAGED_PREFIXES = (
    b"x-forwarded-", b"x-original-", b"x-remote-", b"remote-", b"x-webauth-", b"impersonate-", b"x-auth-request-",
    b"x-envoy-", b"x-istio-",
)

#: Fields of one connection, never of the message (RFC 9110 §7.6.1), with those that only ever meant a proxy.
#: ``HTTP2-Settings`` belongs to the h2c upgrade, which we never pass on.
HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    b"http2-settings", b"proxy-authenticate", b"proxy-authorization", b"proxy-authentication-info",
})

#: Host, framing, and what meshproxy itself says on every request (folded): no rewriter's.
_OURS_ALONE = HOP_BY_HOP | {
    b"host", b"content-length", b"expect", b"max-forwards", b"via", b"x-request-id", b"x-meshproxy-source", b"x-forwarded-for",
    b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-prefix", b"x-script-name",
}

#: What ``Connection`` can never remove from a request (wire-rules §0.2); managed names beside these.
NOT_NOMINABLE = frozenset({b"host", b"content-length", b"cookie", b"authorization"})

#: Names that browsers and other clients send for good reasons: every end-to-end field of RFC 9110, caching (RFC 9111),
#: cookies (RFC 6265) and what browsers add by themselves. A rewriter that sets one takes it from its own service's requests alone.
BROWSER_FIELDS = frozenset({
    b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"accept-ranges", b"age", b"allow",
    b"authentication-info", b"authorization", b"cache-control", b"content-encoding", b"content-language", b"content-location",
    b"content-range", b"content-type", b"cookie", b"date", b"etag", b"expect", b"expires", b"from", b"if-match",
    b"if-modified-since", b"if-none-match", b"if-range", b"if-unmodified-since", b"last-modified", b"link", b"location",
    b"max-forwards", b"origin", b"pragma", b"prefer", b"priority", b"range", b"referer", b"retry-after", b"server",
    b"upgrade-insecure-requests", b"user-agent", b"vary", b"via", b"warning", b"www-authenticate",
})


def fold(name: bytes) -> bytes:
    """The form under which names are compared: lower case, ``_`` and ``.`` as ``-``."""
    return name.translate(_FOLDING)


def is_protected(name: bytes) -> bool:
    """Whether this name is meshproxy's alone, so that no rewriter may set, change or manage it."""
    return fold(name) in _OURS_ALONE


def is_managed(folded: bytes) -> bool:
    """Whether only meshproxy may say this to any service: the list of wire-rules §0.1 that holds always.

    :param folded: a name as :func:`fold` gives it.
    """
    return folded in _MANAGED_NAMES or folded.startswith(_MANAGED_PREFIXES)


def managed_everywhere(names: Iterable[bytes]) -> frozenset[bytes]:
    """Of the names that rewriters set, folded: those that are stripped from requests to *every* service (contract §2.3).

    The others are names that clients send for good reasons (:data:`BROWSER_FIELDS`); they are stripped only where the
    service's own rewriters set them.
    """
    return frozenset(map(fold, names)) - BROWSER_FIELDS


def is_token(name: bytes) -> bool:
    """Whether these bytes are a ``token`` (RFC 9110 §5.6.2): what field names and methods are made of."""
    return bool(name) and not name.translate(None, _TOKEN_BYTES)


def valid_value(value: bytes) -> bool:
    """Whether these bytes can stand as a field value: no control character but HTAB; obs-text is allowed (RFC 9110 §5.5)."""
    return not value.translate(None, _VALUE_BYTES)


def members(value: bytes) -> list[bytes]:
    """The members of a comma-separated list (RFC 9110 §5.6.1): lower case, empty ones left out."""
    return [member for part in value.lower().split(b",") if (member := part.strip(b" \t"))]
