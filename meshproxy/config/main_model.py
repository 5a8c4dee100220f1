"""What may stand in ``meshproxy.toml``? The contract's §2.1 as models; the descriptions are those of the JSON Schema.

The rule: a model knows one value at a time. What values must be to each other is judged where settings are built from them.
"""

from __future__ import annotations

from typing import Literal

from .kinds import (
    AdminUrl,
    CookieDomain,
    Email,
    Endpoint,
    Network,
    OptionalEndpoint,
    PublicUrl,
    TableName,
    Text,
    TrustedPeer,
)
from .table import OpenTable, Table, key, required, tables
from .units import Duration, PositiveSize, Size


class LogTable(Table):
    """What meshproxy says about its own work."""

    level: Literal["debug", "info", "warn", "error"] = key(
        "info", "How much is said on standard error; debug shows outgoing heads, redacted."
    )
    access: Literal["json", "text", "off"] = key("json", "The access log: one line a request on standard output.")
    file: Text | None = key(None, "A file for the access log instead of standard output; needed when daemonised.")


class OperatorsTable(Table):
    """Who sees diagnoses on error pages, the inspector and everybody's sessions. Nobody by default."""

    groups: list[Text] = key([], "Members of any of these groups.")
    emails: list[Email] = key([], "People with any of these verified e-mail addresses.")
    providers: list[Text] = key([], "Only people of these identity providers.")


class SessionTable(OpenTable):
    """Who is logged in, and for how long. Further keys belong to the plugin that is the store."""

    store: Text = key("cookie", "Where sessions live: cookie, memory, redis or a plugin's store.")
    secret: Text | None = key(None, "Session keys, one a line, newest first; each base64url of 32 random bytes. Better: secret_file.")
    secret_file: Text | None = key(None, "The file with the session keys.")
    secret_env: Text | None = key(None, "The environment variable with the session keys.")
    lifetime: Duration = key("12h", "The longest life of a session.")
    idle_timeout: Duration = key("1h", "A session without a request for so long ends.")
    recheck: Duration = key("15m", "How often a handed-off session without a refresh token asks its parent session again.")
    cookie_domain: CookieDomain = key("", "Empty: host-only cookies, the safer choice. Else one cookie for all hosts of the domain.")
    redis_url: Text | None = key(None, "redis://, rediss:// or unix: of a Redis that replicas share.")
    redis_url_file: Text | None = key(None, "The file with the Redis URL.")
    redis_url_env: Text | None = key(None, "The environment variable with the Redis URL.")
    redis_username: Text | None = key(None, "The ACL user at Redis.")
    redis_password: Text | None = key(None, "The password at Redis. Better: redis_password_file.")
    redis_password_file: Text | None = key(None, "The file with the password at Redis.")
    redis_password_env: Text | None = key(None, "The environment variable with the password at Redis.")
    redis_ca_file: Text | None = key(None, "PEM of the CAs to trust for rediss://, instead of the system's.")


class ProviderTable(OpenTable):
    """An identity provider; the further keys belong to its type."""

    type: Text = required("users", "oidc, github, users, bearer, mesh or a plugin's.")


class LimitsTable(Table):
    """What one connection, one head, one body may cost."""

    connections: int = key(10_000, "Connections in all; 0: no limit.", ge=0)
    connections_per_peer: int = key(0, "Connections of one peer address; 0: no limit (behind a sidecar every peer is the same).", ge=0)
    head_bytes: PositiveSize = key("64KiB", "The head of a request (431) and of an answer (502).")
    target_bytes: PositiveSize = key("16KiB", "The request target (414).")
    fields: int = key(200, "Fields of a request (431) and of an answer (502).", ge=1)
    head: Duration = key("10s", "From the connection, or the head's first byte, until the head is complete (408).")
    keep_alive: Duration = key("75s", "Between two requests on a connection.")
    body_idle: Duration = key("10s", "A request body without a byte for so long is given up (408).")
    body_rate: Size = key("500B", "A request body slower than this a second, after body_idle, is given up (408); 0: no limit.")
    stalled: Duration = key("15s", "Our bytes wait and the browser takes none: closed.")
    body_bytes: Size = key(0, "The longest request body (413); 0: no limit. A service may set its own.")


class AuditTable(OpenTable):
    """An audit logger; the further keys belong to its type."""

    type: Text = required("jsonl", "jsonl or a plugin's.")
    required: bool = key(False, "What cannot be recorded is not allowed.")


class CertificateTable(Table):
    """A certificate chain and its key."""

    cert_file: Text = required("tls.crt", "PEM of the chain, the certificate itself first.")
    key_file: Text = required("tls.key", "PEM of the private key.")


class ListenTlsTable(Table):
    """TLS of the listeners that are called ``tls:PORT``."""

    cert_file: Text | None = key(None, "PEM of the chain, the certificate itself first; needed as soon as listen has a tls:.")
    key_file: Text | None = key(None, "PEM of the private key.")
    client_ca_file: Text | None = key(None, "Ask clients for a certificate of these CAs.")
    client_cert: Literal["none", "optional", "required"] | None = key(
        None, "Whether a client must have one; required where client_ca_file is set, else none."
    )
    more: list[CertificateTable] = tables(list, "Further certificates, chosen by the name that the client asks for (SNI).")


class MainFile(Table):
    """meshproxy.toml"""

    public_url: PublicUrl = required("https://apps.example.com", "Where browsers find meshproxy; http:// only on loopback.")
    listen: list[Endpoint] = key(["tcp:8080"], "Twisted endpoint strings, and tls:PORT[:interface=ADDRESS].", min_length=1)
    admin_listen: OptionalEndpoint = key("tcp:9901", "Where /healthz, /readyz and /metrics are; empty: nowhere.")
    control: str = key("", "The unix socket of the command line; empty: in the run-time directory, named after the conf directory.")
    state_dir: str = key("", "What must survive a restart without Redis; empty: nothing does.")
    trusted_peers: list[TrustedPeer] = key([], "Networks or spiffe:// ids whose X-Forwarded-* are believed.")
    mesh: bool = key(True, "The Host rules of an Istio mesh apply.")
    sidecar_peers: list[Network] | None = key(
        None, "Where connections of our own sidecar come from; 127.0.0.6/32 with mesh = true, else none."
    )
    sidecar_admin: AdminUrl | None = key(
        None, "Our own sidecar's admin, which doctor reads; http://127.0.0.1:15000 with mesh = true; empty: never."
    )
    samples: bool = key(False, "Allow sample: upstreams where public_url is not a loopback address.")
    log: LogTable = tables(LogTable, "Logs.")
    operators: OperatorsTable = tables(OperatorsTable, "Who sees diagnoses.")
    session: SessionTable = tables(SessionTable, "Sessions.")
    identity: dict[TableName, ProviderTable] = tables(dict, "Identity providers by name; several at once give a chooser.")
    limits: LimitsTable = tables(LimitsTable, "Limits towards browsers.")
    audit: dict[TableName, AuditTable] = tables(dict, "Audit loggers by name.")
    tls: ListenTlsTable | None = key(None, "TLS towards browsers.")
