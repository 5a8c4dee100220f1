"""Which probes tell the remaining causes apart? Chosen by what the request itself has met; pure.

The rule: what is proven needs no probe of its own, only the comparison of Hosts that an operator of a mesh wants to see; and what
hangs is probed before it is known how it ends.
"""

from __future__ import annotations

from typing import Literal

from ..core.diagnosis import Diagnosis, Situation
from ..core.evidence import Evidence

Choice = Literal["hello", "plain", "http2", "hosts", "public", "admin"]


def choose(about: Situation, evidence: Evidence | None, first: Diagnosis | None, *, admin: bool) -> tuple[Choice, ...]:
    """The probes to start, side by side.

    :param evidence, first: of the request; ``None`` while it hangs.
    :param admin: the sidecar's admin may be asked.
    """
    scheme = about.upstream.scheme
    if evidence is None or first is None:
        return _while_it_hangs(about)
    choices: list[Choice] = []
    by_sidecar = first.answered_by in ("own-sidecar", "gateway")
    connected = evidence.phase not in ("queue", "resolve", "connect")
    nobody = first.answered_by == "nobody" and connected and first.cause != "not_http"
    unsure = by_sidecar and first.confidence == "likely" and first.cause not in ("route_missing", "mesh_denied")
    if scheme in ("http", "https") and (nobody or unsure):
        choices.append("hello")
    if scheme == "https" and evidence.phase == "tls" and first.confidence == "likely":
        choices.append("plain")
    if scheme in ("http", "unix") and nobody and evidence.end in ("eof", "reset"):
        choices.append("http2")
    if about.mesh and scheme == "http" and by_sidecar:
        choices.append("hosts")
        if admin:
            choices.append("admin")
    elif first.cause == "service_refused":
        choices.append("hosts" if about.mesh and scheme == "http" else "public")
    return tuple(choices)


def _while_it_hangs(about: Situation) -> tuple[Choice, ...]:
    """Is there anybody, does it speak TLS, does another Host fare better?"""
    if about.upstream.scheme == "https":
        return "hello", "plain"
    if about.upstream.scheme == "http":
        return ("hello", "hosts") if about.mesh else ("hello",)
    return ()
