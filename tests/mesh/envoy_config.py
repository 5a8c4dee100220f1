"""What does Istio tell two sidecars? The configuration of one Envoy that is both of them, on loopback.

    meshproxy ──plain HTTP──▶ outbound, ALLOW_ANY (protocol sniffing)   ┐
                              outbound, REGISTRY_ONLY                   ┤ mutual TLS where Host is the service's,
                              outbound, ALLOW_ANY without sniffing      ┘ plaintext to the original destination where not
                                   ▼
                              inbound, PeerAuthentication STRICT
                                   ▼ plain HTTP
                              the service

In a cluster iptables bends a connection to ``SERVICE:80`` to the sidecar; here the client dials the sidecar's listener. Istio's
PassthroughCluster asks the kernel for the original destination; here there is one such: the strict inbound port, in plaintext.
Because no resolver here knows the cluster's names, the service is also called ``localhost``: a name that leads to the sidecar.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMESPACE = "shop"
SERVICE = "orders"
HOST = f"{SERVICE}.{NAMESPACE}.svc.cluster.local"
CLUSTER_IP = "10.96.0.10"
CLIENT_ID = "spiffe://cluster.local/ns/meshproxy/sa/meshproxy"
SERVICE_ID = f"spiffe://cluster.local/ns/{NAMESPACE}/sa/{SERVICE}"

_TYPE = "type.googleapis.com/envoy"
_OUTBOUND = f"outbound|80||{HOST}"
_LOG_LINE = (
    'on=%DOWNSTREAM_LOCAL_ADDRESS% "%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL%" host=%REQ(:AUTHORITY)% %RESPONSE_CODE% %RESPONSE_FLAGS% '
    "%RESPONSE_CODE_DETAILS% route=%ROUTE_NAME% cluster=%UPSTREAM_CLUSTER% peer=%DOWNSTREAM_PEER_URI_SAN%\n"
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens."""

    admin: int
    outbound_any: int
    outbound_registry_only: int
    outbound_plain: int
    inbound: int
    service: int


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload's certificate and key, and the mesh's root."""

    cert_file: Path
    key_file: Path
    ca_file: Path


def envoy_config(ports: Ports, client: Workload, server: Workload, log_file: Path) -> dict[str, Any]:
    """The whole bootstrap, as Envoy reads it from JSON."""
    log = _access_log(log_file)
    allow_any = _routes(_vhost("allow_any", ["*"], {"route": {"cluster": "PassthroughCluster", "timeout": "0s"}}))
    registry_only = _routes(_vhost("block_all", ["*"], {"direct_response": {"status": 502}}))
    return {
        "admin": {"address": _address(ports.admin)},
        "static_resources": {
            "listeners": [
                _outbound("0.0.0.0_80", ports.outbound_any, allow_any, log, sniffing=True),
                _outbound("0.0.0.0_80_registry_only", ports.outbound_registry_only, registry_only, log),
                _outbound("outbound_http_declared", ports.outbound_plain, allow_any, log),
                _inbound(ports.inbound, server, log),
            ],
            "clusters": [
                _cluster(_OUTBOUND, ports.inbound, _upstream_tls(client)),
                _cluster("PassthroughCluster", ports.inbound),
                _cluster("inbound|80||", ports.service),
            ],
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _typed(name: str, kind: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": f"{_TYPE}.{kind}", **config}}


def _access_log(file: Path) -> list[dict[str, Any]]:
    return [_typed(
        "envoy.access_loggers.file", "extensions.access_loggers.file.v3.FileAccessLog",
        path=str(file), log_format={"text_format_source": {"inline_string": _LOG_LINE}},
    )]


def _vhost(name: str, domains: list[str], action: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "include_request_attempt_count": True, "domains": domains,
            "routes": [{"name": name, "match": {"prefix": "/"}, **action}]}


def _routes(otherwise: dict[str, Any]) -> dict[str, Any]:
    """The routes of port 80 as istiod writes them for a client in another namespace, and what becomes of every other Host."""
    retries = {
        "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
        "num_retries": 2, "host_selection_retry_max_attempts": 5,
    }
    names = [HOST, f"{HOST}.", f"{SERVICE}.{NAMESPACE}", f"{SERVICE}.{NAMESPACE}.svc", CLUSTER_IP, "localhost"]
    service = _vhost(f"{HOST}:80", names, {"route": {"cluster": _OUTBOUND, "timeout": "0s", "retry_policy": retries}})
    return {"name": "80", "ignore_port_in_host_matching": True, "virtual_hosts": [service, otherwise]}


def _http(prefix: str, routes: dict[str, Any], log: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return _typed(
        "envoy.filters.network.http_connection_manager", "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=prefix, codec_type="AUTO", use_remote_address=False, normalize_path=True, stream_idle_timeout="0s",
        upgrade_configs=[{"upgrade_type": "websocket"}], access_log=log, route_config=routes,
        http_filters=[_typed("envoy.filters.http.router", "extensions.filters.http.router.v3.Router")], **more,
    )


def _outbound(name: str, port: int, routes: dict[str, Any], log: list[dict[str, Any]], *, sniffing: bool = False) -> dict[str, Any]:
    listener: dict[str, Any] = {"name": name, "address": _address(port), "traffic_direction": "OUTBOUND"}
    chain: dict[str, Any] = {"filters": [_http(name, routes, log)]}
    if sniffing:
        # Istio's protocol detection: HTTP/1.1 goes to the routes, anything else raw to the original destination.
        chain["filter_chain_match"] = {"application_protocols": ["http/1.1", "h2c"], "transport_protocol": "raw_buffer"}
        listener |= {
            "listener_filters_timeout": "0s", "continue_on_listener_filters_timeout": True,
            "listener_filters": [
                _typed("envoy.filters.listener.http_inspector", "extensions.filters.listener.http_inspector.v3.HttpInspector")
            ],
            "default_filter_chain": {"name": "PassthroughFilterChain", "filters": [_typed(
                "envoy.filters.network.tcp_proxy", "extensions.filters.network.tcp_proxy.v3.TcpProxy",
                stat_prefix="PassthroughCluster", cluster="PassthroughCluster", access_log=log,
            )]},
        }
    return {**listener, "filter_chains": [chain]}


def _tls_context(workload: Workload, san: dict[str, str], alpn: list[str]) -> dict[str, Any]:
    return {
        "alpn_protocols": alpn,
        "tls_certificates": [{
            "certificate_chain": {"filename": str(workload.cert_file)}, "private_key": {"filename": str(workload.key_file)},
        }],
        "validation_context": {
            "trusted_ca": {"filename": str(workload.ca_file)},
            "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": san}],
        },
    }


def _inbound(port: int, server: Workload, log: list[dict[str, Any]]) -> dict[str, Any]:
    """STRICT: there is a chain for TLS and none for plaintext."""
    routes = {"name": "inbound|80||", "virtual_hosts": [_vhost("inbound|http|80", ["*"], {"route": {
        "cluster": "inbound|80||", "timeout": "0s", "retry_policy": {"retry_on": "reset-before-request", "num_retries": 2},
    }})]}
    transport = _typed(
        "envoy.transport_sockets.tls", "extensions.transport_sockets.tls.v3.DownstreamTlsContext", require_client_certificate=True,
        common_tls_context=_tls_context(server, {"prefix": "spiffe://cluster.local/"}, ["h2", "http/1.1"]),
    )
    http = _http(
        "inbound_0.0.0.0_80", routes, log, server_name="istio-envoy", forward_client_cert_details="APPEND_FORWARD",
        set_current_client_cert_details={"subject": True, "uri": True, "dns": True},
    )
    return {
        "name": "virtualInbound", "address": _address(port), "traffic_direction": "INBOUND", "access_log": log,
        "listener_filters": [_typed("envoy.filters.listener.tls_inspector", "extensions.filters.listener.tls_inspector.v3.TlsInspector")],
        "filter_chains": [{"filter_chain_match": {"transport_protocol": "tls"}, "transport_socket": transport, "filters": [http]}],
    }


def _upstream_tls(client: Workload) -> dict[str, Any]:
    """What auto-mTLS puts before a peer that has a sidecar."""
    return _typed(
        "envoy.transport_sockets.tls", "extensions.transport_sockets.tls.v3.UpstreamTlsContext", sni=f"outbound_.80_._.{HOST}",
        common_tls_context=_tls_context(client, {"exact": SERVICE_ID}, ["istio", "http/1.1"]),
    )


def _cluster(name: str, port: int, transport: dict[str, Any] | None = None) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(port)}}
    cluster: dict[str, Any] = {
        "name": name, "connect_timeout": "10s", "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    if transport is not None:
        cluster["transport_socket"] = transport
    return cluster
