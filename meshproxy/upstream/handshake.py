"""Is this 101 the answer to our WebSocket handshake? (RFC 6455 §4.1, the client's checks)

Only a verified 101 opens a tunnel: a service that says 101 for another reason, or a cache that repeats an old one, must
not get a raw channel to the browser.
"""

from __future__ import annotations

from hmac import compare_digest

from ..core.heads import Field
from ..core.websocket import accept_value


def handshake_problem(fields: list[Field], key: bytes) -> str | None:
    """Why the 101 with these fields does not answer the handshake with ``key``; ``None`` when it does."""
    upgrade: list[bytes] = []
    options: list[bytes] = []
    accepts: list[bytes] = []
    for name, value in fields:
        folded = name.lower()
        if folded == b"upgrade":
            upgrade.append(value.strip(b" \t").lower())
        elif folded == b"connection":
            options.extend(option.strip(b" \t") for option in value.lower().split(b","))
        elif folded == b"sec-websocket-accept":
            accepts.append(value.strip(b" \t"))
        elif folded == b"transfer-encoding" or (folded == b"content-length" and value.strip(b" \t0")):
            return "101 with a body"
    if upgrade != [b"websocket"]:
        return "101 without Upgrade: websocket"
    if b"upgrade" not in options:
        return "101 without Connection: upgrade"
    if len(accepts) != 1:
        return "101 without one Sec-WebSocket-Accept"
    if not compare_digest(accepts[0], accept_value(key)):
        return "101 with a Sec-WebSocket-Accept for another key"
    return None
