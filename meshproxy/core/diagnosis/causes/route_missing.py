"""``route_missing``: an Envoy has no route, or no cluster, for the request."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, Fit, fits, proves
from ..reading import Reading

CAUSE = "route_missing"
MEANING = "an Envoy has no route for the request"


def judge(seen: Reading) -> Fit | None:
    """Its empty 404, its empty 503; those that came through our sidecar may be the service's own as well."""
    if seen.local != "empty" or seen.status not in (404, 502, 503):
        return None
    if seen.from_beyond:
        return fits(FITS, f"an empty {seen.status} without a word of a service beside it")
    if seen.status == 502:
        return fits(FITS - 10) if seen.answered_by == "gateway" else None
    if seen.status == 503:
        return proves("an Envoy's empty 503: its route leads to no cluster")
    words = "an Envoy's empty 404: no route for Host and path"
    unproven_host = seen.answered_by == "own-sidecar" and seen.same_as_invented is not False and not seen.about.names_upstream
    return fits(FITS, words) if unproven_host else proves(words)


def hints(seen: Reading) -> tuple[str, ...]:
    """The VirtualService, the subset, the gateway's hosts."""
    about = seen.about
    virtual = to_paste.yaml(about, "virtualservices")
    first = f"Does a VirtualService match {about.sent_host} and the path, to a subset that exists? {virtual}"
    subset = f"Is the subset that the VirtualService names defined in the DestinationRule? istioctl analyze {to_paste.namespaced(about)}"
    if seen.status == 503:
        return (subset, first, f"What does our sidecar route to? {to_paste.routes(about)}")
    if seen.answered_by == "gateway":
        known = f"Does the gateway have {about.sent_host} among its hosts? kubectl get gateways,virtualservices,httproutes,ingresses -A"
        return (known, first)
    return (first, subset, f"What does our sidecar route to? {to_paste.routes(about)}")
