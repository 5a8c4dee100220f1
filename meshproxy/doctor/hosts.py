"""Which other Hosts are worth a try? Those that tell a sidecar's routes from its passthrough, and a service's own list from both."""

from __future__ import annotations

from ..core.diagnosis import Situation
from ..core.diagnosis.sightings import HostForm
from ..core.diagnosis.values import cluster_parts

INVENTED = "no-such-name.invalid"
"""A name that nobody can have (RFC 6761 §6.4)."""

_CLUSTER_DOMAIN = "svc.cluster.local"


def host_forms(about: Situation) -> dict[HostForm, str]:
    """The Hosts to try beside the one that was sent, by their form; none twice."""
    upstream = about.upstream
    forms: dict[HostForm, str] = {"invented": INVENTED}
    if upstream.scheme not in ("http", "https"):
        return {**forms, "public": about.public_host} if about.public_host else forms
    if about.sent_host.lower() != upstream.authority:
        forms["upstream"] = upstream.authority
    if about.sent_host.lower() not in (upstream.host, upstream.authority):
        forms["without-port"] = upstream.host
    elif upstream.authority != upstream.host:
        forms["without-port" if about.sent_host == upstream.authority else "with-port"] = (
            upstream.host if about.sent_host == upstream.authority else upstream.authority)
    parts = cluster_parts(upstream.host)
    if parts is not None and not upstream.host.rstrip(".").endswith(_CLUSTER_DOMAIN):
        full = ".".join((*parts, _CLUSTER_DOMAIN))
        forms["full"] = upstream.authority.replace(upstream.host, full, 1)
    if about.public_host and about.public_host not in (about.sent_name, upstream.host):
        forms["public"] = about.public_host
    seen = {about.sent_host.lower()}
    return {form: host for form, host in forms.items() if not (host in seen or seen.add(host))}  # type: ignore[func-returns-value]
