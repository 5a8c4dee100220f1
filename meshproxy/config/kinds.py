"""Which kinds of values stand in conf files? Annotated types: each reads one kind and returns it in its one spelling.

The rule: a model's key says its kind and nothing more; the kind says what is allowed, for the file and for the JSON Schema alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, PlainValidator, StringConstraints, WithJsonSchema

from ..core.places import Origin, Upstream
from .hosts import parse_authority, parse_host, parse_origin, parse_public_url, parse_url
from .listeners import parse_listener
from .upstreams import parse_upstream
from .wrong import Wrong, one_of

T = TypeVar("T")

OWN_PREFIX = "/_meshproxy"
ICON_SUFFIXES = (".svg", ".png", ".jpg", ".jpeg", ".webp", ".ico")

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_TABLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ROUTE_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,=:@-]+(?:/[A-Za-z0-9._~!$&'()*+,=:@-]+)*")
_SPIFFE = re.compile(r"spiffe://[a-z0-9._-]{1,255}(?:/[A-Za-z0-9._-]+)*")
#: Fields that frame a message or belong to meshproxy: no service may have them "stripped".
_UNSTRIPPABLE = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type", "set-cookie"})


def _text(parse: Callable[[str], T]) -> Callable[[object], T]:
    """A reader of strings that refuses everything else with one sentence."""

    def read(value: object) -> T:
        if not isinstance(value, str):
            raise Wrong("must be a string in quotes")
        return parse(value)

    return read


def _schema(pattern: str | None = None, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string"} | ({"pattern": pattern} if pattern else {}) | more)


def parse_name(text: str) -> str:
    """The name of a service: it stands in metrics, logs and assertions."""
    if not _NAME.fullmatch(text) or len(text) > 63:
        fixed = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
        raise Wrong(f"{text!r} is no name: small letters, digits and '-', at most 63", f"did you mean '{fixed}'?" if fixed else None)
    return text


def parse_table_name(text: str) -> str:
    """The name of a provider or an audit logger: what TOML takes as a bare key; it stands in URLs and logs."""
    if not _TABLE_NAME.fullmatch(text):
        raise Wrong(f"{text!r} is no name: letters, digits, '-' and '_', at most 63")
    return text


def parse_route_path(text: str) -> str:
    """A prefix of whole segments that has one reading: no encoding, no dot segments, no empty ones (wire-rules: every reading)."""
    if not text.startswith("/"):
        raise Wrong(f"{text!r}: a path begins with '/'", f"did you mean '/{text}'?" if text else "did you mean '/'?")
    path = text if text == "/" else text.removesuffix("/")
    if text != "/" and (not _ROUTE_PATH.fullmatch(path) or {".", ".."} & set(path.split("/"))):
        raise Wrong(f"{text!r}: a route's path is plain segments: no encoding, wildcard, query, empty or dot segment")
    if path.lower() == OWN_PREFIX or path.lower().startswith(OWN_PREFIX + "/"):
        raise Wrong(f"{text!r}: everything under {OWN_PREFIX}/ is meshproxy's own on every host")
    return path


def parse_field_name(text: str) -> str:
    """A field name (RFC 9110 §5.1) that may be taken away."""
    if not _TOKEN.fullmatch(text):
        raise Wrong(f"{text!r} is no field name")
    if text.lower() in _UNSTRIPPABLE:
        raise Wrong(f"{text!r} cannot be stripped: a message does not work without it")
    return text


def parse_request_host(text: str) -> str:
    """``upstream``, ``preserve``, or the literal Host that is sent: a name, with a port where one is written."""
    if text in ("upstream", "preserve"):
        return text
    host, port = parse_authority(text)
    return host if port is None else f"{host}:{port}"


def parse_allowed_origin(text: str) -> str:
    """An origin as browsers serialise it; ``*`` and ``null`` would be everybody."""
    if text in ("*", "null"):
        raise Wrong(f"{text!r} would allow everybody: name each origin, https://HOST[:PORT]")
    return str(parse_origin(text))


def parse_trusted_peer(text: str) -> IPv4Network | IPv6Network | str:
    """A network in CIDR form, a lone address, or a SPIFFE id."""
    if text.startswith("spiffe:"):
        return parse_spiffe_id(text)
    return parse_network(text)


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """A network in CIDR form or a lone address, without bits set behind the prefix."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise Wrong(f"{text!r} is no network: 10.0.0.0/8, fd00::/8 or an address") from None
    raise Wrong(f"{text!r} has bits set behind its prefix", f"did you mean '{network}'?")


