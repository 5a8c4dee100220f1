"""What may caches keep, and what may a service clear? Two fields of answers that touch our own cookies.

The rule: an answer that carries somebody's session cookie is nobody else's, and no service can make a browser forget our
cookies. Every other directive stays as the service said it.
"""

from __future__ import annotations

_SHARED = (b"public", b"private", b"s-maxage", b"proxy-revalidate")
# What ``"*"`` stands for in Clear-Site-Data (its §3.1), less cookies.
_ALL_BUT_COOKIES = (b'"cache"', b'"clientHints"', b'"executionContexts"', b'"prefetchCache"', b'"prerenderCache"', b'"storage"')


def without_shared_caching(value: bytes) -> bytes:
    """A ``Cache-Control`` that is ``private`` and otherwise as before (RFC 9111 §5.2.2.7)."""
    kept = [
        directive for part in value.split(b",")
        if (directive := part.strip()) and directive.lower().partition(b"=")[0].strip() not in _SHARED
    ]
    return b", ".join((b"private", *kept))


def without_our_cookies(value: bytes) -> bytes | None:
    """A ``Clear-Site-Data`` that leaves cookies alone: they are meshproxy's too, and a browser clears all or none.

    ``"cookies"`` goes, ``"*"`` becomes everything else; ``None`` where nothing remains. A service still ends its own cookies by
    ``Set-Cookie``.
    """
    kept: list[bytes] = []
    for part in value.split(b","):
        directive = part.strip()
        kind = directive.strip(b'"').lower()
        if kind == b"*":
            kept += _ALL_BUT_COOKIES
        elif kind and kind != b"cookies":
            kept.append(directive)
    return b", ".join(dict.fromkeys(kept)) or None
