"""``dns_failed``: the upstream's name does not resolve."""

from __future__ import annotations

import shlex

from ..fit import Fit, proves
from ..reading import Reading

CAUSE = "dns_failed"
MEANING = "the upstream's name does not resolve"


def judge(seen: Reading) -> Fit | None:
    """The resolver said no, or nothing at all."""
    evidence = seen.evidence
    if evidence.end == "dns":
        return proves(f"the resolver has no address for {seen.about.upstream.host}")
    if evidence.phase == "resolve" and evidence.end == "timeout":
        return proves(f"the resolver gave no answer for {seen.about.upstream.host} in time")
    return None


def hints(seen: Reading) -> tuple[str, ...]:
    """Name and namespace first."""
    about = seen.about
    host = about.upstream.host
    first = (
        f"Is the name right in upstream = \"{about.upstream.url or host}\", namespace included? In meshproxy's pod: "
        f"getent hosts {shlex.quote(host)}"
    )
    exists = f"Does the service exist? kubectl get services -A | grep -w {shlex.quote(about.workload)}"
    short = () if about.namespace or about.upstream_address else (
        f"{host} has no namespace: outside the service's own it needs one, as {about.workload}.NAMESPACE.svc.cluster.local",)
    return (first, *short, exists, "Does DNS work at all in meshproxy's pod? getent hosts kubernetes.default.svc")
