"""What does a mesh look like in which every service fails in its own way? One Envoy that is both sides of all of them.

Each service has an outbound listener as Istio writes it: HTTP by Host to the service's cluster, any other Host (and anything that is
no HTTP) unencrypted to the original destination, which here is that service's own endpoint. Behind it stands a sidecar, or none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .envoy_config import Workload

TRUST_DOMAIN = "acme.internal"
CLIENT_ID = f"spiffe://{TRUST_DOMAIN}/ns/edge/sa/meshproxy"
_TYPE = "type.googleapis.com/envoy"


def name_of(case: str) -> str:
    """The service's name in the mesh."""
    return f"{case}.store.svc.cluster.local"


def id_of(account: str) -> str:
    """The SPIFFE id of a workload there."""
    return f"spiffe://{TRUST_DOMAIN}/ns/store/sa/{account}"


@dataclass(frozen=True)
class Service:
    """One service and what is wrong with it.

    :ivar endpoint: the port where its pod is: a sidecar's (``sidecar`` is set), or the container's; ``None``: no endpoint.
    :ivar container: the port of the container behind its sidecar.
    :ivar mtls: our sidecar's certificate towards it: ``None``: plaintext.
    :ivar expects: the SPIFFE id that our sidecar accepts.
    :ivar sends_certificate: ISTIO_MUTUAL, not SIMPLE.
    :ivar sidecar: the certificate of its own sidecar, STRICT.
    :ivar http2: our sidecar was told that it speaks HTTP/2.
    :ivar route: more for its route; ``action``: in place of one that leads to its cluster.
    :ivar filters: of its own sidecar (else of ours, where it has none).
    """

    endpoint: int | None = None
    container: int = 0
    mtls: Workload | None = None
    expects: str = id_of("store")
    sends_certificate: bool = True
    sidecar: Workload | None = None
    http2: bool = False
    route: dict[str, Any] = field(default_factory=dict)
    action: dict[str, Any] | None = None
    filters: tuple[dict[str, Any], ...] = ()
    registry_only: bool = False
    connect_timeout: str = "10s"
    tcp_filters: tuple[dict[str, Any], ...] = ()


def typed(name: str, kind: str, **config: Any) -> dict[str, Any]:
    """An extension with its configuration."""
    return {"name": name, "typed_config": {"@type": f"{_TYPE}.{kind}", **config}}


def failing_config(admin: int, services: dict[str, Service], outbound: dict[str, int]) -> dict[str, Any]:
    """The whole bootstrap. ``outbound``: the port of our own sidecar's listener, by service."""
    listeners: list[dict[str, Any]] = []
    clusters: list[dict[str, Any]] = []
    for case, service in services.items():
        listeners.append(_outbound(case, service, outbound[case]))
        if service.action is None:
            clusters.append(_cluster(_outbound_name(case), service.endpoint, service, _client(service)))
        clusters.append(_cluster(f"PassthroughCluster-{case}", service.endpoint, service, None))
        if service.sidecar is not None and service.endpoint is not None:
            listeners.append(_inbound(case, service, service.endpoint))
            clusters.append(_cluster(f"inbound|80|{case}|", service.container, service, None))
    return {"admin": {"address": _address(admin)}, "static_resources": {"listeners": listeners, "clusters": clusters}}


def _outbound_name(case: str) -> str:
    return f"outbound|80||{name_of(case)}"


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _router() -> dict[str, Any]:
    return typed("envoy.filters.http.router", "extensions.filters.http.router.v3.Router")


