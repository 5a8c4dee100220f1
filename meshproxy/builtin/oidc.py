"""``[identity.NAME] type = "oidc"``: people log in at an OpenID provider. The settings, and the client made of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from ..api import Attempt, Context, IRedirectProvider, Problem, ProviderDown, SignedIn, hookimpl
from ..api.identity import (
    ASYMMETRIC,
    DEFAULT_ALGORITHMS,
    PROTECTED,
    SYMMETRIC,
    BackChannel,
    ClaimsMapping,
    ClientAuth,
    ClientSettings,
    Duration,
    IdTokenRules,
    Key,
    LoginSettings,
    Names,
    OidcClient,
    Turns,
    back_channel_for,
    file_problems,
    load_preset,
    load_private_key,
    preset_names,
    secure_url,
    within,
)

RENEWALS_AT_ONCE = 20
TURN_WAIT = 8.0
REVOKE_FOR = 2.0

PRESET_OPTIONS = ("hosted_domain", "tenants", "client_roles")


class OidcSettings(BaseModel):
    """The keys of ``[identity.NAME]`` with ``type = "oidc"``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: str | None = Field(
        None, description="Defaults for a known provider: okta, entra, google, keycloak, auth0, gitlab, dex, authentik, cognito."
    )
    issuer: str = Field(description="The provider's issuer, byte for byte as it names itself: https, or http on loopback.")
    client_id: str = Field(min_length=1, description="The id that the provider gave this client.")
    client_secret: SecretStr | None = Field(None, description="The secret that belongs to it (client_secret_file, client_secret_env).")
    client_auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] | None = Field(
        None, description="How the client proves itself; by default what fits the secret or key and what the provider offers."
    )
    private_key: SecretStr | None = Field(None, description="PEM of the key for private_key_jwt (private_key_file, private_key_env).")
    private_key_id: str = Field("", description="The `kid` under which the provider knows that key; by default its thumbprint.")
    scopes: Names = Field(
        ("openid", "email", "profile"), description="What is asked for; `openid` always is. `offline_access` for refresh tokens."
    )
    groups_claim: Names = Field(("groups",), description="Where the groups stand, a dotted path or several: all of them count.")
    email_claim: str = Field("email", min_length=1, description="Where the e-mail address stands.")
    username_claim: str = Field("preferred_username", min_length=1, description="Where the short login name stands.")
    name_claim: str = Field("name", min_length=1, description="Where the display name stands.")
    trust_email: bool = Field(False, description="E-mail addresses count although the provider does not say email_verified.")
    clock_skew: Duration = Field(60.0, description="How far the provider's clock may be from ours.")
    trusted_audiences: Names = Field((), description="Further ids that may stand in an ID token's `aud` beside client_id.")
    algorithms: Names = Field(
        DEFAULT_ALGORITHMS, description="Signatures that are accepted. HS256 and its kin only alone, and with a client secret."
    )
    ca_file: Path | None = Field(None, description="PEM of the CAs to trust for the provider, in place of the system's.")
    proxy: SecretStr | None = Field(None, description="An outgoing HTTP proxy, http://[user:password@]host:port.")
    timeout: Duration = Field(4.0, description="How long a login or a refresh may wait for the provider, all calls together.")
    extra: dict[str, str] = Field(default_factory=dict, description="Further parameters of the authorization request.")
    acr_values: Names = Field((), description="Authentication contexts of which the provider must confirm one.")
    max_age: Duration | None = Field(None, description="The longest time since the person authenticated.")
    prompt: str = Field("", description="`login`, `consent`, `select_account` or `none`: what the provider shall ask anew.")
    response_mode: Literal["query", "form_post"] | None = Field(
        None, description="How the callback comes back; the provider's default is query."
    )
    pkce: bool = Field(True, description="PKCE with S256. Switch it off only for a provider that refuses it.")
    par: Literal["auto", "always", "never"] = Field(
        "auto", description="Pushed authorization requests (RFC 9126): auto where the provider offers them."
    )
    userinfo: Literal["auto", "always", "never"] = Field(
        "auto", description="auto: when the ID token lacks a claim that decides about access."
    )
    end_session: str = Field("auto", description="Logout at the provider: auto, never, or the URL of its logout page.")
    title: str = Field("", description="What the chooser calls this provider; by default the preset's or the table's name.")
    icon: str = Field("", description="An icon for the chooser.")
    hosted_domain: Names = Field((), description="preset google: only accounts of these Workspace domains; * is any.")
    tenants: Names = Field((), description="preset entra: the tenants that may log in, where the issuer is one for many.")
    client_roles: Names = Field((), description="preset keycloak: further clients whose roles count; * is all.")

    @model_validator(mode="before")
    @classmethod
    def _preset_defaults(cls, value: Any) -> Any:
        name = value.get("preset") if isinstance(value, dict) else None
        if not isinstance(name, str) or name not in preset_names():
            return value
        return {**load_preset(name).defaults, **value}

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, value: str | None) -> str | None:
        if value is not None and value not in preset_names():
            raise ValueError(f"unknown preset; there are {', '.join(preset_names())}")
        return value

    @field_validator("issuer")
    @classmethod
    def _secure_issuer(cls, value: str) -> str:
        if not secure_url(value) or "?" in value:
            raise ValueError("must be an https URL (http on loopback only) without query and fragment")
        return value

    @field_validator("private_key")
    @classmethod
    def _a_private_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            load_private_key(value.get_secret_value().encode())
        return value

    @field_validator("scopes")
    @classmethod
    def _openid(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return value if "openid" in value else ("openid", *value)

    @field_validator("extra")
    @classmethod
    def _unprotected(cls, value: dict[str, str]) -> dict[str, str]:
        taken = sorted(PROTECTED.intersection(value))
        if taken:
            raise ValueError(f"{', '.join(taken)} is meshproxy's own to say")
        return value

    @field_validator("end_session")
    @classmethod
    def _end_session(cls, value: str) -> str:
        if value not in ("auto", "never") and not secure_url(value):
            raise ValueError("must be auto, never or an https URL")
        return value

    @field_validator("algorithms")
    @classmethod
    def _known_algorithms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any(name not in ASYMMETRIC + SYMMETRIC for name in value):
            raise ValueError(f"must be some of {', '.join(ASYMMETRIC + SYMMETRIC)}")
        # A list with both kinds is how a public key gets used as an HMAC secret (RFC 8725 §2.1).
        if len({name in SYMMETRIC for name in value}) > 1:
            raise ValueError("HS256, HS384 and HS512 cannot stand beside the others")
        return value

    @model_validator(mode="after")
    def _together(self) -> OidcSettings:
        if self.client_auth == "private_key_jwt" and self.private_key is None:
            raise ValueError('client_auth = "private_key_jwt" needs private_key_file')
        if self.client_auth in ("client_secret_basic", "client_secret_post") and self.client_secret is None:
            raise ValueError(f'client_auth = "{self.client_auth}" needs client_secret, client_secret_file or client_secret_env')
        if self.algorithms[0] in SYMMETRIC and self.client_secret is None:
            raise ValueError(f"algorithms: {self.algorithms[0]} needs a client secret")
        known = load_preset(self.preset).options if self.preset else ()
        for name in PRESET_OPTIONS:
            if getattr(self, name) and name not in known:
                raise ValueError(f"{name} belongs to another preset")
        if self.preset:
            load_preset(self.preset).oddities(self.preset_options)
        return self

    @property
    def preset_options(self) -> dict[str, Any]:
        """What the preset's own code wants to know."""
        return {"issuer": self.issuer, **{name: getattr(self, name) for name in PRESET_OPTIONS}}


@implementer(IRedirectProvider)
class OidcProvider:
    """Logs people in at an OpenID provider: authorization code with PKCE, and every check of OpenID Connect Core."""

    name = "oidc"
    Settings = OidcSettings

    def __init__(self, settings: OidcSettings | dict[str, Any], context: Context) -> None:
        settings = settings if isinstance(settings, OidcSettings) else OidcSettings.model_validate(settings)
        preset = load_preset(settings.preset) if settings.preset else None
        self.title: str = settings.title or (preset.title if preset else context.name)
        self.icon: str = settings.icon
        #: ``"form_post"``: the callback comes as a cross-site POST, which a ``SameSite=Lax`` login cookie does not survive.
        self.response_mode: str = settings.response_mode or "query"
        self.issuer: str = settings.issuer
        self._clock = context.reactor
        self._log = context.log
        self._provider = context.name
        self._timeout = settings.timeout
        self._turns = Turns(context.reactor, RENEWALS_AT_ONCE, TURN_WAIT)
        oddities = preset.oddities(settings.preset_options) if preset else None
        client = _client_settings(settings, context, preset.end_session_return if preset else "post_logout_redirect_uri")
        self._client = OidcClient(client, _http(settings, context), context.reactor, context.log, oddities)
        self._starting = context.reactor.callLater(0, self._client.start)

    @staticmethod
    def check_settings(settings: OidcSettings, path: Callable[[Path], Path]) -> list[Problem]:
        """The files that they name."""
        return file_problems(path(settings.ca_file) if settings.ca_file is not None else None)

    def begin(self, attempt: Attempt) -> Deferred[str]:
        """See :class:`IRedirectProvider`."""
        return within(self._clock, self._timeout, "the identity provider", self._client.begin(attempt))

    def finish(self, attempt: Attempt, parameters: dict[str, str]) -> Deferred[SignedIn]:
        """See :class:`IRedirectProvider`."""
        return within(self._clock, self._timeout, "the identity provider", self._client.finish(attempt, parameters))

    async def renew(self, signed_in: SignedIn) -> SignedIn:
        """New tokens, and who the person is by now."""
        renewed: SignedIn = await self._turns.take(self._timeout, "the refresh", lambda: self._client.renew(signed_in))
        return renewed

    def end_session_url(self, signed_in: SignedIn, return_to: str) -> str | None:
        """Where the browser goes to log out at the provider too."""
        return self._client.end_session_url(signed_in, return_to)

    def revoke(self, signed_in: SignedIn) -> Deferred[None]:
        """Give the tokens back (RFC 7009), if that takes no longer than a moment: nobody's logout waits for it."""
        return within(self._clock, REVOKE_FOR, "revocation", self._client.revoke(signed_in)).addErrback(self._not_revoked)

    def _not_revoked(self, failure: Failure) -> None:
        failure.trap(ProviderDown)
        self._log.warn("{name}: {error}", name=self._provider, error=failure.value)

    def backchannel_logout(self, form: dict[str, Any]) -> Deferred[list[tuple[str, str]]]:
        """Whose sessions have ended; raises LoginFailed: the token is wrong, or another provider's."""
        return within(self._clock, self._timeout, "the identity provider", self._client.backchannel_logout(form))

    def ready(self) -> str | None:
        """Why nobody can log in here now, ``None`` when one can."""
        return self._client.trouble

    def stop(self) -> None:
        """Nothing is under way any more."""
        if self._starting.active():
            self._starting.cancel()
        self._client.stop()


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""


def _private_key(settings: OidcSettings) -> Key | None:
    return load_private_key(_secret(settings.private_key).encode(), settings.private_key_id) if settings.private_key else None


def _http(settings: OidcSettings, context: Context) -> BackChannel:
    ca_file = context.path(settings.ca_file) if settings.ca_file is not None else None
    return back_channel_for(context, ca_file=ca_file, proxy=_secret(settings.proxy), timeout=settings.timeout)


def _client_settings(settings: OidcSettings, context: Context, end_session_return: str) -> ClientSettings:
    return ClientSettings(
        issuer=settings.issuer,
        auth=ClientAuth(settings.client_id, _secret(settings.client_secret), _private_key(settings), settings.client_auth, os.urandom),
        login=LoginSettings(
            scopes=settings.scopes,
            pkce=settings.pkce,
            response_mode=settings.response_mode or "",
            acr_values=settings.acr_values,
            max_age=settings.max_age,
            prompt=settings.prompt,
            par=settings.par,
            extra=settings.extra,
        ),
        rules=IdTokenRules(
            issuer=settings.issuer,
            client_id=settings.client_id,
            algorithms=settings.algorithms,
            trusted_audiences=frozenset(settings.trusted_audiences),
            clock_skew=settings.clock_skew,
            max_age=settings.max_age,
            acr_values=settings.acr_values,
        ),
        mapping=ClaimsMapping(
            provider=context.name,
            groups=settings.groups_claim,
            email=settings.email_claim,
            username=settings.username_claim,
            name=settings.name_claim,
            trust_email=settings.trust_email,
        ),
        userinfo=settings.userinfo,
        end_session=settings.end_session,
        end_session_return=end_session_return,
    )


@hookimpl
def meshproxy_identity_providers() -> list[type]:
    """Registers :class:`OidcProvider`."""
    return [OidcProvider]