def parse_spiffe_id(text: str) -> str:
    """A SPIFFE id: ``spiffe://TRUST-DOMAIN/PATH``, at most 2048 bytes (SPIFFE-ID §2)."""
    if len(text) > 2048 or not _SPIFFE.fullmatch(text) or {".", ".."} & set(text[9:].split("/")):
        raise Wrong(f"{text!r} is no SPIFFE id: spiffe://TRUST-DOMAIN/PATH")
    return text


def parse_email(text: str) -> str:
    """An e-mail address, as far as access needs it: something, one ``@``, a domain."""
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or re.search(r"\s", text):
        raise Wrong(f"{text!r} is no e-mail address")
    return text


def parse_email_domain(text: str) -> str:
    """The domain of e-mail addresses; subdomains are others."""
    if "@" in text:
        raise Wrong(f"{text!r}: a domain stands here", f"did you mean '{text.rpartition('@')[2]}'?")
    return parse_host(text)


def parse_icon(text: str) -> str:
    """The name of a picture file."""
    if text and not text.lower().endswith(ICON_SUFFIXES):
        raise Wrong(f"{text!r} is no picture that works here: {one_of(ICON_SUFFIXES)}")
    return text


def parse_admin_url(text: str) -> str:
    """Where the sidecar's admin answers: plain http, without a path; "" for nowhere."""
    if not text:
        return ""
    url = parse_url(text, "http")
    if url.path not in ("", "/"):
        raise Wrong("carries no path: http://127.0.0.1:15000")
    return str(Origin("http", url.host, url.port))


def parse_cookie_domain(text: str) -> str:
    """A domain that browsers take in ``Domain``: a name with a dot in it, no address; "" for host-only cookies."""
    if not text:
        return ""
    domain = parse_host(text.removeprefix("."))
    if "." not in domain or domain[-1].isdigit() or domain.startswith("["):
        raise Wrong(f"{text!r}: browsers keep a cookie for a domain with a dot in it, never for an address")
    return domain


def _endpoint(text: str) -> str:
    parse_listener(text)
    return text


def _endpoint_or_none(text: str) -> str:
    return _endpoint(text) if text else ""


def _claim_values(value: object) -> list[str]:
    """One string or a list of them; a claim's value is compared as a string or with the members of a list."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(one, str) and one for one in values):
        raise Wrong("must be a string or a list of strings, none of them empty")
    return values


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
TableName = Annotated[str, PlainValidator(_text(parse_table_name)), _schema("^[A-Za-z0-9][A-Za-z0-9_-]*$")]
PublicUrl = Annotated[Origin, PlainValidator(_text(parse_public_url)), _schema("^https?://[^/?#@]+/?$")]
UpstreamUrl = Annotated[Upstream, PlainValidator(_text(parse_upstream)), _schema("^(https?://|unix:|sample:)")]
HostName = Annotated[str, PlainValidator(_text(parse_host)), _schema(r"^[^/:*@\s]+$|^\[[0-9A-Fa-f:.]+\]$")]
RoutePath = Annotated[str, PlainValidator(_text(parse_route_path)), _schema("^/[^?#%]*$")]
RequestHost = Annotated[str, PlainValidator(_text(parse_request_host)), _schema()]
AllowedOrigin = Annotated[str, PlainValidator(_text(parse_allowed_origin)), _schema("^https?://[^/?#@]+/?$")]
FieldName = Annotated[str, PlainValidator(_text(parse_field_name)), _schema("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
TrustedPeer = Annotated[IPv4Network | IPv6Network | str, PlainValidator(_text(parse_trusted_peer)), _schema()]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_text(parse_network)), _schema()]
SpiffeId = Annotated[str, PlainValidator(_text(parse_spiffe_id)), _schema("^spiffe://")]
Email = Annotated[str, PlainValidator(_text(parse_email)), _schema("^[^@]+.*@[^@]+$")]
EmailDomain = Annotated[str, PlainValidator(_text(parse_email_domain)), _schema("^[^@]+$")]
Icon = Annotated[str, PlainValidator(_text(parse_icon)), _schema()]
AdminUrl = Annotated[str, PlainValidator(_text(parse_admin_url)), _schema("^$|^http://")]
CookieDomain = Annotated[str, PlainValidator(_text(parse_cookie_domain)), _schema()]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
OptionalEndpoint = Annotated[str, AfterValidator(_endpoint_or_none)]
ClaimValues = Annotated[
    list[str],
    PlainValidator(_claim_values),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
