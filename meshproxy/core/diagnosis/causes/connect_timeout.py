"""``connect_timeout``: no TCP (or TLS) connection in time, or no route."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, Fit, fits, proves
from ..groups import member
from ..reading import Reading
from .response_timeout import hidden_by_sidecar

CAUSE = "connect_timeout"
MEANING = "no connection could be made in time"
_WORDS = (
    "timed out", "no route to host", "network is unreachable", "network unreachable", "connect error: 110", "connect error: 113",
    "connect error: 101",
)


def judge(seen: Reading) -> Fit | None:
    """Our timer, the sidecar's, or its "connection timeout"."""
    evidence = seen.evidence
    if evidence.end == "unreachable":
        return proves(f"there is no route to {', '.join(evidence.resolved[:3]) or seen.about.upstream.host}: {evidence.error}")
    waited = seen.about.waited or seen.about.connect_timeout
    if evidence.end == "timeout" and evidence.phase == "connect":
        return proves(f"no TCP connection within {waited:g} s")
    if evidence.end == "timeout" and evidence.phase == "tls":
        words = f"the TLS handshake did not end within {waited:g} s"
        return proves(words) if seen.plain is not None and not seen.plain.http else fits(FITS, words)
    if seen.reset is not None and seen.reset.transport:
        told = any(words in seen.reset.transport.lower() for words in _WORDS)
        return proves(f"transport failure reason: {seen.reset.transport}") if told else None
    if hidden_by_sidecar(seen):
        return fits(FITS - 5)
    return member(seen, CAUSE)


def hints(seen: Reading) -> tuple[str, ...]:
    """Somebody swallows the packets."""
    about = seen.about
    upstream = about.upstream
    return (
        f"Does a NetworkPolicy keep meshproxy's pod from {about.workload} port {upstream.port}, or the address is wrong? "
        f"{to_paste.get(about, 'networkpolicies')}",
        f"Is {upstream.host}:{upstream.port} the right address and port? {to_paste.service(about)}",
        f"Are there pods behind it, and do their nodes live? {to_paste.endpoints(about)}",
    )
