"""Does another site's page speak through this browser? The check that services lose when Host is rewritten.

The rule: what a session cookie authenticates and what can change something, or opens a WebSocket, must come from a page
of the route's own public origin or of one that the operator allowed (contract §2.4.3), whatever the service checks.
"""

from __future__ import annotations

from .inspection import Facts

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE"})
_OWN_SITES = frozenset({b"same-origin", b"none"})


def cross_origin(facts: Facts, public_origin: str, allowed: frozenset[bytes], method: bytes) -> str | None:
    """Why the request is refused, or ``None``. To be asked only where a session cookie authenticated the request.

    :param public_origin: the route's, as browsers write it in ``Origin``: ``https://apps.example.com``.
    :param allowed: further origins, in the same form (``allowed_origins``).
    """
    if method in _SAFE and not facts.upgrade_websocket:
        return None
    origin = facts.origin
    if origin is not None and origin != b"null":
        origin = origin.lower()
        if origin == public_origin.encode() or origin in allowed:
            return None
        return "Origin is another site's"
    site = facts.sec_fetch_site
    if site is not None:
        return None if site in _OWN_SITES else "Sec-Fetch-Site says that another site's page sent it"
    # No browser leaves out both; "null" without Sec-Fetch-Site is an old browser's sandboxed or redirected page.
    return None if origin is None else "Origin is null and nothing says whose page sent it"
