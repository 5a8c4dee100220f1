"""``bearer``: ``Authorization: Bearer`` with a token of the identity provider, for services that check it themselves."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from meshproxy.api import Context, IdentityFields, SignedIn, TokenNeeded, hookimpl, settings_of


class BearerToken:
    """Hands a service the token that the provider gave. A login without one sends none; a token that has ended asks for a new login."""

    name = "bearer"
    managed_fields = (b"Authorization",)

    class Settings(BaseModel):
        """``token`` is the ID token (Kubernetes, Kiali) or the access token (APIs)."""

        token: Literal["id", "access"] = "id"  # noqa: S105 - the name of a kind of token

    def __init__(self, settings: Settings, context: Context) -> None:
        self._which = settings_of(self.Settings, settings).token
        self._seconds = context.reactor.seconds

    def token_fields(self, signed_in: SignedIn) -> IdentityFields:
        """The token until it ends. Raises :class:`TokenNeeded` once it has."""
        tokens = signed_in.tokens
        token = getattr(tokens, self._which, None)
        if tokens is None or not token:
            return IdentityFields(())
        ends_at = tokens.id_expires_at if self._which == "id" else tokens.expires_at
        if ends_at is not None and ends_at <= self._seconds():
            raise TokenNeeded(f"the {self._which} token has ended")
        return IdentityFields(((b"Authorization", b"Bearer " + token.encode()),), ends_at)


@hookimpl
def meshproxy_header_rewriters() -> list[type]:
    """Registers ``bearer``."""
    return [BearerToken]
