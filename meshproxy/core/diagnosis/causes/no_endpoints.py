"""``no_endpoints``: the sidecar or gateway has no healthy endpoint."""

from __future__ import annotations

from .. import to_paste
from ..envoy_texts import cause_of
from ..fit import Fit, proves
from ..reading import Reading

CAUSE = "no_endpoints"
MEANING = "there is no healthy endpoint"


def judge(seen: Reading) -> Fit | None:
    """Envoy's text."""
    if seen.local == "text" and cause_of(seen.text) == CAUSE:
        admin = seen.admin
        known = f"; its admin counts {admin.healthy} healthy of {admin.endpoints}" if admin is not None and admin.cluster else ""
        return proves(f"'no healthy upstream' is told when there is no endpoint, or none that is healthy{known}")
    return None


def hints(seen: Reading) -> tuple[str, ...]:
    """Are there pods, are they ready, do the labels fit."""
    about = seen.about
    return (
        f"Has {about.workload} ready pods, and does the Service's selector (or the subset's labels) fit them? {to_paste.endpoints(about)}",
        f"What does our sidecar think of them (ejected, unhealthy)? {to_paste.clusters(about)}",
        f"Do the subset's labels of the DestinationRule fit any pod? {to_paste.yaml(about, 'destinationrules')}",
        f"Is anything scaled to zero? {to_paste.get(about, 'deployments')} | grep -w {about.workload}",
    )
