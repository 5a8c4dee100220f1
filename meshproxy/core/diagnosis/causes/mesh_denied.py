"""``mesh_denied``: an AuthorizationPolicy (HTTP, TCP or CUSTOM) refused us."""

from __future__ import annotations

from .. import to_paste
from ..envoy_texts import cause_of
from ..fit import FITS, Fit, fits, proves
from ..groups import member
from ..reading import Reading

CAUSE = "mesh_denied"
MEANING = "an AuthorizationPolicy of the mesh refused us"


def judge(seen: Reading) -> Fit | None:
    """Envoy's text, its empty 403 (ext_authz), or a connection that a TCP policy closes."""
    if seen.local == "text" and seen.reset is None and cause_of(seen.text) == CAUSE:
        return proves("'RBAC: access denied' is an AuthorizationPolicy's refusal")
    if seen.local == "empty" and seen.status == 403:
        if seen.from_beyond:
            return fits(FITS, "an empty 403 without a word of a service beside it, as an authorization server's refusal looks")
        if seen.about.upgrade or seen.field(b"connection").lower() == "close":
            return None  # Envoy's refusal of an upgrade, which closes
        return proves("an empty 403 of an Envoy: a CUSTOM policy whose authorization server refused or could not be reached")
    if seen.reset is not None and seen.reset.transport:
        return None
    return member(seen, CAUSE)


def hints(seen: Reading) -> tuple[str, ...]:
    """Who are we, and whom does the policy admit."""
    about = seen.about
    ours = about.identity.removeprefix("spiffe://") or "cluster.local/ns/NAMESPACE/sa/ACCOUNT of meshproxy's pod"
    return (
        f"Do the AuthorizationPolicies of {about.workload} admit our identity, principals: [\"{ours}\"]? "
        f"istioctl x authz check {to_paste.deployment(about)}",
        f"What do they say? {to_paste.yaml(about, 'authorizationpolicies')}",
        f"hosts: in a policy means the Host that we send, {about.sent_host}; a request that is not mutual TLS has no principal at all",
    )
