"""Who is at the other end of the socket? A peer: an address, perhaps a certificate, trusted or not.

Only a trusted peer's ``X-Forwarded-*`` are believed (``trusted_peers``); only a sidecar's or a trusted peer's
``X-Forwarded-Client-Cert`` is read at all.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of one downstream connection, or who it says is behind it where it is believed.

    :ivar address: IP address as text (``"127.0.0.1"``, ``"::1"``), or ``"unix"``.
    :ivar port: its TCP port, 0 where there is none.
    :ivar certificate: the verified client certificate of this very connection (DER), else ``None``.
    :ivar spiffe_id: the SPIFFE id of that certificate, or of the last element of a believed
        ``X-Forwarded-Client-Cert``; ``None`` when there is neither.
    :ivar trusted: whether its ``X-Forwarded-*`` are believed.
    :ivar sidecar: whether it is our own sidecar (``sidecar_peers``), whose ``X-Forwarded-Client-Cert`` is parsed.
    """

    address: str
    port: int = 0
    certificate: bytes | None = None
    spiffe_id: str | None = None
    trusted: bool = False
    sidecar: bool = False
