"""Can the service be reached around meshproxy? Asked as a stranger would: without identity fields, without our certificates.

The rule: what answers a stranger answers everybody who gets to its address; what does not is fenced by mutual TLS or a policy. From
where meshproxy stands nothing can be said about a NetworkPolicy that admits meshproxy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..core.diagnosis import Diagnosis, Situation, TlsSeen
from ..core.diagnosis.to_paste import get


@dataclass(frozen=True, slots=True)
class Bypass:
    """What a stranger meets.

    :ivar reachable: ``None`` where it cannot be told from here.
    """

    reachable: bool | None
    because: str
    hints: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """For the report."""
        return {"reachable": self.reachable, "because": self.because, "hints": list(self.hints)}


def judge_bypass(about: Situation, own: Diagnosis, stranger: Diagnosis | None, tls: TlsSeen | None) -> Bypass:
    """Whether a stranger gets in.

    :param own: what meshproxy's own request met.
    :param stranger: the same with an invented Host: a sidecar passes it on as it is, without our identity.
    :param tls: a ClientHello without a client certificate, for ``https``.
    """
    upstream = about.upstream
    if upstream.scheme in ("unix", "sample"):
        return Bypass(False, "a Unix socket: only who may open it reaches it")
    if upstream.scheme == "https":
        if tls is None or tls.certificate is None:
            return Bypass(None, "no TLS was met there")
        if tls.wants_client:
            return Bypass(False, "it asks for a client certificate")
        return Bypass(True, "it takes TLS connections without a client certificate", _hints(about))
    if stranger is None:
        return Bypass(None, "the question was not answered in time")
    if stranger.answered_by == "service":
        how = "unencrypted and without identity" if about.mesh else "without identity"
        return Bypass(True, f"it answers {stranger.status} to a request that comes {how}", _hints(about))
    if stranger.cause == "host_not_in_mesh" and stranger.status == 502:
        return Bypass(None, "our own sidecar (REGISTRY_ONLY) lets no such request out: try it from a pod without a sidecar")
    if own.answered_by == "nobody":
        return Bypass(None, "it answers nobody")
    return Bypass(False, f"a request without identity gets no answer of the service ({stranger.status or stranger.cause})")


def _hints(about: Situation) -> tuple[str, ...]:
    if not about.mesh:
        return (
            "Let meshproxy alone reach it, by a NetworkPolicy, a Unix socket or client certificates: others can forge its identity fields",
        )
    return (
        f"Make mutual TLS a duty: a PeerAuthentication with mode STRICT for {about.workload}, and an AuthorizationPolicy that admits "
        f"meshproxy alone (meshproxy mesh-policy prints both); {get(about, 'peerauthentications,authorizationpolicies')}",
    )
