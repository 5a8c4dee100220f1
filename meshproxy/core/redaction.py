"""What may be shown of a head? Everything but what lets somebody in.

The rule: the name decides, and in doubt it is a secret; a signed token (JWT) is one under any name. Names and groups stay
(``Impersonate-User``, ``X-Forwarded-Email``): operators need them, and they open nothing by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .fields import fold
from .heads import Field
from .memo import Memo

REDACTED = b"[redacted]"

_NAMES = frozenset({
    b"authorization", b"proxy-authorization", b"authentication-info", b"proxy-authentication-info", b"cookie", b"cookie2",
    b"set-cookie", b"set-cookie2",
})
_PARTS = (
    b"token", b"assertion", b"secret", b"password", b"passwd", b"credential", b"api-key", b"apikey", b"jwt", b"session", b"signature",
    b"-auth-key",
)
# Parameters that carry a login or a key in a URL: those of OAuth 2.0 and OpenID Connect, and the usual names of others.
_PARAMETER = re.compile(
    rb"((?:^|[?&;])(?:[a-z_-]*(?:token|secret|password|assertion|signature|api_?key)|code|state|ticket|sig|jwt|key)=)[^&;# ]*",
    re.IGNORECASE,
)
# RFC 7519 §3.1: both parts are JSON objects, whose base64url begins with "eyJ" where no white space precedes the first name.
_JWT = re.compile(rb"(?:^|[ =])eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]")
_URL_FIELDS = frozenset({b"referer", b"location", b"content-location", b"destination", b"refresh", b"link"})


def _is_secret(name: bytes) -> bool:
    folded = fold(name)
    return folded in _NAMES or any(part in folded for part in _PARTS)


_secret: Memo[bool] = Memo(_is_secret)


def redact_value(name: bytes, value: bytes) -> bytes:
    """The value as it may be shown: ``[redacted]`` for a secret, secrets in a URL's query cut out."""
    if _secret[name] or _JWT.search(value):
        return REDACTED
    return redact_target(value) if fold(name) in _URL_FIELDS else value


def redact_target(target: bytes) -> bytes:
    """A target or URL with the values of secret-looking query parameters cut out."""
    path, mark, query = target.partition(b"?")
    return path + _PARAMETER.sub(rb"\1" + REDACTED, mark + query) if mark else target


def redact_fields(fields: Iterable[Field]) -> list[Field]:
    """The fields as they may be shown."""
    return [(name, redact_value(name, value)) for name, value in fields]


def redact_head(head: bytes) -> bytes:
    """A head as it stands on the wire, as it may be shown; bytes after the empty line are left out."""
    first, *lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
    if not first.startswith(b"HTTP/"):
        method, space, rest = first.partition(b" ")
        target, space2, version = rest.rpartition(b" ")
        first = method + space + redact_target(target) + space2 + version
    shown = [first]
    for line in lines:
        name, colon, value = line.partition(b":")
        shown.append(name + colon + b" " + redact_value(name.strip(), value.strip()))
    return b"\r\n".join(shown) + b"\r\n\r\n"
