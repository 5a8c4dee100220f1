"""``http2_only``: the port speaks HTTP/2 alone."""

from __future__ import annotations

from .. import to_paste
from ..fit import TOLD, Fit, proves
from ..groups import is_http2, member
from ..reading import Reading

CAUSE = "http2_only"
MEANING = "the port speaks HTTP/2 alone"


def judge(seen: Reading) -> Fit | None:
    """A frame in place of an answer, or only the preface is answered."""
    if is_http2(seen.evidence.first_bytes):
        return proves("it answered HTTP/1.1 with an HTTP/2 frame", TOLD + 20)
    fit = member(seen, CAUSE)
    if fit is not None and seen.http2 and seen.reset is None:
        return proves("it closes on HTTP/1.1 and answers the HTTP/2 preface", TOLD + 20)
    return fit


def hints(seen: Reading) -> tuple[str, ...]:
    """To services we speak HTTP/1.1."""
    about = seen.about
    return (
        f"Does {about.workload} have a port for HTTP/1.1? A gRPC port is not for this route: {to_paste.service(about)}",
        "Does the service understand HTTP/1.1 on this port at all? Many servers have a setting for both (h2c and HTTP/1.1)",
    )
