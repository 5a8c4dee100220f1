"""Who answered? By the form of the answer and the way it came, never by a cause (diagnosis.md §2).

Without proof of the contrary an answer is the service's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .reading import Reading
    from .values import AnsweredBy


def answered_by(seen: Reading) -> AnsweredBy:
    """Who answered."""
    evidence = seen.evidence
    if evidence.phase == "queue" or evidence.end in ("overload", "aborted"):
        return "meshproxy"
    if seen.status is None:
        # An answer had begun: it is somebody's, and by default the service's. So is a handshake answered wrongly.
        begun = evidence.phase in ("body", "tunnel") or evidence.status is not None or evidence.error.startswith("101 ")
        return "service" if begun else "nobody"
    if seen.local:
        if not seen.about.mesh:
            return "gateway"
        return "peer-sidecar" if seen.from_beyond else "own-sidecar"
    return "gateway" if seen.proxy else "service"


def in_words(seen: Reading) -> str:
    """Why we say so, for people; "" where there is nothing to explain."""
    who = seen.answered_by
    if who == "own-sidecar":
        return "no x-envoy-upstream-service-time: it did not come through our sidecar, it came from it"
    if who == "peer-sidecar":
        return "x-envoy-upstream-service-time is there: it came through our sidecar, from beyond it"
    if who == "gateway":
        return f"the answer has the form of {seen.proxy or 'an Envoy'}'s own, not of a service's"
    return ""
