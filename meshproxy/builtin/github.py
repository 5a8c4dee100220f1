"""``[identity.NAME] type = "github"``: people log in at GitHub (plain OAuth 2.0); organisations and teams are their groups."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from ..api import Attempt, Context, IRedirectProvider, LoginFailed, Principal, ProviderDown, SessionOver, SignedIn, Tokens, hookimpl
from ..api.identity import (
    BackChannelError,
    ClientAuth,
    Duration,
    LoginSettings,
    Metadata,
    Names,
    Noting,
    TokenAnswer,
    TokenRefused,
    Turns,
    authorization_code,
    authorization_url,
    back_channel_for,
    call_token_endpoint,
    fields,
    new_tokens,
    of_tokens,
    secure_url,
    text,
    within,
)

PAGE = 100
MOST_PAGES = 10
REVOKE_FOR = 2.0


class GithubSettings(BaseModel):
    """The keys of ``[identity.NAME]`` with ``type = "github"``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = Field(min_length=1, description="The id of the OAuth App or GitHub App.")
    client_secret: SecretStr = Field(description="Its secret (client_secret_file, client_secret_env).")
    url: str = Field("https://github.com", description="Of a GitHub Enterprise Server, https://HOST.")
    organizations: Names = Field((), description="Only members of one of these may log in.")
    scopes: Names = Field(("read:user", "user:email", "read:org"), description="What is asked for; read:org for organisations and teams.")
    extra: dict[str, str] = Field(default_factory=dict, description="Further parameters of the authorization request.")
    ca_file: Path | None = Field(None, description="PEM of the CAs to trust, in place of the system's.")
    proxy: SecretStr | None = Field(None, description="An outgoing HTTP proxy, http://[user:password@]host:port.")
    timeout: Duration = Field(4.0, description="How long a login may wait for GitHub, all calls together.")
    title: str = Field("GitHub", description="What the chooser calls this provider.")
    icon: str = Field("", description="An icon for the chooser.")

    @field_validator("url")
    @classmethod
    def _secure(cls, value: str) -> str:
        if not secure_url(value) or "?" in value:
            raise ValueError("must be an https URL")
        return value.rstrip("/")


