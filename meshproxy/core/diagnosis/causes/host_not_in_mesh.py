"""``host_not_in_mesh``: our sidecar has no route for the Host sent, and sends the request where it was never meant to go."""

from __future__ import annotations

from .. import to_paste
from ..fit import FITS, TOLD, Fit, fits, proves
from ..groups import family
from ..reading import Reading

CAUSE = "host_not_in_mesh"
MEANING = "our sidecar has no route for the Host that is sent"


def judge(seen: Reading) -> Fit | None:
    """The empty 502 of REGISTRY_ONLY; else a Host that fares like an invented one while the upstream's own name does not."""
    if seen.local == "empty" and seen.status == 502:
        if seen.answered_by == "own-sidecar":
            return proves("an empty 502 is what a sidecar says to a Host that it does not know (REGISTRY_ONLY)", TOLD + 5)
        return fits(FITS - 20)
    if seen.answered_by != "own-sidecar" or not (family(seen) in ("failure", "timeout", "termination") or _no_route(seen)):
        return None
    better = seen.better_host
    if better is not None:
        return proves(f"an invented Host has the same outcome, the upstream's own name another ({better.status})", TOLD + 50)
    if seen.admin is not None and seen.admin.passthrough and not _no_route(seen):
        return proves("our sidecar sent it to its PassthroughCluster: it has no route for this Host", TOLD + 50)
    if seen.reset is not None and seen.reset.transport:
        return fits(FITS - 40) if seen.about.foreign_host else None
    if seen.same_as_invented is False:
        return None
    if seen.about.foreign_host:
        weight = FITS + (20 if seen.same_as_invented else 10)
        return fits(weight, f"the Host sent, {seen.about.sent_host}, is not the upstream's name {seen.about.upstream.authority}")
    if seen.same_as_invented and not _no_route(seen) and not seen.about.names_upstream:
        return fits(FITS - 27, "an invented Host has the same outcome")
    return fits(FITS - 30) if _no_route(seen) else None


def hints(seen: Reading) -> tuple[str, ...]:
    """What is sent as Host decides where a sidecar sends it."""
    about = seen.about
    full = f"{about.workload}.{about.namespace or 'NAMESPACE'}.svc.cluster.local"
    if about.foreign_host and about.upstream_address is None:
        first = (
            f'Set [request] host = "upstream" in services/{about.service}.toml: our sidecar routes by Host, and {about.sent_host} is no '
            "name of the mesh"
        )
    else:
        first = (
            f'Give the service\'s full name, namespace included: upstream = "http://{full}:{about.upstream.port}" with '
            f'[request] host = "upstream" in services/{about.service}.toml; our sidecar does not know {about.sent_host}'
        )
    return (
        first, f"Which names does our sidecar know on that port? {to_paste.routes(about)}",
        f"Is port {about.upstream.port} declared in the Service, and does a Sidecar resource hide the namespace? {to_paste.service(about)}",
        "A service outside the mesh needs a ServiceEntry: kubectl get serviceentries -A",
    )


def _no_route(seen: Reading) -> bool:
    return seen.local == "empty" and seen.status == 404
