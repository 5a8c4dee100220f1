"""``request_rejected``: an Envoy refused the form of the request."""

from __future__ import annotations

from .. import to_paste
from ..envoy_texts import cause_of
from ..fit import FITS, Fit, fits, proves
from ..reading import Reading

CAUSE = "request_rejected"
MEANING = "a sidecar refused the form of the request"

_PARTS = {
    400: "The request line, Host or a field breaks a rule of the sidecar's (path normalisation, underscores, strict fields)",
    403: "The upgrade: sidecars take websocket alone; for SPDY (kubectl exec of old) declare the port as tcp or https",
    408: "The request's body came too slowly for the sidecar",
    413: "The request's body is larger than the sidecar takes",
    426: "Something between us and the sidecar speaks HTTP/1.0",
    431: "The fields are too large or too many (60 KiB, 100 fields): large cookies or tokens of the service",
    501: "A Transfer-Encoding other than chunked",
}


def judge(seen: Reading) -> Fit | None:
    """Its 400, 408, 413, 426, 431, 501, and its 403 to an upgrade."""
    if seen.local == "text" and seen.reset is None and cause_of(seen.text) == CAUSE:
        return proves(f"the text {seen.text.decode('ascii', 'replace')!r} is an Envoy's to a request that it does not take")
    if seen.reset is not None and "connect request" in seen.reset.reason:
        return proves(f"Envoy's reset reason is '{seen.reset.reason}'")
    if seen.local == "empty" and seen.status == 403:
        closes = seen.about.upgrade or seen.field(b"connection").lower() == "close"
        if closes and not seen.from_beyond:
            return proves("an empty 403 that closes the connection is an Envoy's to an upgrade that it does not allow")
        return fits(FITS + 5 if seen.about.upgrade else FITS - 10) if seen.from_beyond else None
    if seen.status == 404 and seen.local == "empty" and seen.about.method == "OPTIONS":
        return fits(FITS - 20)
    bare = seen.status == 400 and seen.about.mesh and seen.bodiless and not seen.from_beyond and seen.field(b"server") == "envoy"
    return fits(2) if bare and seen.field(b"connection").lower() == "close" else None


def hints(seen: Reading) -> tuple[str, ...]:
    """The part that it did not like."""
    about = seen.about
    if seen.text == b"Invalid origin":
        part = "The Origin: a csrf filter of the mesh does not admit it; kubectl get envoyfilters -A"
    else:
        part = _PARTS.get(seen.status or 0, "The form of the request")
    return (
        f"{part}: meshproxy explain shows the exact head that goes to {about.service}",
        f"What did the sidecar see? {to_paste.access_log(about)}",
    )
