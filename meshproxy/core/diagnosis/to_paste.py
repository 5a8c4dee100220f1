"""What can an operator paste? Commands with this service's own names in them.

Names come from the conf directory or from certificates; what is not known stands in capitals. A service on this very machine, of
which no name tells that it is Kubernetes', gets the machine's own commands.
"""

from __future__ import annotations

import shlex

from .values import Situation


def on_this_machine(about: Situation) -> bool:
    """Whether the service lives on loopback or behind a socket, and is no tunnel into a cluster."""
    upstream, address = about.upstream, about.upstream_address
    loopback = upstream.host == "localhost" or (address is not None and address.is_loopback)
    return (upstream.scheme in ("unix", "sample") or loopback) and not about.namespace


def namespaced(about: Situation) -> str:
    """The service's namespace, or all of them where no name tells it; behind the verb, where every tool takes it."""
    return f"-n {shlex.quote(about.namespace)}" if about.namespace else "-A"


def get(about: Situation, kinds: str, more: str = "") -> str:
    """``kubectl get`` where the service lives."""
    return f"kubectl get {kinds} {namespaced(about)}{more}"


def yaml(about: Situation, kinds: str) -> str:
    """The same, all of it."""
    return get(about, kinds, " -o yaml")


def pods(about: Situation) -> str:
    """Whether it runs, and what it has been through."""
    if on_this_machine(about):
        return listening(about)
    return get(about, "pods", f" | grep {shlex.quote(about.workload)}")


def listening(about: Situation) -> str:
    """Who listens on the port of this machine."""
    if about.upstream.scheme in ("unix", "sample"):
        return f"ls -l {shlex.quote(about.upstream.path or 'SOCKET')}"
    return f"ss -ltnp 'sport = :{about.upstream.port}'"


def endpoints(about: Situation) -> str:
    """Which pods stand behind the service, and whether they are ready."""
    if on_this_machine(about):
        return listening(about)
    return get(about, "endpointslices", f" -l kubernetes.io/service-name={shlex.quote(about.workload)}")


def service(about: Situation) -> str:
    """The service's ports, with names, ``appProtocol`` and target ports."""
    if on_this_machine(about):
        return listening(about)
    if not about.namespace:
        return f"kubectl get services -A --field-selector metadata.name={shlex.quote(about.workload)} -o yaml"
    return yaml(about, f"service {shlex.quote(about.workload)}")


def logs(about: Situation, container: str = "") -> str:
    """The log of the service's pods."""
    if on_this_machine(about):
        return f"journalctl --since -10min, or docker logs, of {about.service}"
    where = shlex.quote(about.namespace) if about.namespace else "NAMESPACE"
    return f"kubectl logs -n {where} svc/{shlex.quote(about.workload)}{f' -c {container}' if container else ''} --since=10m"


def routes(about: Situation) -> str:
    """What our own sidecar knows about the port."""
    return f"istioctl proxy-config routes deploy/meshproxy --name {about.upstream.port} -o json"


def clusters(about: Situation) -> str:
    """Our own sidecar's endpoints for the service."""
    return f"istioctl proxy-config endpoints deploy/meshproxy --cluster {shlex.quote(cluster(about))}"


def cluster(about: Situation) -> str:
    """Istio's name of the cluster."""
    name = about.upstream.host if about.upstream_address is None else about.sent_name
    if about.namespace:
        name = f"{about.workload}.{about.namespace}.svc.cluster.local"
    return f"outbound|{about.upstream.port}||{name.rstrip('.')}"


def deployment(about: Situation) -> str:
    """The peer, as ``istioctl`` names it."""
    return f"deploy/{shlex.quote(about.workload)}{'.' + shlex.quote(about.namespace) if about.namespace else ''}"


def secrets(about: Situation) -> str:
    """The certificates of both sidecars."""
    return f"istioctl proxy-config secret deploy/meshproxy; istioctl proxy-config secret {deployment(about)}"


def policies(about: Situation) -> str:
    """What decides about mutual TLS on either side."""
    return yaml(about, "peerauthentications,destinationrules")


def certificate(about: Situation) -> str:
    """What the other side shows."""
    host = about.upstream.host
    where = shlex.quote(f"{host}:{about.upstream.port}")
    name = "" if about.upstream_address is not None else f" -servername {shlex.quote(host)}"
    return f"openssl s_client -connect {where}{name} -showcerts </dev/null"


def access_log(about: Situation) -> str:
    """The sidecar's own words, which its answers hide since Envoy 1.39."""
    return f"kubectl logs deploy/meshproxy -c istio-proxy --since=10m | grep -F {shlex.quote(about.sent_host)}"
