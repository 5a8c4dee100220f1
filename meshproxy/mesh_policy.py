"""What must an Istio mesh be told so that services are reached through meshproxy alone? The resources that belong to a conf directory.

The rule: a service's policy admits meshproxy's identity and nobody else's, over mutual TLS; what a conf directory cannot know (labels of
pods, meshproxy's own account) is an argument with the usual default, and a comment says so above each resource.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .config.hosts import is_address, is_loopback
from .core.places import Upstream
from .settings import PluginTable, ServiceSettings, Settings

_SECURITY, _NETWORKING = "security.istio.io/v1", "networking.istio.io/v1"
_ISSUERS = {"oidc", "bearer"}


@dataclass(frozen=True, slots=True)
class Workload:
    """Who meshproxy is in the mesh.

    :ivar label: the label whose value on pods is the name of their Service.
    :ivar auto_mtls: the mesh turns mutual TLS on by itself (Istio's default); else each service gets a DestinationRule.
    """

    namespace: str = "meshproxy"
    account: str = "meshproxy"
    trust_domain: str = "cluster.local"
    label: str = "app"
    auto_mtls: bool = True

    @property
    def identity(self) -> str:
        """As AuthorizationPolicies write it."""
        return f"{self.trust_domain}/ns/{self.namespace}/sa/{self.account}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, and what its reader should know."""

    body: Mapping[str, Any]
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Target:
    """One Kubernetes Service behind meshproxy, and the services of the conf that lead to it."""

    name: str
    namespace: str
    services: list[ServiceSettings] = field(default_factory=list)


def resources(settings: Settings, workload: Workload) -> Iterator[Resource]:
    """All of them: meshproxy's own, then service by service, then what lies outside of the mesh."""
    yield from _own(settings, workload)
    for target in _targets(settings, workload):
        yield from _for_target(settings, workload, target)
    yield from _outside(settings, workload)


def in_cluster(upstream: Upstream, namespace: str) -> tuple[str, str] | None:
    """Name and namespace of the Kubernetes Service that an upstream names; ``None`` for what is none.

    A name without a dot is a Service of our own namespace; ``NAME.NAMESPACE`` is taken for one where it is spoken to in plain http, as
    nobody speaks to the world outside.
    """
    if upstream.scheme not in ("http", "https") or is_address(upstream.host) or is_loopback(upstream.host):
        return None
    labels = upstream.host.split(".")
    if len(labels) == 1:
        return labels[0], namespace
    inside = labels[2] == "svc" if len(labels) > 2 else upstream.scheme == "http"
    return (labels[0], labels[1]) if inside else None


def _targets(settings: Settings, workload: Workload) -> list[_Target]:
    found: dict[tuple[str, str], _Target] = {}
    for service in settings.services:
        where = in_cluster(service.upstream, workload.namespace)
        if where is not None:
            found.setdefault(where, _Target(*where)).services.append(service)
    return list(found.values())


def _own(settings: Settings, workload: Workload) -> Iterator[Resource]:
    selector = {"matchLabels": {workload.label: "meshproxy"}}
    yield Resource(
        _resource(_SECURITY, "PeerAuthentication", "meshproxy", workload.namespace, {"selector": selector, "mtls": {"mode": "STRICT"}}),
        ("meshproxy itself: nobody reaches it but over mutual TLS.", f"Its pods must carry {workload.label}: meshproxy."),
    )
    gateways = [one.removeprefix("spiffe://") for one in settings.trusted_spiffe_ids]
    if gateways:
        rules: list[dict[str, Any]] = [{"from": [{"source": {"principals": gateways}}], "to": [_ports(settings.listen)]}]
        if settings.admin_listen:
            rules.append({"to": [_ports((settings.admin_listen,))]})
        yield Resource(
            _resource(_SECURITY, "AuthorizationPolicy", "meshproxy", workload.namespace,
                      {"selector": selector, "action": "ALLOW", "rules": rules}),
            ("Only the gateways of trusted_peers bring requests; the admin listener is open to the mesh (probes, Prometheus).",),
        )


def _for_target(settings: Settings, workload: Workload, target: _Target) -> Iterator[Resource]:
    names = ", ".join(service.name for service in target.services)
    selector = {"matchLabels": {workload.label: target.name}}
    name = f"{target.name}-behind-meshproxy"[:63].rstrip("-")
    label = f"Compare {workload.label}: {target.name} with the labels of its pods: kubectl -n {target.namespace} get pods --show-labels"
    yield Resource(
        _resource(_SECURITY, "PeerAuthentication", name, target.namespace, {"selector": selector, "mtls": {"mode": "STRICT"}}),
        (f"{names}: without mutual TLS nobody has an identity.", label),
    )
    allowed = {"selector": selector, "action": "ALLOW", "rules": [{"from": [{"source": {"principals": [workload.identity]}}]}]}
    yield Resource(
        _resource(_SECURITY, "AuthorizationPolicy", name, target.namespace, allowed),
        (f"{names}: meshproxy alone. What else must reach these pods (Prometheus, other services) needs an ALLOW policy of its own.",),
    )
    if not workload.auto_mtls:
        host = f"{target.name}.{target.namespace}.svc.cluster.local"
        policy = {"host": host, "exportTo": ["."], "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}
        yield Resource(_resource(_NETWORKING, "DestinationRule", name, workload.namespace, policy), (f"{names}: mutual TLS towards it.",))
    rules = [rule for service in target.services for rule in _jwt_rules(settings, service)]
    if rules:
        unique = list({str(rule): rule for rule in rules}.values())
        yield Resource(
            _resource(_SECURITY, "RequestAuthentication", name, target.namespace, {"selector": selector, "jwtRules": unique}),
            (f"{names}: a token that comes along must be one that meshproxy hands on.",),
        )


def _jwt_rules(settings: Settings, service: ServiceSettings) -> Iterator[dict[str, Any]]:
    """What tokens the service's rewriters inject."""
    uses = {table.use: table for table in service.rewrite}
    if "jwt-assertion" in uses:
        public = str(settings.public_url)
        options = uses["jwt-assertion"].options
        field = str(options.get("field", "X-JWT-Assertion"))
        named = str(options.get("audience", "") or service.name)
        ours = {"issuer": public, "audiences": [named], "jwksUri": f"{public}/_meshproxy/jwks.json", "forwardOriginalToken": True}
        # Istio looks into Authorization alone unless it is told otherwise.
        yield ours if field.lower() == "authorization" else {**ours, "fromHeaders": [{"name": field}]}
    if uses.get("bearer") is not None and uses["bearer"].options.get("token", "id") == "id":
        for table in _providers(settings, service):
            audience = table.options.get("client_id")
            rule = {"issuer": str(table.options["issuer"]), "forwardOriginalToken": True}
            yield {**rule, "audiences": [str(audience)]} if audience else rule


def _providers(settings: Settings, service: ServiceSettings) -> Iterator[PluginTable]:
    """The OpenID providers whose people enter the service."""
    for table in settings.identity:
        if table.use == "oidc" and "issuer" in table.options and (not service.access.providers or table.name in service.access.providers):
            yield table


def _outside(settings: Settings, workload: Workload) -> Iterator[Resource]:
    """What REGISTRY_ONLY would not let out: upstreams that are no Services of the cluster, and identity providers."""
    wanted: dict[tuple[str, int, str], list[str]] = {}
    for service in settings.services:
        upstream = service.upstream
        if upstream.scheme in ("http", "https") and in_cluster(upstream, workload.namespace) is None and not is_loopback(upstream.host):
            protocol = "TLS" if upstream.scheme == "https" else "HTTP"
            wanted.setdefault((upstream.host, upstream.port, protocol), []).append(f"service {service.name}")
    for table in settings.identity:
        for host, port in _provider_hosts(table):
            wanted.setdefault((host, port, "TLS"), []).append(f"identity provider {table.name}")
    for (host, port, protocol), whose in wanted.items():
        comments = (f"{', '.join(whose)}: outside of the mesh; needed where it lets only known hosts out (REGISTRY_ONLY).",)
        spec: dict[str, Any] = {
            "hosts": [host.strip("[]") if not is_address(host) else f"{_slug(host)}.outside.invalid"], "location": "MESH_EXTERNAL",
            "exportTo": ["."], "ports": [{"number": port, "name": f"{protocol.lower()}-{port}", "protocol": protocol}],
            "resolution": "STATIC" if is_address(host) else "DNS",
        }
        if is_address(host):
            spec |= {"addresses": [host.strip("[]")], "endpoints": [{"address": host.strip("[]")}]}
        yield Resource(_resource(_NETWORKING, "ServiceEntry", f"outside-{_slug(host)}-{port}"[:63], workload.namespace, spec), comments)


def _provider_hosts(table: PluginTable) -> Iterator[tuple[str, int]]:
    if table.use == "github":
        yield from (("github.com", 443), ("api.github.com", 443))
    issuer = table.options.get("issuer")
    if table.use in _ISSUERS and isinstance(issuer, str):
        parts = urlsplit(issuer)
        if parts.scheme == "https" and parts.hostname:
            yield parts.hostname, parts.port or 443


def _ports(listeners: tuple[str, ...]) -> dict[str, Any]:
    """An ``operation`` that names the ports of endpoint strings."""
    ports = [part for text in listeners for part in text.split(":")[1:2] if part.isdigit()]
    return {"operation": {"ports": ports}}


def _slug(host: str) -> str:
    return "".join(one if one.isalnum() else "-" for one in host.lower()).strip("-")


def _resource(version: str, kind: str, name: str, namespace: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}
