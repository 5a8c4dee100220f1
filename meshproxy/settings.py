"""What has the operator decided? The conf directory as frozen values, valid by construction.

:mod:`meshproxy.config` makes these from files and is the only place that does. A reload makes a new ``Settings``
and swaps it; requests that began with the old one end with the old one. Spans are seconds, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from .core.places import Origin, Upstream
from .core.policy import AccessSettings, RequestSettings, ResponseSettings, RouteSettings

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class PluginTable:
    """One table that a plugin reads: a ``[[rewrite]]``, ``[identity.NAME]``, ``[audit.NAME]``.

    :ivar use: which plugin: ``use`` of a rewrite, ``type`` of the others.
    :ivar name: the table's own name (``corp`` of ``[identity.corp]``); for a rewrite the same as ``use``.
    :ivar options: the rest of the table as it stands in the file, secrets unresolved; the plugin host validates it.
    :ivar file: the file it stands in, and ``key`` where (``identity.corp``, ``rewrite.0``), for error messages.
    :ivar required: of ``[audit.NAME]``: what this logger cannot record is not allowed. No option: the logger does not see it.
    """

    use: str
    name: str
    options: Mapping[str, object]
    file: Path
    key: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class TimeoutSettings:
    """Seconds."""

    connect: float = 5.0
    response: float = 60.0
    idle: float = 300.0
    tunnel_idle: float = 3600.0


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many requests and tunnels at once go to a service, and how long an idle connection is kept (seconds)."""

    active: int = 200
    queue: int = 100
    queue_for: float = 5.0
    tunnels: int = 2000
    per_principal: int = 64
    idle: float = 50.0


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """TLS towards a service (diagnosis.md §5)."""

    ca_file: Path | None = None
    server_name: str | None = None
    spiffe_id: str | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    min_version: Literal["1.2", "1.3"] = "1.2"
    verify: bool = True


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """One file of ``conf/services/``."""

    name: str
    title: str
    upstream: Upstream
    route: RouteSettings
    access: AccessSettings
    description: str = ""
    icon: str = ""  # the absolute path of a picture
    request: RequestSettings = RequestSettings()
    response: ResponseSettings = ResponseSettings()
    rewrite: tuple[PluginTable, ...] = ()
    timeouts: TimeoutSettings = TimeoutSettings()
    pool: PoolSettings = PoolSettings()
    tls: UpstreamTls | None = None
    file: Path = Path()


@dataclass(frozen=True, slots=True)
class ListenCertificate:
    """One certificate chain and its key, PEM."""

    cert_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class ListenTls:
    """TLS of ``listen = ["tls:PORT"]``: the first certificate is the default, the others are chosen by SNI."""

    certificates: tuple[ListenCertificate, ...]
    client_ca_file: Path | None = None
    client_cert: Literal["none", "optional", "required"] = "none"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """``file`` is ``None`` for the standard streams."""

    level: Literal["debug", "info", "warn", "error"] = "info"
    access: Literal["json", "text", "off"] = "json"
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """Who sees diagnoses; nobody by default."""

    groups: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """``keys`` are 32-byte secrets, newest first; empty: a key for this run only is made at start."""

    store: str = "cookie"
    keys: tuple[bytes, ...] = ()
    lifetime: float = 12 * 3600.0
    idle_timeout: float = 3600.0
    recheck: float = 900.0
    cookie_domain: str = ""
    redis_url: str = ""
    redis_ca_file: Path | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Without keys and without the password that a Redis URL may carry."""
        return f"<SessionSettings store={self.store!r} keys={len(self.keys)} redis={bool(self.redis_url)}>"


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What one connection, one head, one body may cost. 0 means: no limit."""

    connections: int = 10_000
    connections_per_peer: int = 0
    head_bytes: int = 64 * 1024
    target_bytes: int = 16 * 1024
    fields: int = 200
    head: float = 10.0
    keep_alive: float = 75.0
    body_idle: float = 10.0
    body_rate: int = 500
    stalled: float = 15.0
    body_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole conf directory."""

    conf_dir: Path
    public_url: Origin
    services: tuple[ServiceSettings, ...] = ()
    identity: tuple[PluginTable, ...] = ()
    audit: tuple[PluginTable, ...] = ()
    listen: tuple[str, ...] = ("tcp:8080",)
    admin_listen: str = "tcp:9901"
    control: str = ""
    state_dir: Path | None = None
    trusted_networks: tuple[Network, ...] = ()
    trusted_spiffe_ids: tuple[str, ...] = ()
    mesh: bool = True
    sidecar_networks: tuple[Network, ...] = ()
    sidecar_admin: str = ""
    samples: bool = False
    log: LogSettings = LogSettings()
    operators: OperatorSettings = OperatorSettings()
    session: SessionSettings = SessionSettings()
    limits: LimitSettings = LimitSettings()
    tls: ListenTls | None = None
    files: frozenset[Path] = frozenset()

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host that is answered: that of ``public_url`` first, then those of the routes."""
        return tuple(dict.fromkeys((self.public_url.host, *(service.route.host for service in self.services))))
