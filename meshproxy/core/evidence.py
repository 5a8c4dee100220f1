"""What did the connection to a service do? Kept by the upstream leg for every failure, read by the diagnosis.

The upstream leg only records; what it means is decided in :mod:`meshproxy.core.diagnosis`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .heads import Field

Phase = Literal["queue", "resolve", "connect", "tls", "send", "head", "body", "tunnel"]


@dataclass(slots=True)
class Evidence:
    """What one attempt to get an answer saw.

    :ivar phase: where it ended: waiting for a connection, name resolution, TCP connect, TLS handshake, sending the
        request, waiting for the response head, receiving its body, inside a tunnel.
    :ivar end: how: ``timeout`` (our timer), ``eof`` (FIN), ``reset`` (RST), ``refused``, ``unreachable``,
        ``dns`` (the name does not resolve), ``tls`` (the handshake failed), ``invalid`` (bytes that are no HTTP),
        ``overload`` (our own limits), ``aborted`` (we stopped), ``answered`` (a response came).
    :ivar errno: of the socket error, where there was one.
    :ivar error: the library's own words, for operators.
    :ivar tls_reasons: OpenSSL's reasons (``certificate verify failed``), the innermost last.
    :ivar peer_certificate: the certificate the other side showed (DER), if it got that far.
    :ivar first_bytes: at most 40 bytes that came first.
    :ivar received_bytes: how many came at all.
    :ivar reused: the connection had served an earlier request.
    :ivar attempts: how many connections were tried.
    :ivar status, fields, body: the answer's head and the first 4 KiB of its body, when one came.
    :ivar resolved: the addresses the name led to.
    :ivar timings: seconds each phase took.
    """

    phase: Phase = "connect"
    end: str = ""
    errno: int | None = None
    error: str = ""
    tls_reasons: tuple[str, ...] = ()
    peer_certificate: bytes | None = None
    first_bytes: bytes = b""
    received_bytes: int = 0
    reused: bool = False
    attempts: int = 1
    status: int | None = None
    fields: tuple[Field, ...] = ()
    body: bytes = b""
    body_complete: bool = False
    resolved: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
