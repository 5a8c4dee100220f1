"""``connect_refused``: the next hop refuses the TCP connection."""

from __future__ import annotations

from .. import to_paste
from ..fit import Fit, proves
from ..groups import member
from ..reading import Reading

CAUSE = "connect_refused"
MEANING = "the next hop refuses the connection"
_WORDS = ("connection refused", "connect error: 111", "connect error: 61")


def judge(seen: Reading) -> Fit | None:
    """Our own errno, the sidecar's reason, or its "connection failure"."""
    evidence = seen.evidence
    if evidence.end == "refused" and evidence.phase in ("connect", "resolve"):
        return proves(f"{_place(seen)} refuses the connection: {evidence.error or 'ECONNREFUSED'}")
    if seen.reset is not None and seen.reset.transport:
        told = any(words in seen.reset.transport.lower() for words in _WORDS)
        return proves(f"transport failure reason: {seen.reset.transport}") if told else None
    fit = member(seen, CAUSE)
    admin = seen.admin
    no_handshake = admin is not None and admin.encrypts is not None and not admin.tls_failed and not admin.timed_out
    if fit is not None and admin is not None and admin.refused and no_handshake:
        return proves(f"our sidecar's admin counts failed connections of {admin.cluster}, and no handshake that failed")
    if fit is not None and seen.tls is not None and seen.tls.end in ("eof", "reset", "refused") and not seen.tls.shows_tls:
        return fit._replace(because="a TLS ClientHello to the same port is closed at once, without a byte: nobody seems to listen")
    return fit


def hints(seen: Reading) -> tuple[str, ...]:
    """By who refused: ourselves, the sidecar, or the pod's own sidecar."""
    about = seen.about
    upstream = about.upstream
    if seen.answered_by == "nobody" and upstream.scheme in ("unix", "sample"):
        return (f"Is the service running, and may meshproxy use its socket? ls -l {upstream.path or 'SOCKET'}",)
    if to_paste.on_this_machine(about):
        listening = f"Is {about.service} running, and does it listen on port {upstream.port}? {to_paste.listening(about)}"
    else:
        listening = f"Is a pod of {about.workload} ready and listening on the target port of {upstream.port}? {to_paste.endpoints(about)}"
    if seen.answered_by == "peer-sidecar":
        return (
            f"Does the container of {about.workload} listen on the service's targetPort, and on all addresses, not on localhost only? "
            f"{to_paste.service(about)}",
            f"What does the pod's sidecar say? {to_paste.logs(about, 'istio-proxy')}", listening,
        )
    if to_paste.on_this_machine(about):
        return (listening,)
    if seen.answered_by == "nobody":
        own = ("Is our own sidecar up? It refuses connections until it is: kubectl get pods, istio-proxy ready?",) if about.mesh else ()
        return (listening, f"Is {upstream.port} the service's port? {to_paste.service(about)}", *own)
    return (
        listening, f"Is {upstream.port} the service's port, and its targetPort the container's? {to_paste.service(about)}",
        f"What did our sidecar see? {to_paste.access_log(about)}",
    )


def _place(seen: Reading) -> str:
    upstream = seen.about.upstream
    if upstream.scheme in ("unix", "sample"):
        return upstream.path or "the socket"
    return f"{', '.join(seen.evidence.resolved[:3]) or upstream.host} port {upstream.port}"
