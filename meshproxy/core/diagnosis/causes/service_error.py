"""``service_error``: the service's own 5xx."""

from __future__ import annotations

from .. import to_paste
from ..fit import DEFAULT, FITS, Fit, fits, proves
from ..reading import Reading

CAUSE = "service_error"
MEANING = "the service itself reports an error"


def judge(seen: Reading) -> Fit | None:
    """A 5xx that is nobody else's; an empty one from beyond our sidecar may be."""
    status = seen.status
    if status is None or status < 500:
        return None
    if seen.local == "empty":
        return fits(FITS - 5) if seen.from_beyond else None
    if seen.local:
        return None
    kind = seen.field(b"content-type")
    return proves(f"the service says so itself ({kind})" if kind else "", DEFAULT)


def hints(seen: Reading) -> tuple[str, ...]:
    """The service's log."""
    about = seen.about
    return (
        f"What does the service's own log say, at the X-Request-Id of this request? {to_paste.logs(about)}",
        f"Is what it needs itself (database, other services) there? {to_paste.get(about, 'pods')}",
    )
