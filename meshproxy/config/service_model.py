"""What may stand in a file of ``services/``? The contract's §2.2 as models; the descriptions are those of the JSON Schema.

The rule: a model knows one value at a time. What values must be to each other is judged where settings are built from them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict

from .kinds import (
    AllowedOrigin,
    ClaimValues,
    Email,
    EmailDomain,
    FieldName,
    HostName,
    Icon,
    RequestHost,
    RoutePath,
    SpiffeId,
    Text,
    UpstreamUrl,
)
from .table import OpenTable, Table, key, required, tables
from .units import Duration, Size


class RouteTable(Table):
    """What selects the service."""

    host: HostName | None = key(None, "The public host; absent: that of public_url.")
    path: RoutePath = key("/", "A prefix of whole segments; the longest match wins.")
    strip_path: bool = key(False, "The service does not see the prefix.")


class AccessTable(Table):
    """Who may enter. Nobody does by default; any one rule that is met is enough."""

    public: bool = key(False, "Everybody; who has a session is still told to the service.")
    authenticated: bool = key(False, "Everybody who is logged in.")
    groups: list[Text] = key([], "Members of any of these groups.")
    emails: list[Email] = key([], "People with any of these verified e-mail addresses.")
    domains: list[EmailDomain] = key([], "People whose verified e-mail address is in any of these domains.")
    claims: dict[Text, ClaimValues] = tables(dict, "A claim (dotted path) and the values of which it must have one.")
    providers: list[Text] = key([], "Only people of these identity providers.")
    show: Literal["allowed", "always", "never"] = key("allowed", "On the home page: to whom it is open, to everybody (greyed), to nobody.")
    preflight: Literal["challenge", "forward"] = key("challenge", "forward: CORS preflights pass without session and identity.")


class RequestTable(Table):
    """What is done to a request."""

    host: RequestHost = key("upstream", "The Host that is sent: upstream, preserve (refused for plain http in a mesh) or a literal name.")
    origin: Literal["rewrite", "keep", "drop"] = key(
        "rewrite", "Origin, Referer and Destination: translated to the upstream's name, kept or dropped."
    )
    allowed_origins: list[AllowedOrigin] = key([], "Further origins whose pages may write to, or open WebSockets of, this service.")
    authorization: Literal["keep", "drop"] = key(
        "keep", "Authorization of the browser, where no rewriter sets it and no provider consumed it."
    )
    strip: list[FieldName] = key([], "Further fields to drop.")
    body_bytes: Size | None = key(None, "The longest body (413), 0: no limit; absent: as in [limits].")
    via: bool = key(False, "Add Via: 1.1 meshproxy, and answer 508 to a request that carries it already.")


class ResponseTable(Table):
    """What is done to an answer."""

    locations: Literal["rewrite", "keep"] = key("rewrite", "Location and the like: back to the public name, or kept.")
    strip: list[FieldName] = key([], "Fields to drop.")


class RewriteTable(OpenTable):
    """A header rewriter; the further keys belong to it."""

    use: Text = required("forwarded-user", "Which one: forwarded-user, grafana, remote-user, bearer, basic, fields … or a plugin's.")


class TimeoutsTable(Table):
    """How long the service may take."""

    connect: Duration = key("5s", "To connect, TLS included.")
    response: Duration = key("60s", "Until the head of the answer.")
    idle: Duration = key("5m", "Between two bytes of the answer.")
    tunnel_idle: Duration = key("1h", "A WebSocket without a byte.")


class PoolTable(Table):
    """How much at once."""

    active: int = key(200, "Requests at once; the others queue.", ge=1)
    queue: int = key(100, "Requests that may queue; more get 503 with Retry-After.", ge=0)
    queue_for: Duration = key("5s", "How long a request queues before it gets 503.")
    tunnels: int = key(2000, "WebSockets at once, counted apart.", ge=0)
    per_principal: int = key(64, "Requests, and tunnels, of one person at once; the excess queues. 0: no limit.", ge=0)
    idle: Duration = key("50s", "How long an idle connection is kept; below the service's own keep-alive.")


class UpstreamTlsTable(Table):
    """TLS towards the service; only with https://."""

    ca_file: Text | None = key(None, "PEM of the CAs to trust, instead of the system's.")
    server_name: HostName | None = key(None, "SNI, and the name or address that the certificate must carry; absent: the host of upstream.")
    spiffe_id: SpiffeId | None = key(None, "The URI that the certificate must carry instead of a name; needs ca_file.")
    cert_file: Text | None = key(None, "PEM of our client certificate.")
    key_file: Text | None = key(None, "PEM of its private key.")
    min_version: Literal["1.2", "1.3"] = key("1.2", "The oldest TLS that is spoken.")
    verify: bool = key(True, "false: no check at all. Never in production.")


def _access_is_required(schema: dict[str, Any]) -> None:
    """For editors: the model itself has a default, so that a missing table is reported in our own words."""
    schema["required"] = ["upstream", "access"]


class ServiceFile(Table):
    """services/NAME.toml: one service; the file's name is the service's name."""

    model_config = ConfigDict(json_schema_extra=_access_is_required)

    title: Text | None = key(None, "What people read; absent: the service's name.")
    description: str = key("", "One line below the title.")
    icon: Icon = key("", "A picture (svg, png, jpg, webp), relative to the conf directory or to its icons/.")
    upstream: UpstreamUrl = required("http://localhost", "Where the service lives: http://, https://, unix:PATH or sample:.")
    route: RouteTable = tables(RouteTable, "What selects the service.")
    access: AccessTable = tables(AccessTable, "Who may enter; required.")
    request: RequestTable = tables(RequestTable, "What is done to a request.")
    response: ResponseTable = tables(ResponseTable, "What is done to an answer.")
    rewrite: list[RewriteTable] = tables(list, "Header rewriters, in this order.")
    timeouts: TimeoutsTable = tables(TimeoutsTable, "How long the service may take.")
    pool: PoolTable = tables(PoolTable, "How much at once.")
    tls: UpstreamTlsTable | None = key(None, "TLS towards the service.")
