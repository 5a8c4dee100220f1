"""``response_cut``: the answer ended before its length or its last chunk."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, Fit, fits, proves
from ..reading import Reading

CAUSE = "response_cut"
MEANING = "the answer broke off before its end"


def judge(seen: Reading) -> Fit | None:
    """The end of the connection inside an answer."""
    evidence = seen.evidence
    if evidence.phase == "body" and evidence.end in ("eof", "reset", "tls"):
        how = "reset" if evidence.end == "reset" else "closed"
        return proves(f"the connection was {how} inside the answer, after {evidence.received_bytes} bytes")
    if evidence.phase == "body" and evidence.end == "timeout":
        return fits(FITS - 5)
    begun = evidence.received_bytes and evidence.first_bytes[:5] == b"HTTP/"[: len(evidence.first_bytes)]
    if evidence.phase in ("send", "head") and evidence.end in ("eof", "reset") and begun:
        return proves(f"the head of the answer breaks off after {evidence.received_bytes} bytes")
    return None


def hints(seen: Reading) -> tuple[str, ...]:
    """The service's log at that moment."""
    about = seen.about
    return (
        f"What happened to the service at that moment (crash, its own timeout, memory)? Its log: {to_paste.logs(about)}",
        f"Was the pod killed? {to_paste.get(about, 'events')} --sort-by=.lastTimestamp",
    )
