"""What does the provider give for a code or a refresh token? The token endpoint (RFC 6749 §3.2, §5), strictly read.

The rule: a refusal carries the provider's error code and nothing of ours; whatever is neither a proper answer nor a proper refusal counts
as an outage, which ends nobody's session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...api.errors import ProviderDown
from ...core.provider_metadata import Metadata
from ...core.provider_text import error_code, sanitised
from ..backchannel import BackChannel, BackChannelError
from .client_auth import ClientAuth

LONGEST_LIFETIME = 10 * 365 * 86400.0


class TokenRefused(Exception):
    """The provider said no. ``code`` is its error code (RFC 6749 §5.2), ``description`` its words, cleaned."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A successful answer of the token endpoint (RFC 6749 §5.1). ``lifetime`` is ``expires_in``, seconds, ``None`` when it was not said."""

    access: str = field(repr=False)
    id: str | None = field(default=None, repr=False)
    refresh: str | None = field(default=None, repr=False)
    lifetime: float | None = None
    scope: str | None = None


def _lifetime(value: object) -> float | None:
    """``expires_in``: a number; some providers send it as a string. What is neither, or absurd, was not said."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < LONGEST_LIFETIME:
        return None
    return float(value)


def _string(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def read_token_answer(status: int, body: object) -> TokenAnswer:
    """Success as a value.

    :raises TokenRefused: a refusal in the protocol's form.
    :raises ProviderDown: anything else.
    """
    if isinstance(body, dict):
        code = error_code(body.get("error"))
        if code and (status < 500 or code != "server_error") and status != 429 and code not in ("temporarily_unavailable", "slow_down"):
            raise TokenRefused(code, sanitised(body.get("error_description")))
        access = _string(body, "access_token")
        kind = body.get("token_type")
        # RFC 6749 §5.1: the type is required, and its case does not matter; we can use bearer tokens only.
        if status == 200 and access is not None and isinstance(kind, str) and kind.lower() == "bearer":
            return TokenAnswer(
                access, _string(body, "id_token"), _string(body, "refresh_token"), _lifetime(body.get("expires_in")), _string(body, "scope")
            )
    raise ProviderDown(f"the token endpoint answered {status} without tokens and without a reason")


async def call_token_endpoint(http: BackChannel, metadata: Metadata, auth: ClientAuth, form: Mapping[str, str], now: float) -> TokenAnswer:
    """Spend a grant.

    :raises TokenRefused: the provider said no.
    :raises ProviderDown: it could not be asked, or did not answer sensibly.
    """
    sent, headers = auth.apply(form, audience=metadata.issuer, offered=metadata.token_endpoint_auth_methods, now=now)
    try:
        status, body, _ = await http.post_form(metadata.token_endpoint, sent, headers)
    except BackChannelError as error:
        raise ProviderDown(f"token endpoint: {error}") from None
    return read_token_answer(status, body)