@implementer(IRedirectProvider)
class GithubProvider:
    """Logs people in at GitHub or a GitHub Enterprise Server. Groups are ``ORGANISATION`` and ``ORGANISATION/TEAM``."""

    name = "github"
    Settings = GithubSettings

    def __init__(self, settings: GithubSettings | dict[str, Any], context: Context) -> None:
        settings = settings if isinstance(settings, GithubSettings) else GithubSettings.model_validate(settings)
        ca_file = context.path(settings.ca_file) if settings.ca_file is not None else None
        proxy = settings.proxy.get_secret_value() if settings.proxy is not None else ""
        self.title: str = settings.title
        self.icon: str = settings.icon
        self.issuer: str = settings.url
        self._provider = context.name
        self._log = context.log
        self._clock = context.reactor
        self._timeout = settings.timeout
        self._organizations = {name.lower() for name in settings.organizations}
        self._http = back_channel_for(context, ca_file=ca_file, proxy=proxy, timeout=settings.timeout)
        self._turns = Turns(context.reactor, 20, 8.0)
        self._api = "https://api.github.com" if settings.url == "https://github.com" else f"{settings.url}/api/v3"
        secret = settings.client_secret.get_secret_value()
        self._auth = ClientAuth(settings.client_id, secret, method="client_secret_post", random=os.urandom)
        self._login = LoginSettings(scopes=settings.scopes, par="never", extra=settings.extra)
        self._metadata = Metadata(
            issuer=f"{settings.url}/login/oauth",
            authorization_endpoint=f"{settings.url}/login/oauth/authorize",
            token_endpoint=f"{settings.url}/login/oauth/access_token",
            jwks_uri="",
        )

    async def begin(self, attempt: Attempt) -> str:
        """See :class:`IRedirectProvider`."""
        return await authorization_url(self._http, self._metadata, self._auth, self._login, attempt, self._clock.seconds())

    def finish(self, attempt: Attempt, parameters: dict[str, str]) -> Deferred[SignedIn]:
        """See :class:`IRedirectProvider`."""
        return within(self._clock, self._timeout, "GitHub", self._finish(attempt, parameters))

    async def renew(self, signed_in: SignedIn) -> SignedIn:
        """New tokens where GitHub gives tokens that end (GitHub Apps), and the person's groups of now."""
        renewed: SignedIn = await self._turns.take(self._timeout, "the refresh", lambda: self._renew(signed_in))
        return renewed

    def revoke(self, signed_in: SignedIn) -> Deferred[None]:
        """Give the access token back, if that takes no longer than a moment."""
        return within(self._clock, REVOKE_FOR, "revocation", self._revoke(signed_in)).addErrback(self._not_revoked)

    def _not_revoked(self, failure: Failure) -> None:
        failure.trap(ProviderDown)
        self._log.warn("{name}: {error}", name=self._provider, error=failure.value)

    async def _finish(self, attempt: Attempt, parameters: Mapping[str, str]) -> SignedIn:
        noting = Noting(attempt.note, self._clock)
        form = {
            "grant_type": "authorization_code",
            "code": authorization_code(parameters, self._metadata),
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.code_verifier,
        }
        try:
            answer = await noting.step("token endpoint", self._tokens(form), of_tokens)
        except TokenRefused as error:
            raise LoginFailed(f"GitHub refused the code: {error}") from None
        principal = await noting.step("account", self._person(answer.access), lambda who: f"{len(who.groups)} organizations and teams")
        return SignedIn(principal, new_tokens(Tokens(), answer, self._clock.seconds()))

    async def _renew(self, signed_in: SignedIn) -> SignedIn:
        old = signed_in.tokens
        if old is None or old.refresh is None:
            return signed_in
        try:
            answer = await self._tokens({"grant_type": "refresh_token", "refresh_token": old.refresh})
        except TokenRefused as error:
            if error.code in ("bad_refresh_token", "invalid_grant"):
                raise SessionOver(f"GitHub ended it: {error}") from None
            raise ProviderDown(f"GitHub refused to refresh: {error}") from None
        principal = signed_in.principal
        try:
            principal = await self._person(answer.access)
        except ProviderDown as error:
            self._log.warn("{name}: refreshed without news of the person: {error}", name=self._provider, error=error)
        except LoginFailed as error:
            raise SessionOver(error.reason) from None
        if principal.subject != signed_in.principal.subject:
            raise SessionOver("the refreshed token is another person's")
        return replace(signed_in, principal=principal, tokens=new_tokens(old, answer, self._clock.seconds()))

    async def _revoke(self, signed_in: SignedIn) -> None:
        if signed_in.tokens is None or signed_in.tokens.access is None:
            return
        url = f"{self._api}/applications/{self._auth.client_id}/token"
        _, sent = replace(self._auth, method="client_secret_basic").apply({}, audience="", offered=(), now=0)
        try:
            response = await self._http.delete(url, json={"access_token": signed_in.tokens.access}, headers=fields(sent))
        except BackChannelError as error:
            self._log.warn("{name}: revocation: {error}", name=self._provider, error=error)
            return
        if response.code not in (204, 404):
            self._log.warn("{name}: GitHub did not take back a token ({status})", name=self._provider, status=response.code)

    async def _tokens(self, form: Mapping[str, str]) -> TokenAnswer:
        return await call_token_endpoint(self._http, self._metadata, self._auth, form, self._clock.seconds())

    async def _person(self, token: str) -> Principal:
        """Who the token is of.

        :raises LoginFailed: a member of none of the organisations.
        :raises ProviderDown: GitHub cannot say now.
        """
        user = await self._get(token, "/user")
        if not isinstance(user, dict) or isinstance(user.get("id"), bool) or not isinstance(user.get("id"), int):
            raise ProviderDown("GitHub does not say whose token it is")
        organizations = [login for entry in await self._pages(token, "/user/orgs") if (login := text(entry.get("login")))]
        if self._organizations and self._organizations.isdisjoint(login.lower() for login in organizations):
            reason = f"the account {text(user.get('login'))!r} is a member of none of the organizations"
            raise LoginFailed(reason, "This account may not log in here.")
        groups = (*organizations, *filter(None, map(_team, await self._pages(token, "/user/teams"))))
        email = next(
            (
                text(entry.get("email"))
                for entry in await self._pages(token, "/user/emails")
                if entry.get("primary") is True and entry.get("verified") is True
            ),
            None,
        )
        login, name = text(user.get("login")), text(user.get("name"))
        claims = {"iss": self.issuer, "sub": str(user["id"]), "preferred_username": login, "name": name or login, "email": email}
        return Principal(
            issuer=self.issuer,
            subject=str(user["id"]),
            email=email,
            name=name or login,
            username=login,
            groups=tuple(dict.fromkeys(groups)),
            provider=self._provider,
            email_verified=email is not None,
            claims={key: value for key, value in claims.items() if value is not None},
        )

    async def _pages(self, token: str, path: str) -> list[dict[str, Any]]:
        """All entries of a list, page by page; none where the token may not see it (a scope that was not granted)."""
        found: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            entries = await self._get(token, f"{path}?per_page={PAGE}&page={page}")
            if not isinstance(entries, list):
                break
            found += [entry for entry in entries if isinstance(entry, dict)]
            if len(entries) < PAGE:
                break
        return found

    async def _get(self, token: str, path: str) -> Any:
        """A JSON value, ``None`` where GitHub refuses to show it.

        :raises ProviderDown: it does not answer, or not sensibly.
        """
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        try:
            value, _ = await self._http.get_json(self._api + path, headers)
        except BackChannelError as error:
            if error.status in (401, 403, 404):
                self._log.warn("{name}: GitHub does not show {path} ({status})", name=self._provider, path=path, status=error.status)
                return None
            raise ProviderDown(f"GitHub {path.partition('?')[0]}: {error}") from None
        return value


def _team(entry: Mapping[str, Any]) -> str | None:
    organization, slug = entry.get("organization"), text(entry.get("slug"))
    login = text(organization.get("login")) if isinstance(organization, dict) else None
    return f"{login}/{slug}" if login and slug else None


@hookimpl
def meshproxy_identity_providers() -> list[type]:
    """Registers :class:`GithubProvider`."""
    return [GithubProvider]
