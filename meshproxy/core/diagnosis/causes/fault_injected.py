"""``fault_injected``: somebody injected a fault."""

from __future__ import annotations

from .. import to_paste
from ..envoy_texts import cause_of
from ..fit import Fit, proves
from ..reading import Reading

CAUSE = "fault_injected"
MEANING = "somebody injected a fault on purpose"


def judge(seen: Reading) -> Fit | None:
    """Envoy's text."""
    if seen.local == "text" and seen.reset is None and cause_of(seen.text) == CAUSE:
        return proves("'fault filter abort' is told by a fault that somebody configured")
    return None


def hints(seen: Reading) -> tuple[str, ...]:
    """Take it out."""
    about = seen.about
    return (
        f"Remove fault: from the VirtualService of {about.workload}: "
        f"{to_paste.yaml(about, 'virtualservices')} | grep -B8 -A8 fault:",
        "Is a chaos experiment running? kubectl get envoyfilters -A",
    )
