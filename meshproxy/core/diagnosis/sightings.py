"""What did a probe see? The facts that rules read, one value a kind of probe (diagnosis.md §3, "what tells them apart").

A sighting holds no opinion: that a certificate is a mesh's is read from its names, that it has expired from its dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .certificate import CertificateFacts

HostForm = Literal["invented", "upstream", "without-port", "with-port", "full", "public"]


@dataclass(frozen=True, slots=True)
class HostSeen:
    """The same request with another Host.

    :ivar form: which Host: one that nobody has, the upstream's own, that without or with its port, the full cluster
        name, the name that browsers use.
    :ivar signature: what can be compared: two requests with equal signatures had the same outcome.
    :ivar answered_by: as of any answer.
    :ivar status: of the answer; ``None`` when there was none.
    """

    form: HostForm
    signature: str
    answered_by: str
    status: int | None = None


@dataclass(frozen=True, slots=True)
class TlsSeen:
    """A ClientHello to the same port.

    :ivar certificate: what the other side showed.
    :ivar wants_client: it sent a CertificateRequest.
    :ivar accepts: the CAs that it names there; ``issuers``: those that its own chain names.
    :ivar alert: OpenSSL's words for how the handshake failed, "" when it did not.
    :ivar spoke: the first bytes, where they were no TLS.
    :ivar end: ``handshake`` (it came to an end), ``tls`` (it failed), ``eof``, ``reset``, ``timeout``, ``refused``, ``plain`` (bytes that
        are no TLS).
    """

    end: str
    certificate: CertificateFacts | None = None
    wants_client: bool = False
    accepts: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    alert: str = ""
    spoke: bytes = b""

    @property
    def issued_by_a_stranger(self) -> bool:
        """Whether it shows a certificate of a CA that it would not accept itself: in a mesh both are the same root."""
        return bool(self.accepts) and bool(self.issuers) and not set(self.accepts) & set(self.issuers)

    @property
    def shows_tls(self) -> bool:
        """Whether somebody there speaks TLS at all."""
        return self.certificate is not None or self.end in ("handshake", "tls")


@dataclass(frozen=True, slots=True)
class PlainSeen:
    """An ordinary HTTP request to a port that is configured as TLS. ``http``: the bytes that came are HTTP."""

    http: bool
    first_bytes: bytes = b""


@dataclass(frozen=True, slots=True)
class Http2Seen:
    """The HTTP/2 preface. ``speaks``: a SETTINGS or GOAWAY frame came back."""

    speaks: bool


@dataclass(frozen=True, slots=True)
class SecondSeen:
    """The request once more, after a redirect to where we already are. ``location``: where it leads this time."""

    location: str


@dataclass(frozen=True, slots=True)
class AdminSeen:
    """What our own sidecar's admin tells of one further request.

    :ivar reachable: it answered at all.
    :ivar cluster: Envoy's name of the cluster that took the request; "" where none could be told.
    :ivar endpoints, healthy: how many it has.
    :ivar refused, timed_out: connections that were refused or not made in time during the request.
    :ivar wrong_name, not_trusted, tls_failed: handshakes that failed during the request: by the names in the certificate, by its
        issuer or dates, in any way; ``handshakes``: those that succeeded.
    :ivar passthrough: the request went to the original destination as it is: the Host is no name of the mesh.
    :ivar identity: our own SPIFFE id; ``identity_ends``: when its certificate ends, seconds since the epoch.
    :ivar encrypts: whether the sidecar speaks TLS to that cluster; ``None`` where its statistics are left out, so that nothing of
        handshakes is known.
    """

    reachable: bool
    cluster: str = ""
    endpoints: int = 0
    healthy: int = 0
    refused: int = 0
    timed_out: int = 0
    wrong_name: int = 0
    not_trusted: int = 0
    tls_failed: int = 0
    handshakes: int = 0
    passthrough: bool = False
    identity: str = ""
    identity_ends: float | None = None
    encrypts: bool | None = None

    @property
    def peer_refused(self) -> bool:
        """The handshake failed, and not because our sidecar did not like what it was shown."""
        return bool(self.tls_failed) and not self.wrong_name and not self.not_trusted


Sighting = HostSeen | TlsSeen | PlainSeen | Http2Seen | SecondSeen | AdminSeen
