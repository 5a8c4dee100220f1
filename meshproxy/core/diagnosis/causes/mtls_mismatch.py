"""``mtls_mismatch``: the sidecars, or a sidecar and a pod without one, disagree about TLS."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, Fit, fits, proves
from ..groups import family, member
from ..reading import Reading
from .response_timeout import hidden_by_sidecar

CAUSE = "mtls_mismatch"
MEANING = "the two sides disagree about mutual TLS"

_TRANSPORT = ("wrong_version_number", "unknown_protocol", "http_request")


def judge(seen: Reading) -> Fit | None:
    """The sidecar's reason; or a STRICT port that gets plaintext."""
    if seen.reset is not None and seen.reset.transport:
        transport = seen.reset.transport.lower()
        if any(words in transport for words in _TRANSPORT):
            return proves(f"transport failure reason: {seen.reset.transport}: one side speaks TLS, the other does not")
        sds = "secret is not supplied" in transport or "protocol_version" in transport
        return fits(FITS, f"transport failure reason: {seen.reset.transport}") if sds else None
    if hidden_by_sidecar(seen):
        words = "unencrypted (an invented Host passes through) it answers at once: our sidecar may wait for TLS that never comes"
        return fits(FITS + 5, words) if seen.passed_through is not None else fits(FITS - 10)
    fit = member(seen, CAUSE)
    if fit is None:
        return None
    if seen.passed_through is not None and family(seen) in ("failure", "timeout"):
        return fit._replace(because="unencrypted (an invented Host passes through) it answers: it has no TLS, our sidecar insists on it")
    if seen.mesh_certificate is not None and (seen.silent or family(seen) == "termination"):
        shown = seen.mesh_certificate.spiffe_id
        if seen.admin is not None and seen.admin.encrypts is False and seen.admin.cluster:
            return proves(f"our sidecar sends plaintext to {seen.admin.cluster}, and the port shows a workload's certificate ({shown})")
        return fit._replace(because=f"the port shows a workload's certificate ({shown}): what comes unencrypted is closed")
    return fit


def hints(seen: Reading) -> tuple[str, ...]:
    """Which side wants what."""
    about = seen.about
    agree = f"the PeerAuthentication of {about.workload} (STRICT?) and the DestinationRule (tls.mode) agree"
    injected = "is our own pod injected (a container istio-proxy in it)"
    has_one = f"Has {about.workload} a sidecar (2/2)? {to_paste.pods(about)}"
    if seen.answered_by == "nobody" and seen.silent:
        return (
            f"{injected.capitalize()}, and do {agree}? kubectl get pods -l app=meshproxy; {to_paste.policies(about)}", has_one,
            "Is the namespace labelled for injection? kubectl get namespaces -L istio-injection,istio.io/rev",
        )
    return (
        f"Do {agree}, and {injected}? {to_paste.policies(about)}", has_one, f"What did our sidecar see? {to_paste.access_log(about)}",
    )
