"""``[identity.NAME] type = "bearer"``: programs that bring a token in ``Authorization: Bearer``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from twisted.internet.defer import Deferred
from zope.interface import implementer

from ..api import Authenticated, Context, IncomingRequest, IRequestProvider, Peer, Problem, Rejected, hookimpl
from ..api.identity import (
    ASYMMETRIC,
    DEFAULT_ALGORITHMS,
    AccessTokenRules,
    BearerTokens,
    ClaimsMapping,
    ClientAuth,
    Discovery,
    Duration,
    Introspection,
    Names,
    TokenInvalid,
    back_channel_for,
    bearer_token,
    file_problems,
    secure_url,
)


class BearerSettings(BaseModel):
    """The keys of ``[identity.NAME]`` with ``type = "bearer"``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(description="Whose tokens: their `iss`, byte for byte; https, or http on loopback.")
    audience: Names = Field(min_length=1, description="The token must be for one of these (`aud`).")
    scopes: Names = Field((), description="The token must have all of these.")
    jwks_url: str = Field("", description="Where the issuer's keys lie; by default where its discovery document says.")
    algorithms: Names = Field(DEFAULT_ALGORITHMS, description="Signatures that are accepted.")
    clock_skew: Duration = Field(60.0, description="How far the issuer's clock may be from ours.")
    ca_file: Path | None = Field(None, description="PEM of the CAs to trust for the issuer, in place of the system's.")
    token_file: Path | None = Field(
        None, description="A token to fetch the keys with, for a Kubernetes API server; read anew each time, sent to the issuer only."
    )
    introspection: str = Field("", description="Ask about tokens that are no JWT: auto (the issuer's own endpoint) or a URL (RFC 7662).")
    introspection_cache: Duration = Field(60.0, description="How long an answer of the introspection holds at most.")
    client_id: str = Field("", description="Who asks there.")
    client_secret: SecretStr | None = Field(None, description="The secret to ask with (client_secret_file, client_secret_env).")
    groups_claim: Names = Field(("groups",), description="Where the groups stand, a dotted path or several.")
    email_claim: str = Field("email", min_length=1, description="Where the e-mail address stands.")
    username_claim: str = Field("preferred_username", min_length=1, description="Where the short login name stands.")
    name_claim: str = Field("name", min_length=1, description="Where the display name stands.")
    trust_email: bool = Field(False, description="E-mail addresses count although the token does not say email_verified.")
    proxy: SecretStr | None = Field(None, description="An outgoing HTTP proxy, http://[user:password@]host:port.")
    timeout: Duration = Field(4.0, description="How long a request may wait for the issuer.")

    @field_validator("issuer", "jwks_url", "introspection")
    @classmethod
    def _secure(cls, value: str) -> str:
        if value and value != "auto" and not secure_url(value):
            raise ValueError("must be an https URL (http on loopback only)")
        return value

    @field_validator("issuer")
    @classmethod
    def _an_issuer(cls, value: str) -> str:
        if not secure_url(value):
            raise ValueError("must be an https URL (http on loopback only)")
        return value

    @field_validator("algorithms")
    @classmethod
    def _asymmetric(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any(name not in ASYMMETRIC for name in value):
            raise ValueError(f"must be some of {', '.join(ASYMMETRIC)}")
        return value

    @model_validator(mode="after")
    def _who_asks(self) -> BearerSettings:
        if self.introspection and not self.client_id:
            raise ValueError("introspection needs client_id, and as a rule client_secret")
        return self


@implementer(IRequestProvider)
class BearerProvider:
    """Finds out who a bearer token stands for. Its ``Authorization`` goes to no service unless a rewriter sets one."""

    name = "bearer"
    Settings = BearerSettings
    consumes = (b"Authorization",)

    def __init__(self, settings: BearerSettings | dict[str, Any], context: Context) -> None:
        settings = settings if isinstance(settings, BearerSettings) else BearerSettings.model_validate(settings)
        self.issuer: str = settings.issuer
        ca_file = context.path(settings.ca_file) if settings.ca_file is not None else None
        proxy = settings.proxy.get_secret_value() if settings.proxy is not None else ""
        http = back_channel_for(context, ca_file=ca_file, proxy=proxy, timeout=settings.timeout)
        token_file = context.path(settings.token_file) if settings.token_file is not None else None
        self._discovery = Discovery(
            http,
            context.reactor,
            settings.issuer,
            keys_only=True,
            key_set_url=settings.jwks_url,
            log=context.log,
            token=(lambda: _read_token(token_file)) if token_file is not None else None,
        )
        self._tokens = BearerTokens(
            AccessTokenRules(
                settings.issuer, frozenset(settings.audience), settings.algorithms, frozenset(settings.scopes), settings.clock_skew
            ),
            ClaimsMapping(
                provider=context.name,
                groups=settings.groups_claim,
                email=settings.email_claim,
                username=settings.username_claim,
                name=settings.name_claim,
                trust_email=settings.trust_email,
            ),
            self._discovery,
            http,
            context.reactor,
            introspection=_introspection(settings),
            timeout=settings.timeout,
        )
        self._starting = context.reactor.callLater(0, self._discovery.keep)

    @staticmethod
    def check_settings(settings: BearerSettings, path: Callable[[Path], Path]) -> list[Problem]:
        """The files that they name."""
        return file_problems(path(settings.ca_file) if settings.ca_file is not None else None)

    def authenticate(self, request: IncomingRequest, peer: Peer) -> Authenticated | Deferred[Authenticated] | None:
        """See :class:`IRequestProvider`: at once for a token that was judged before, and for everything that is no bearer token."""
        found: bytes | None = None
        for name, value in request.head.fields:
            if len(name) == 13 and name.lower() == b"authorization":
                if found is not None:
                    raise Rejected("two Authorization fields")
                found = value
        if found is None:
            return None
        try:
            token = bearer_token(found)
        except TokenInvalid as error:
            raise Rejected(str(error)) from None
        return self._tokens.judge(token) if token is not None else None

    def ready(self) -> str | None:
        """Why no token can be judged now, ``None`` when they can."""
        return self._discovery.trouble

    def stop(self) -> None:
        """Nothing is under way any more."""
        if self._starting.active():
            self._starting.cancel()
        self._discovery.stop()


def _read_token(path: Path) -> str:
    """Kubernetes writes a new one into the pod's file before the old one ends."""
    return path.read_text("ascii").strip()


def _introspection(settings: BearerSettings) -> Introspection | None:
    if not settings.introspection:
        return None
    secret = settings.client_secret.get_secret_value() if settings.client_secret is not None else ""
    return Introspection(settings.introspection, ClientAuth(settings.client_id, secret, random=os.urandom), settings.introspection_cache)


@hookimpl
def meshproxy_identity_providers() -> list[type]:
    """Registers :class:`BearerProvider`."""
    return [BearerProvider]
