"""``overloaded``: refused for load, by an Envoy's limits or by our own."""

from __future__ import annotations

from .. import to_paste
from ..envoy_texts import cause_of
from ..fit import Fit, proves
from ..groups import family
from ..reading import Reading

CAUSE = "overloaded"
MEANING = "it was refused for load"


def judge(seen: Reading) -> Fit | None:
    """Our queue, Envoy's text, or its fields."""
    if seen.evidence.end == "overload":
        return proves(f"our own limit for this service: {seen.evidence.error}")
    if family(seen) == "overload":
        return proves(f"Envoy's reset reason is '{seen.reset.reason}'" if seen.reset is not None else "")
    if seen.local == "text" and seen.reset is None and cause_of(seen.text) == CAUSE:
        return proves(f"the text {seen.text.decode('ascii')!r} is told at a limit")
    if seen.local == "empty" and seen.status == 429:
        return proves("an Envoy's 429: a rate limit")
    return None


def hints(seen: Reading) -> tuple[str, ...]:
    """Whose limit it was."""
    about = seen.about
    if seen.answered_by == "meshproxy":
        return (
            f"More at once with [pool] active and per_principal in services/{about.service}.toml, if the service can bear it",
            f"Is the service slow, so that requests pile up? {to_paste.logs(about)}", "Open files: ulimit -n of the meshproxy process",
        )
    limits = f"Which limits are set (connectionPool of the DestinationRule, a rate limit)? {to_paste.yaml(about, 'destinationrules')}"
    rate = "Is a rate limit configured? kubectl get envoyfilters -A"
    return (rate, limits) if seen.status == 429 else (limits, rate, "Does the sidecar have enough memory? kubectl top pods --containers")
