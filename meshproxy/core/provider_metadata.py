"""What can this provider do, and where? Its discovery document (OpenID Connect Discovery §3, RFC 8414 §2), read strictly.

A document that is not about the issuer that was asked is nobody's (§4.3); an endpoint that is neither https nor http on loopback is
no endpoint. What is optional and malformed is left out; what is needed and malformed is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from .provider_text import sanitised

_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class MetadataInvalid(ValueError):
    """The discovery document cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The parts of a discovery document that we use. Absent endpoints are ``""``, absent lists empty."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    introspection_endpoint: str = ""
    pushed_authorization_request_endpoint: str = ""
    require_pushed_authorization_requests: bool = False
    token_endpoint_auth_methods: tuple[str, ...] = ()
    id_token_algorithms: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    authorization_response_iss: bool = False
    backchannel_logout_session: bool = False


def is_loopback(host: str) -> bool:
    """``localhost`` and the loopback addresses; a name that merely resolves to one is none."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def secure_url(url: object) -> bool:
    """Whether a provider may be reached there: https, or http on loopback; a host; no user, password or fragment."""
    if not isinstance(url, str) or not url.isascii() or any(char <= " " or char == "\x7f" for char in url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.password is not None or "#" in url:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def _endpoint(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if secure_url(value):
        return str(value)
    if name in _NEEDED:
        raise MetadataInvalid(f"{name} is missing, or neither https nor http on loopback")
    return ""


def _names(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def parse_metadata(
    document: object, issuer: str, same_issuer: Callable[[str, str], bool] = str.__eq__, *, keys_only: bool = False
) -> Metadata:
    """The metadata of ``issuer``.

    :param issuer: what was asked for; the document must name it byte for byte (Discovery §4.3).
    :param same_issuer: ``(named, asked)``: for providers whose one document serves many tenants.
    :param keys_only: only ``jwks_uri`` is needed (who verifies tokens and logs nobody in).
    :raises MetadataInvalid: saying what is wrong.
    """
    if not isinstance(document, dict):
        raise MetadataInvalid("the discovery document is no JSON object")
    named = document.get("issuer")
    if not isinstance(named, str) or not same_issuer(named, issuer):
        raise MetadataInvalid(f"the discovery document is about the issuer '{sanitised(named)}', and not about '{issuer}'")
    if keys_only:
        document = {**{name: document.get("jwks_uri") for name in _NEEDED}, **document}
    return Metadata(
        issuer=named,
        authorization_endpoint=_endpoint(document, "authorization_endpoint"),
        token_endpoint=_endpoint(document, "token_endpoint"),
        jwks_uri=_endpoint(document, "jwks_uri"),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint"),
        end_session_endpoint=_endpoint(document, "end_session_endpoint"),
        revocation_endpoint=_endpoint(document, "revocation_endpoint"),
        introspection_endpoint=_endpoint(document, "introspection_endpoint"),
        pushed_authorization_request_endpoint=_endpoint(document, "pushed_authorization_request_endpoint"),
        require_pushed_authorization_requests=document.get("require_pushed_authorization_requests") is True,
        token_endpoint_auth_methods=_names(document, "token_endpoint_auth_methods_supported"),
        id_token_algorithms=_names(document, "id_token_signing_alg_values_supported"),
        scopes=_names(document, "scopes_supported"),
        authorization_response_iss=document.get("authorization_response_iss_parameter_supported") is True,
        backchannel_logout_session=document.get("backchannel_logout_session_supported") is True,
    )
