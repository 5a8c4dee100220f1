"""What may be odd about a provider, and where does it say so? The points at which a preset can differ from the protocol.

The general path calls these and knows no provider's name. What is here is the protocol itself: nothing odd.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.signing_keys import SigningKeys
from .backchannel import BackChannel


@dataclass(frozen=True, slots=True)
class LoginFacts:
    """What is known at the end of a login, for what a provider keeps outside the claims.

    :ivar claims: of the ID token and userinfo together.
    :ivar keys: to verify what else the provider has signed.
    """

    claims: Mapping[str, Any]
    access_token: str
    client_id: str
    issuer: str
    http: BackChannel
    keys: SigningKeys
    now: float


class Oddities:
    """Nothing odd. Presets subclass it."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """``options``: the issuer and the settings that the preset owns; raises ValueError on a contradiction."""

    def same_issuer(self, named: str, asked: str) -> bool:
        """Whether a discovery document of ``named`` answers a question for ``asked``."""
        return named == asked

    def token_issuer(self, named: str, claims: Mapping[str, Any]) -> str:
        """The ``iss`` that a token with these claims must carry; "" when it may not log in here at all."""
        return named

    def authorization_parameters(self) -> Mapping[str, str]:
        """Further parameters of the authorization request."""
        return {}

    def corrected(self, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """The claims, with what this provider says in its own words said in the protocol's."""
        return claims

    def refusal(self, claims: Mapping[str, Any]) -> str | None:
        """Why this person may not log in here at all, or ``None``."""
        return None

    async def groups(self, facts: LoginFacts) -> tuple[str, ...]:
        """Groups that stand outside the claims (waits).

        :raises BackChannelError: they are wanted, and cannot be had now.
        """
        return ()