def _http(prefix: str, hosts: list[dict[str, Any]], filters: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    return typed(
        "envoy.filters.network.http_connection_manager", "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=prefix, normalize_path=True, stream_idle_timeout="0s", upgrade_configs=[{"upgrade_type": "websocket"}],
        route_config={"name": prefix, "ignore_port_in_host_matching": True, "validate_clusters": False, "virtual_hosts": hosts},
        http_filters=[*filters, _router()], **more,
    )


def _host(name: str, domains: list[str], action: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "domains": domains, "routes": [{"match": {"prefix": "/"}, **action}]}


def _outbound(case: str, service: Service, port: int) -> dict[str, Any]:
    retries = {"retry_on": "connect-failure,refused-stream,unavailable,cancelled", "num_retries": 2}
    action = service.action or {"route": {"cluster": _outbound_name(case), "timeout": "0s", "retry_policy": retries, **service.route}}
    hosts = [] if case.startswith("nohost") else [_host(case, [name_of(case), f"{case}.store", f"{case}.store.svc"], action)]
    passthrough = f"PassthroughCluster-{case}"
    otherwise: dict[str, Any] = (
        {"direct_response": {"status": 502}} if service.registry_only else {"route": {"cluster": passthrough, "timeout": "0s"}})
    hosts.append(_host("block_all" if service.registry_only else "allow_any", ["*"], otherwise))
    ours = () if service.sidecar is not None else service.filters
    tcp = typed("envoy.filters.network.tcp_proxy", "extensions.filters.network.tcp_proxy.v3.TcpProxy", stat_prefix=passthrough,
                cluster=passthrough)
    return {
        "name": f"outbound_{case}", "address": _address(port), "traffic_direction": "OUTBOUND", "listener_filters_timeout": "0s",
        "continue_on_listener_filters_timeout": True,
        "listener_filters": [
            typed("envoy.filters.listener.tls_inspector", "extensions.filters.listener.tls_inspector.v3.TlsInspector"),
            typed("envoy.filters.listener.http_inspector", "extensions.filters.listener.http_inspector.v3.HttpInspector"),
        ],
        "filter_chains": [{
            "filter_chain_match": {"application_protocols": ["http/1.1", "h2c"], "transport_protocol": "raw_buffer"},
            "filters": [_http(f"outbound_{case}", hosts, ours)],
        }],
        "default_filter_chain": {"filters": [tcp]},
    }


def _certificates(workload: Workload) -> list[dict[str, Any]]:
    return [{"certificate_chain": {"filename": str(workload.cert_file)}, "private_key": {"filename": str(workload.key_file)}}]


def _client(service: Service) -> dict[str, Any] | None:
    """What our sidecar does towards the endpoint."""
    if service.mtls is None:
        return None
    context: dict[str, Any] = {
        "alpn_protocols": ["istio", "http/1.1"],
        "validation_context": {
            "trusted_ca": {"filename": str(service.mtls.ca_file)},
            "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"exact": service.expects}}],
        },
    }
    if service.sends_certificate:
        context["tls_certificates"] = _certificates(service.mtls)
    return typed(
        "envoy.transport_sockets.tls", "extensions.transport_sockets.tls.v3.UpstreamTlsContext", sni="outbound_.80_._.x",
        common_tls_context=context)


def _inbound(case: str, service: Service, port: int) -> dict[str, Any]:
    """The sidecar of the other side, STRICT."""
    workload = service.sidecar
    assert workload is not None
    transport = typed(
        "envoy.transport_sockets.tls", "extensions.transport_sockets.tls.v3.DownstreamTlsContext", require_client_certificate=True,
        common_tls_context={
            "alpn_protocols": ["istio", "http/1.1"], "tls_certificates": _certificates(workload),
            "validation_context": {"trusted_ca": {"filename": str(workload.ca_file)}},
        })
    hosts = [_host(f"inbound|80|{case}|", ["*"], {"route": {"cluster": f"inbound|80|{case}|", "timeout": "0s"}})]
    return {
        "name": f"inbound_{case}", "address": _address(port), "traffic_direction": "INBOUND",
        "listener_filters": [typed("envoy.filters.listener.tls_inspector", "extensions.filters.listener.tls_inspector.v3.TlsInspector")],
        "filter_chains": [{
            "filter_chain_match": {"transport_protocol": "tls"}, "transport_socket": transport,
            "filters": [*service.tcp_filters, _http(f"inbound_{case}", hosts, service.filters, server_name="istio-envoy")],
        }],
    }


def _cluster(name: str, port: int | None, service: Service, transport: dict[str, Any] | None) -> dict[str, Any]:
    endpoints = [] if port is None else [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}]
    cluster: dict[str, Any] = {
        "name": name, "connect_timeout": service.connect_timeout, "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }
    if transport is not None:
        cluster["transport_socket"] = transport
    if service.http2 and name.startswith("outbound|"):
        cluster["typed_extension_protocol_options"] = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": f"{_TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}},
        }}
    return cluster
