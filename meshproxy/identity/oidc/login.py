"""Where is a browser sent to log in, and what does it bring back? The authorization request and its response.

Always the code flow with PKCE (RFC 9700 §2.1.1), state and nonce; the callback is believed only from the issuer that was asked
(RFC 9207). What the operator adds by ``extra`` can never replace what protects the flow.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from ...api.context import Attempt
from ...api.errors import LoginFailed, ProviderDown
from ...core.provider_metadata import Metadata
from ...core.provider_text import error_code, sanitised
from ..backchannel import BackChannel, BackChannelError
from .client_auth import ClientAuth

PROTECTED = frozenset(
    {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "request",
        "request_uri",
    }
)

_TRANSIENT = ("temporarily_unavailable", "server_error")
_CANCELLED = ("access_denied", "interaction_required", "login_required", "consent_required", "account_selection_required")


@dataclass(frozen=True, slots=True)
class LoginSettings:
    """What the operator wants said in an authorization request.

    :ivar par: pushed authorization requests (RFC 9126): ``"auto"`` where the provider offers them.
    :ivar extra: further parameters, as they stand.
    """

    scopes: tuple[str, ...] = ("openid",)
    pkce: bool = True
    response_mode: str = ""
    acr_values: tuple[str, ...] = ()
    max_age: float | None = None
    prompt: str = ""
    par: str = "auto"
    extra: Mapping[str, str] = field(default_factory=dict)


def code_challenge(verifier: str) -> str:
    """S256 of RFC 7636 §4.2."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def authorization_parameters(settings: LoginSettings, client_id: str, attempt: Attempt) -> dict[str, str]:
    """The parameters of an authorization request (Core §3.1.2.1)."""
    parameters = {name: value for name, value in settings.extra.items() if name not in PROTECTED}
    optional = {
        "response_mode": settings.response_mode,
        "acr_values": " ".join(settings.acr_values),
        "max_age": "" if settings.max_age is None else f"{settings.max_age:.0f}",
        "prompt": settings.prompt,
    }
    parameters.update((name, value) for name, value in optional.items() if value)
    if settings.pkce:
        parameters |= {"code_challenge": code_challenge(attempt.code_verifier), "code_challenge_method": "S256"}
    return parameters | {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": attempt.redirect_uri,
        "scope": " ".join(settings.scopes),
        "state": attempt.state,
        "nonce": attempt.nonce,
    }


def with_query(endpoint: str, parameters: Mapping[str, str]) -> str:
    """An endpoint with parameters added; it may have a query of its own (RFC 6749 §3.1)."""
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


async def authorization_url(
    http: BackChannel, metadata: Metadata, auth: ClientAuth, settings: LoginSettings, attempt: Attempt, now: float
) -> str:
    """The URL to send the browser to.

    :raises ProviderDown: requests must be pushed, and the provider did not take this one.
    """
    parameters = authorization_parameters(settings, auth.client_id, attempt)
    endpoint = metadata.pushed_authorization_request_endpoint
    needed = settings.par == "always" or metadata.require_pushed_authorization_requests
    if endpoint and (needed or settings.par == "auto"):
        try:
            reference = await _push(http, metadata, auth, parameters, now)
            return with_query(metadata.authorization_endpoint, {"client_id": auth.client_id, "request_uri": reference})
        except ProviderDown:
            if needed:
                raise
    elif settings.par == "always":
        raise LoginFailed('par = "always", and the provider offers no pushed authorization requests')
    return with_query(metadata.authorization_endpoint, parameters)


async def _push(http: BackChannel, metadata: Metadata, auth: ClientAuth, parameters: Mapping[str, str], now: float) -> str:
    """RFC 9126 §2: the parameters go over the back channel, the browser carries a reference."""
    form, headers = auth.apply(parameters, audience=metadata.issuer, offered=metadata.token_endpoint_auth_methods, now=now)
    try:
        status, body, _ = await http.post_form(metadata.pushed_authorization_request_endpoint, form, headers)
    except BackChannelError as error:
        raise ProviderDown(f"pushed authorization request: {error}") from None
    reference = body.get("request_uri") if isinstance(body, dict) else None
    if status not in (200, 201) or not isinstance(reference, str) or not reference:
        code = error_code(body.get("error")) if isinstance(body, dict) else ""
        raise ProviderDown(f"the pushed authorization request was answered {status} {code}".rstrip())
    return reference


def authorization_code(parameters: Mapping[str, str], metadata: Metadata) -> str:
    """The code that the callback brings. ``state`` has been checked before.

    :raises LoginFailed: the provider said no, the callback is another issuer's, or there is no code.
    :raises ProviderDown: the provider said that it is not well.
    """
    issuer = parameters.get("iss")
    # RFC 9207 §2.4: a wrong issuer is refused, and so is none where the provider says that it always names itself — errors too.
    if (issuer is not None and issuer != metadata.issuer) or (issuer is None and metadata.authorization_response_iss):
        raise LoginFailed("the callback does not name the issuer that was asked ('iss', RFC 9207)")
    if "error" in parameters:
        code = error_code(parameters["error"]) or "an error without a proper code"
        words = sanitised(parameters.get("error_description"))
        reason = f"the provider said {code}" + (f": {words}" if words else "")
        if code in _TRANSIENT:
            raise ProviderDown(reason)
        raise LoginFailed(reason, "The login was not completed at the identity provider." if code in _CANCELLED else "")
    code = parameters.get("code", "")
    if not 0 < len(code) <= 4096:
        raise LoginFailed("the callback brings no code")
    return code
