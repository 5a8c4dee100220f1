"""``response_timeout``: connected, and no head of an answer in time."""

from __future__ import annotations

from .. import to_paste
from ..envoy_texts import cause_of
from ..fit import FITS, Fit, fits, proves
from ..reading import Reading

CAUSE = "response_timeout"
MEANING = "no answer came in time"

_SIDECAR_CONNECTS_FOR = 30.0
"""Seconds after which a sidecar has given up connecting by default: 10 s, and two retries."""


def hidden_by_sidecar(seen: Reading) -> bool:
    """Whether we stopped waiting before a sidecar, which retries its own connect timeout, would have told us what it waits for."""
    evidence, about = seen.evidence, seen.about
    if evidence.end != "timeout" or evidence.phase not in ("send", "head"):
        return False
    return about.capped or (about.mesh and _waited(seen) < _SIDECAR_CONNECTS_FOR)


def judge(seen: Reading) -> Fit | None:
    """Our timer, or a sidecar's text."""
    if seen.local == "text" and seen.reset is None and cause_of(seen.text) == CAUSE:
        return proves(f"the text {seen.text.decode('ascii')!r} is told when the route's or the stream's time is over")
    if seen.reset is not None and not seen.reset.transport and seen.reset.reason == "local reset":
        return fits(FITS - 20)
    evidence = seen.evidence
    if evidence.end != "timeout" or evidence.phase not in ("send", "head", "body"):
        return None
    if evidence.phase == "body":
        return fits(FITS, f"the answer began, and then no byte came; {evidence.received_bytes} bytes had")
    words = f"the connection was there, and no answer came within {_waited(seen):g} s"
    return fits(FITS, words) if hidden_by_sidecar(seen) else proves(words)


def hints(seen: Reading) -> tuple[str, ...]:
    """Slow service, or too short a timer: whose timer it was decides."""
    about = seen.about
    log = f"Is the service slow, or does it wait for something? Its log: {to_paste.logs(about)}"
    if seen.local:
        return (
            "The service is slower than the mesh allows: timeout in its VirtualService (0s for streams), or make it faster; "
            f"{to_paste.yaml(about, 'virtualservices')}", log,
        )
    key = "idle" if seen.evidence.phase == "body" else "response"
    return (
        f"Is the service slow? It may take longer with [timeouts] {key} in services/{about.service}.toml, now "
        f"{about.response_timeout:g} s" if key == "response" else
        f"Does the service stall within its answer? It may pause longer with [timeouts] {key} in services/{about.service}.toml",
        log,
        *(("Or the sidecar cannot connect, and retries longer than we wait: " + to_paste.access_log(about),) if about.mesh else ()),
    )


def _waited(seen: Reading) -> float:
    return seen.about.waited or seen.about.response_timeout
