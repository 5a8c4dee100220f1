"""What can an operator paste? Commands with this service's own names in them.

Names come from the conf directory or from certificates; what is not known stands in capitals.
"""

from __future__ import annotations

import shlex

from .values import Situation


def namespaced(about: Situation) -> str:
    """``-n NAMESPACE``, or all of them where the name tells none."""
    return f"-n {shlex.quote(about.namespace)}" if about.namespace else "-A"


def endpoints(about: Situation) -> str:
    """Which pods stand behind the service, and whether they are ready."""
    return f"kubectl {namespaced(about)} get endpointslices -l kubernetes.io/service-name={shlex.quote(about.workload)}"


def service(about: Situation) -> str:
    """The service's ports, with names, ``appProtocol`` and target ports."""
    if not about.namespace:
        return f"kubectl get services -A --field-selector metadata.name={shlex.quote(about.workload)} -o yaml"
    return f"kubectl -n {shlex.quote(about.namespace)} get service {shlex.quote(about.workload)} -o yaml"


def logs(about: Situation, container: str = "") -> str:
    """The log of the service's pods."""
    where = f"-n {shlex.quote(about.namespace)}" if about.namespace else "-n NAMESPACE"
    return f"kubectl {where} logs svc/{shlex.quote(about.workload)}{f' -c {container}' if container else ''} --since=10m"


def routes(about: Situation) -> str:
    """What our own sidecar knows about the port."""
    return f"istioctl proxy-config routes deploy/meshproxy --name {about.upstream.port} -o json"


def clusters(about: Situation) -> str:
    """Our own sidecar's endpoints for the service."""
    return f"istioctl proxy-config endpoints deploy/meshproxy --cluster {shlex.quote(cluster(about))}"


def cluster(about: Situation) -> str:
    """Istio's name of the cluster."""
    name = about.upstream.host if about.upstream_address is None else about.sent_name
    if about.namespace and name.count(".") < 3:
        name = f"{about.workload}.{about.namespace}.svc.cluster.local"
    return f"outbound|{about.upstream.port}||{name.rstrip('.')}"


def secrets(about: Situation) -> str:
    """The certificates of both sidecars."""
    theirs = f"deploy/{shlex.quote(about.workload)}{'.' + shlex.quote(about.namespace) if about.namespace else ''}"
    return f"istioctl proxy-config secret deploy/meshproxy; istioctl proxy-config secret {theirs}"


def policies(about: Situation) -> str:
    """What decides about mutual TLS on either side."""
    return f"kubectl {namespaced(about)} get peerauthentications,destinationrules -o yaml"


def certificate(about: Situation) -> str:
    """What the other side shows."""
    host = about.upstream.host
    where = shlex.quote(f"{host}:{about.upstream.port}")
    return f"openssl s_client -connect {where} -servername {shlex.quote(host.strip('[]'))} </dev/null"


def access_log(about: Situation) -> str:
    """The sidecar's own words, which its answers hide since Envoy 1.39."""
    return "kubectl logs deploy/meshproxy -c istio-proxy --since=10m | grep -F " + shlex.quote(about.sent_host)
