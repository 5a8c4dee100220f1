"""``protocol_mismatch``: a sidecar did not understand the service's bytes."""

from __future__ import annotations

from .. import to_paste
from ..fit import TOLD, Fit, proves
from ..groups import family, member
from ..reading import Reading

CAUSE = "protocol_mismatch"
MEANING = "a sidecar did not understand the service's bytes"


def judge(seen: Reading) -> Fit | None:
    """Envoy's "protocol error"; some ports just close."""
    if family(seen) == "protocol":
        return proves("'protocol error': the bytes of the service are not the protocol that the sidecar was told", TOLD)
    if seen.reset is not None and "no_application_protocol" in seen.reset.transport.lower():
        return proves(f"transport failure reason: {seen.reset.transport}")
    if seen.reset is not None and seen.reset.transport:
        return None
    return member(seen, CAUSE)


def hints(seen: Reading) -> tuple[str, ...]:
    """The port's name decides what a sidecar speaks."""
    about = seen.about
    return (
        f"Does the port's name or appProtocol (http, http2, grpc, tcp) say what {about.workload} speaks? {to_paste.service(about)}",
        "Does it answer with more than 100 fields, or with a field that is none? A sidecar refuses that as well",
        f"What did the pod's sidecar see? {to_paste.logs(about, 'istio-proxy')}",
    )
