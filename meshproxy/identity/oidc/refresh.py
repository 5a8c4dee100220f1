"""What does a refresh change? New tokens for old ones, and who the person is by now (OpenID Connect Core §12).

The rule: a refresh token that has been spent is gone, so from the moment the provider answered, its new tokens are kept whatever else
fails; only a proven contradiction ends the session: ``invalid_grant``, another person, a token that is not the provider's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...api.errors import ProviderDown, SessionOver
from ...core import jws
from ...core.jws import TokenInvalid
from ...core.principal import Tokens
from .tokens import TokenAnswer, TokenRefused

# RFC 6749 §5.2. Everything else (invalid_client, …) is an operator's mistake that can be mended: no reason to log everybody out.
_OVER = ("invalid_grant",)


def judge_refusal(error: TokenRefused) -> SessionOver | ProviderDown:
    """What a refused refresh means for the session."""
    if error.code in _OVER:
        return SessionOver(f"the provider ended it: {error}")
    return ProviderDown(f"the provider refused to refresh: {error}")


def check_same_person(claims: Mapping[str, Any], issuer: str, subject: str, old_id_token: str | None) -> None:
    """Core §12.2: ``iss`` and ``sub`` as before; ``auth_time``, ``azp`` and ``nonce`` as before, where both tokens have one.

    :raises SessionOver: naming the claim that differs.
    """
    if claims.get("iss") != issuer:
        raise SessionOver("the refreshed ID token is of another issuer")
    if claims.get("sub") != subject:
        raise SessionOver("the refreshed ID token is about another subject")
    before = _claims_of(old_id_token)
    for name in ("nonce", "azp"):
        if name in claims and name in before and claims[name] != before[name]:
            raise SessionOver(f"the refreshed ID token has another '{name}'")


def _claims_of(raw: str | None) -> Mapping[str, Any]:
    """What an ID token that was verified at login said."""
    try:
        return jws.parse(raw).claims if raw else {}
    except TokenInvalid:
        return {}


def new_tokens(old: Tokens, answer: TokenAnswer, now: float, id_expires_at: float | None = None) -> Tokens:
    """The old tokens with the new ones in their place; what was not given anew stays (RFC 6749 §6).

    :param id_expires_at: the end of the answer's ID token, when it has passed; ``None`` leaves the old ID token in place.
    """
    tokens = Tokens(
        access=answer.access,
        id=old.id,
        refresh=answer.refresh or old.refresh,
        expires_at=None if answer.lifetime is None else now + answer.lifetime,
        id_expires_at=old.id_expires_at,
        scope=answer.scope or old.scope,
    )
    return tokens if id_expires_at is None else replace(tokens, id=answer.id, id_expires_at=id_expires_at)
