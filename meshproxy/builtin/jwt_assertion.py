"""``jwt-assertion``: a signed, short-lived JWT that says who is there, for services that check signatures instead of trusting fields.

The rule: a token is for one service (its audience), lives for minutes, and is replaced in the middle of its life. Who else reads it can use
it at that service alone, and not for long. Keys: ``key`` where it is given, else daily keys out of the session key; see
:mod:`meshproxy.core.assertion_keys`.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field as Key
from pydantic import SecretStr, field_validator

from meshproxy.api import (
    Context,
    Duration,
    FieldName,
    FieldWriter,
    IdentityFields,
    Principal,
    SignedIn,
    Template,
    TemplateText,
    ValueSettings,
    hookimpl,
    settings_of,
)
from meshproxy.api.signing import LONGEST_LIFETIME, AssertionKeys, DailyKeys, lookup, parse_keys

_SHORTEST_LIFETIME = 30.0
_OURS = ("iss", "aud", "exp", "iat", "nbf", "jti", "idp", "auth_time")
_USUAL = {
    "sub": Template("{subject}"), "email": Template("{email}"), "name": Template("{name}"), "preferred_username": Template("{username}"),
    "groups": Template("{groups}"),
}


class JwtAssertion:
    """Signs who is there, for one service."""

    name = "jwt-assertion"
    needs_tokens = False
    managed_fields: tuple[bytes, ...] = (b"X-JWT-Assertion",)

    class Settings(ValueSettings):
        """``claims`` are templates by claim, beside or in place of the usual ones; an empty text leaves a claim out."""

        field: FieldName = Key("X-JWT-Assertion", description="Where the token stands; in Authorization it is a Bearer token.")
        audience: str = Key("", description="For whom it is; by default the service's name.")
        lifetime: Duration = 300.0
        claims: dict[str, TemplateText] = Key(default_factory=dict)
        key: SecretStr | None = Key(None, description="Private keys in PEM: the first signs, all are published.")

        @field_validator("lifetime")
        @classmethod
        def _some_minutes(cls, lifetime: float) -> float:
            if not _SHORTEST_LIFETIME <= lifetime <= LONGEST_LIFETIME:
                raise ValueError("a token lives for 30s to 1h")
            return lifetime

        @field_validator("claims")
        @classmethod
        def _not_ours(cls, claims: dict[str, Template]) -> dict[str, Template]:
            for name in claims:
                if not name or name in _OURS:
                    raise ValueError(f"the claim {name!r} is meshproxy's own to set")
            if "sub" in claims and not claims["sub"].text:
                raise ValueError("a token without 'sub' says nobody")
            return claims

        @field_validator("key")
        @classmethod
        def _readable(cls, key: SecretStr | None) -> SecretStr | None:
            if key is not None:
                parse_keys(key.get_secret_value())
            return key

    def __init__(self, settings: Settings, context: Context) -> None:
        settings = settings_of(self.Settings, settings)
        self._field = settings.field.encode()
        self.managed_fields = (self._field,)
        self._prefix = "Bearer " if settings.field.lower() == "authorization" else ""
        self._issuer = context.public_url
        self._audience = settings.audience or context.service or context.name
        self._lifetime = settings.lifetime
        self._claims = {name: template for name, template in {**_USUAL, **settings.claims}.items() if template.text}
        self._writer = FieldWriter(settings, context.log)
        self._seconds = context.reactor.seconds
        secrets = context.secrets
        self._keys: AssertionKeys = (
            DailyKeys(lambda: secrets("jwt-assertion")) if settings.key is None else parse_keys(settings.key.get_secret_value())
        )

    def token_fields(self, signed_in: SignedIn) -> IdentityFields:
        """A token; nothing for somebody whom ``sub`` has no value for. Computed anew in the middle of the token's life."""
        now = self._seconds()
        claims = self._said(signed_in.principal)
        if not claims.get("sub"):
            return IdentityFields(())
        if signed_in.auth_time is not None:
            claims["auth_time"] = int(signed_in.auth_time)
        claims |= {"iss": self._issuer, "aud": self._audience, "iat": int(now), "exp": int(now + self._lifetime)}
        token = self._keys.signing(now).signed(claims)
        return IdentityFields(((self._field, (self._prefix + token).encode("ascii")),), now + self._lifetime / 2)

    def published_keys(self) -> list[dict[str, Any]]:
        """The public keys that services may meet now and soon."""
        return [key.public() for key in self._keys.published(self._seconds())]

    def _said(self, principal: Principal) -> dict[str, Any]:
        """The claims about the person. ``idp`` is who vouches for ``sub``: subjects of several providers may be alike."""
        found = {name: self._value(template, principal) for name, template in self._claims.items()}
        return {"idp": principal.issuer, **{name: value for name, value in found.items() if value not in (None, [])}}

    def _value(self, template: Template, principal: Principal) -> Any:
        """A placeholder that stands alone keeps its kind: a list stays a list, a number a number. Everything else is text."""
        name = template.text[1:-1] if template.text.startswith("{") and template.text.endswith("}") else ""
        if name == "groups":
            return self._writer.items(name, principal)
        if name.startswith("claims.") and "{" not in name:
            found = lookup(principal.claims, name.removeprefix("claims."))
            if isinstance(found, list | tuple):
                return self._writer.items(name, principal)
            if isinstance(found, bool | int | float):
                return found
        return self._writer.text(template, principal)


@hookimpl
def meshproxy_header_rewriters() -> list[type]:
    """Registers ``jwt-assertion``."""
    return [JwtAssertion]
