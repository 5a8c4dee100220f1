"""Of what does a diagnosis speak? The situation that is judged, what was probed besides, and the verdict, as frozen values.

The words are those of diagnosis.md §1 to §3, a promise to whoever reads the reports; nothing here knows how they are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

from ..places import Upstream
from .sightings import Sighting

_Address = IPv4Address | IPv6Address
AnsweredBy = Literal["meshproxy", "own-sidecar", "peer-sidecar", "gateway", "service", "nobody"]
Confidence = Literal["proven", "likely"]
ProbeKind = Literal["resolve", "connect", "request", "host", "tls", "http2", "admin"]

MOST_ALSO = 5
"""How many other causes are named beside the one that is most likely (diagnosis.md §1)."""


def name_of(authority: str) -> str:
    """The host of an authority: without port and final dot, in lower case, brackets kept."""
    host = authority.lower()
    if not host.endswith("]"):
        before, colon, port = host.rpartition(":")
        host = before if colon and port.isdigit() else host
    return host.rstrip(".")


def cluster_parts(name: str) -> tuple[str, str] | None:
    """Service and namespace of a Kubernetes name (``name.namespace``, ``….svc``, ``….svc.DOMAIN``); ``None`` where it is none."""
    labels = name.split(".")
    if _address(name) is not None or len(labels) < 2 or not all(labels) or (len(labels) > 2 and labels[2] != "svc"):
        return None
    return labels[0], labels[1]


def _address(host: str) -> _Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Situation:
    """What meshproxy was set up to do with the request that is judged.

    :ivar mesh: ``mesh = true``: a sidecar of our own is expected on the way.
    :ivar service: the name of the service.
    :ivar sent_host: the Host that went upstream.
    :ivar public_host: the host that browsers use for this service.
    :ivar method: of the request; ``upgrade``: it asked for a WebSocket.
    :ivar connect_timeout, response_timeout: our own timers, seconds.
    :ivar waited: how long the answer was waited for, seconds; 0: as long as the timers say.
    :ivar capped: it was not the service's own timer that ended the wait but the cap over the whole examination.
    :ivar now: seconds since the epoch, for the dates in certificates.
    :ivar identity: our own SPIFFE id, where it is known.
    """

    mesh: bool
    service: str
    upstream: Upstream
    sent_host: str
    public_host: str = ""
    method: str = "GET"
    upgrade: bool = False
    connect_timeout: float = 5.0
    response_timeout: float = 60.0
    waited: float = 0.0
    capped: bool = False
    now: float = 0.0
    identity: str = ""

    @property
    def sent_name(self) -> str:
        """The Host sent, without its port."""
        return name_of(self.sent_host)

    @property
    def names_upstream(self) -> bool:
        """Whether the Host sent is a name of the upstream, in one of the forms in which a mesh knows a service."""
        ours = self.upstream.host.rstrip(".")
        sent = self.sent_name
        return sent == ours or cluster_parts(sent) == cluster_parts(ours) is not None

    @property
    def foreign_host(self) -> bool:
        """Whether the Host sent is, by our own configuration, not the name of the upstream: a sidecar then routes it elsewhere.

        Towards an address on loopback (a tunnel, a port-forward) the Host is the only name there is, so a name of the
        cluster is believed there.
        """
        address = self.upstream_address
        if address is not None and not address.is_loopback:
            return cluster_parts(self.sent_name) is None  # a pod's address is no name of the mesh either
        if self.names_upstream:
            return False
        if address is None or (self.public_host and self.sent_name == self.public_host):
            return True
        return self.sent_name.count(".") > 1 and cluster_parts(self.sent_name) is None

    @property
    def upstream_address(self) -> _Address | None:
        """The upstream's address, where the conf directory names no name."""
        return _address(self.upstream.host)

    @property
    def namespace(self) -> str:
        """The Kubernetes namespace that the upstream's name (else the Host sent) tells; "" when neither does."""
        parts = cluster_parts(self.upstream.host.rstrip(".")) or cluster_parts(self.sent_name)
        return parts[1] if parts else ""

    @property
    def workload(self) -> str:
        """The Kubernetes service behind it, as far as a name tells; else the name of the conf directory."""
        for name in (self.upstream.host.rstrip("."), self.sent_name):
            if name and _address(name) is None and name != "localhost":
                return name.partition(".")[0]
        return self.service


@dataclass(frozen=True, slots=True)
class Probe:
    """One more thing that was tried, and what came of it.

    :ivar outcome: for people, one line.
    :ivar host: the Host that was sent.
    :ivar answered_by: who answered; "" where the probe is no request.
    :ivar seconds: how long it took.
    :ivar seen: the same for the rules.
    """

    probe: ProbeKind
    outcome: str
    host: str = ""
    answered_by: str = ""
    seconds: float = 0.0
    seen: Sighting | None = None

    def as_dict(self) -> dict[str, object]:
        """As the report shows it (diagnosis.md §1)."""
        told: dict[str, object] = {"probe": self.probe}
        if self.host:
            told["host"] = self.host
        told["outcome"] = self.outcome
        if self.answered_by:
            told["answered_by"] = self.answered_by
        told["ms"] = round(self.seconds * 1000)
        return told


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Who answered, why, and what to check (diagnosis.md §1)."""

    answered_by: AnsweredBy
    cause: str
    confidence: Confidence
    also: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    status: int | None = None
    probes: tuple[Probe, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """As ``explain --send --json`` and ``doctor --json`` show it."""
        return {
            "status": self.status, "answered_by": self.answered_by, "cause": self.cause, "confidence": self.confidence,
            "also": list(self.also), "because": list(self.because), "hints": list(self.hints),
            "probes": [probe.as_dict() for probe in self.probes],
        }
