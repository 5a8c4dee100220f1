"""How does a whole login go, and a renewal, and an end? The OpenID Connect client: the other modules of this package, in order.

It keeps no session: everything that lasts is in what it returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ...api.context import Attempt
from ...api.errors import LoginFailed, ProviderDown, SessionOver
from ...core import jws
from ...core.claims import ClaimsMapping, merged, missing, principal_of, refreshed, text
from ...core.idtoken import IdTokenRules, validate_id_token
from ...core.jws import TokenInvalid
from ...core.logout_token import check_whose, validate_logout_token
from ...core.principal import Principal, SignedIn, Tokens
from ...core.provider_metadata import Metadata
from ...core.signing_keys import SYMMETRIC, SigningKeys, client_secret_key
from ..backchannel import BackChannel, BackChannelError
from ..oddities import LoginFacts, Oddities
from .client_auth import ClientAuth
from .discovery import Discovery
from .login import LoginSettings, authorization_code, authorization_url
from .logout import Replays, end_session_url, only_token, revoke_token, whose
from .noting import Noting, of_claims, of_metadata, of_tokens, of_userinfo
from .refresh import check_same_person, judge_refusal, new_tokens
from .tokens import TokenAnswer, TokenRefused, call_token_endpoint
from .userinfo import UserinfoUseless, fetch_userinfo


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What makes one client of one issuer.

    :ivar rules: for ID tokens; its ``issuer`` is replaced by what discovery and the oddities say.
    :ivar userinfo: ``"auto"``: when the ID token lacks a claim that decides about access.
    :ivar end_session: ``"auto"``: the provider's endpoint; ``"never"``; or a URL.
    """

    issuer: str
    auth: ClientAuth
    login: LoginSettings
    rules: IdTokenRules
    mapping: ClaimsMapping
    userinfo: str = "auto"
    end_session: str = "auto"
    end_session_return: str = "post_logout_redirect_uri"


class OidcClient:
    """One issuer, one client id. All instants are seconds since the epoch, by ``clock``."""

    def __init__(
        self, settings: ClientSettings, http: BackChannel, clock: IReactorTime, log: Logger, oddities: Oddities | None = None
    ) -> None:
        self.settings = settings
        self.oddities = oddities or Oddities({})
        self.discovery = Discovery(http, clock, settings.issuer, same_issuer=self.oddities.same_issuer, log=log)
        self._http = http
        self._clock = clock
        self._log = log
        self._replays = Replays()

    @property
    def trouble(self) -> str | None:
        """Why nobody can log in now; ``None`` when discovery and keys are at hand."""
        return self.discovery.trouble

    def start(self) -> None:
        """Begin to fetch what the first login needs."""
        self.discovery.keep()

    def stop(self) -> None:
        """End what is under way."""
        self.discovery.stop()

    async def begin(self, attempt: Attempt) -> str:
        """The URL to send the browser to.

        :raises ProviderDown: the provider cannot be asked where that is.
        """
        noting = Noting(attempt.note, self._clock)
        metadata = await noting.step("discovery", self._metadata(), of_metadata)
        login = self.settings.login
        login = replace(login, extra={**self.oddities.authorization_parameters(), **login.extra})
        asking = authorization_url(self._http, metadata, self.settings.auth, login, attempt, self._clock.seconds())
        return await noting.step("authorization request", asking, lambda url: "pushed" if "request_uri=" in url else "in the URL")

    async def finish(self, attempt: Attempt, parameters: Mapping[str, str]) -> SignedIn:
        """Who has logged in.

        :raises LoginFailed: nobody; the reason says which check failed.
        :raises ProviderDown: the provider cannot say now.
        """
        noting = Noting(attempt.note, self._clock)
        metadata = await noting.step("discovery", self._metadata(), of_metadata)
        form = {
            "grant_type": "authorization_code",
            "code": authorization_code(parameters, metadata),
            "redirect_uri": attempt.redirect_uri,
        }
        if self.settings.login.pkce:
            form["code_verifier"] = attempt.code_verifier
        try:
            answer = await noting.step("token endpoint", self._tokens(metadata, form), of_tokens)
        except TokenRefused as error:
            raise LoginFailed(f"the provider refused the code: {error}") from None
        if answer.id is None:
            raise LoginFailed("the provider gave no ID token (is 'openid' among the scopes?)")
        checking = self._id_claims(metadata, answer.id, nonce=attempt.nonce, access_token=answer.access)
        claims = await noting.step("ID token", checking, of_claims(self._clock.seconds))
        asking = self._userinfo(metadata, claims, answer.access, needed_only=True)
        claims = merged(claims, await noting.step("userinfo", asking, of_userinfo))
        naming = self._principal(metadata, claims, answer.access)
        principal = await noting.step("principal", naming, lambda who: f"{len(who.groups)} groups")
        now = self._clock.seconds()
        tokens = Tokens(
            access=answer.access,
            id=answer.id,
            refresh=answer.refresh,
            expires_at=None if answer.lifetime is None else now + answer.lifetime,
            id_expires_at=jws.instant(claims, "exp"),
            scope=answer.scope,
        )
        return SignedIn(principal, tokens, provider_session=text(claims.get("sid")), auth_time=jws.instant(claims, "auth_time"))

    async def renew(self, signed_in: SignedIn) -> SignedIn:
        """The same login with new tokens; unchanged where there is no refresh token.

        :raises SessionOver: the provider ended it, or the answer is about somebody else.
        :raises ProviderDown: it cannot say now; nothing is lost.
        """
        old = signed_in.tokens
        if old is None or old.refresh is None:
            return signed_in
        metadata = await self._metadata()
        try:
            answer = await self._tokens(metadata, {"grant_type": "refresh_token", "refresh_token": old.refresh})
        except TokenRefused as error:
            raise judge_refusal(error) from None
        # From here on the old refresh token may be spent: outages leave the person as they were, and the new tokens are kept.
        now = self._clock.seconds()
        principal = signed_in.principal
        try:
            claims = await self._renewed_claims(metadata, answer, principal, old)
            ends_at = jws.instant(claims, "exp") if answer.id is not None else None
            principal = await self._principal(metadata, claims, answer.access)
        except ProviderDown as error:
            self._log.warn("{name}: refreshed without news of the person: {error}", name=self.settings.mapping.provider, error=error)
            ends_at = None
        except LoginFailed as error:
            raise SessionOver(error.reason) from None
        return replace(signed_in, principal=principal, tokens=new_tokens(old, answer, now, ends_at))

    def end_session_url(self, signed_in: SignedIn, return_to: str) -> str | None:
        """Where the browser goes to log out at the provider, ``None`` when there is no such place (or it is not known now)."""
        endpoint = self.settings.end_session
        if endpoint == "auto":
            metadata = self.discovery.peek()
            endpoint = metadata.end_session_endpoint if metadata is not None else ""
        if not endpoint or endpoint == "never":
            return None
        id_token = signed_in.tokens.id if signed_in.tokens is not None else None
        parameter = self.settings.end_session_return
        return end_session_url(endpoint, self.settings.auth.client_id, id_token, return_to, return_parameter=parameter)

    async def revoke(self, signed_in: SignedIn) -> None:
        """Give the refresh token back (else the access token). Best effort: what goes wrong is logged and nothing more."""
        tokens = signed_in.tokens
        token = (tokens.refresh or tokens.access) if tokens is not None else None
        metadata = self.discovery.peek()
        if tokens is None or token is None or metadata is None or not metadata.revocation_endpoint:
            return
        hint = "refresh_token" if tokens.refresh else "access_token"
        try:
            done = await revoke_token(self._http, metadata, self.settings.auth, token, hint, self._clock.seconds())
        except BackChannelError as error:
            self._log.warn("{name}: revocation: {error}", name=self.settings.mapping.provider, error=error)
            return
        if not done:
            self._log.warn("{name}: the provider did not take back a token", name=self.settings.mapping.provider)

    async def backchannel_logout(self, form: Mapping[str, object]) -> list[tuple[str, str]]:
        """Whose sessions the provider has ended.

        :raises LoginFailed: the token is wrong, has come before or is another provider's, or there is none.
        :raises ProviderDown: it cannot be judged now.
        """
        raw = only_token(form)
        if raw is None:
            raise LoginFailed("not exactly one logout_token")
        metadata = await self._metadata()
        rules = self._rules(metadata)
        now = self._clock.seconds()
        try:
            check_whose(raw, rules)
            token = await self._checked(lambda keys: validate_logout_token(raw, keys, rules, now=now))
        except TokenInvalid as error:
            raise LoginFailed(f"logout token: {error.check}: {error}") from None
        if not self._replays.first_time(token, now):
            raise LoginFailed("logout token: jti: it has come before")
        return [(token.issuer, whose(token, metadata.backchannel_logout_session))]

    async def _metadata(self) -> Metadata:
        try:
            return await self.discovery.metadata()
        except BackChannelError as error:
            raise ProviderDown(f"discovery: {error}") from None

    async def _tokens(self, metadata: Metadata, form: Mapping[str, str]) -> TokenAnswer:
        return await call_token_endpoint(self._http, metadata, self.settings.auth, form, self._clock.seconds())

    def _rules(self, metadata: Metadata) -> IdTokenRules:
        def issuer(claims: Mapping[str, Any]) -> str:
            return self.oddities.token_issuer(metadata.issuer, claims)

        own = type(self.oddities).token_issuer is Oddities.token_issuer
        return replace(self.settings.rules, issuer=metadata.issuer if own else issuer)

    async def _checked(self, check: Any) -> Any:
        """``check(keys)`` with the provider's keys, or with the client secret where an operator chose an algorithm that wants it."""
        if any(name in SYMMETRIC for name in self.settings.rules.algorithms):
            return check(client_secret_key(self.settings.auth.secret))
        try:
            return await self.discovery.keys.checked(check)
        except BackChannelError as error:
            raise ProviderDown(f"keys: {error}") from None

    async def _id_claims(
        self, metadata: Metadata, raw: str, *, nonce: str | None = None, access_token: str | None = None, fresh: bool = True
    ) -> Mapping[str, Any]:
        rules = self._rules(metadata)

        def check(keys: SigningKeys) -> Mapping[str, Any]:
            now = self._clock.seconds()
            return validate_id_token(raw, keys, rules, now=now, nonce=nonce, access_token=access_token, fresh=fresh)

        try:
            claims: Mapping[str, Any] = await self._checked(check)
        except TokenInvalid as error:
            raise LoginFailed(f"ID token: {error.check}: {error}") from None
        return claims

    async def _userinfo(self, metadata: Metadata, claims: Mapping[str, Any], access_token: str, *, needed_only: bool) -> Mapping[str, Any]:
        """What userinfo says; nothing where it is not wanted or says nothing that can be used."""
        wanted = self.settings.userinfo
        if not metadata.userinfo_endpoint or wanted == "never":
            return {}
        if needed_only and wanted == "auto" and not missing(claims, self.settings.mapping.paths):
            return {}
        subject, rules = str(claims["sub"]), self._rules(metadata)
        try:
            return await fetch_userinfo(self._http, metadata.userinfo_endpoint, access_token, subject, self.discovery.keys, rules)
        except BackChannelError as error:
            raise ProviderDown(f"userinfo: {error}") from None
        except UserinfoUseless as error:
            self._log.warn("{name}: {error}; going on without it", name=self.settings.mapping.provider, error=error)
            return {}

    async def _principal(self, metadata: Metadata, claims: Mapping[str, Any], access_token: str) -> Principal:
        claims = self.oddities.corrected(claims)
        refusal = self.oddities.refusal(claims)
        if refusal is not None:
            raise LoginFailed(refusal, "This account may not log in here.")
        keys = self.discovery.keys.peek() or SigningKeys()
        now, client_id = self._clock.seconds(), self.settings.auth.client_id
        facts = LoginFacts(claims, access_token, client_id, metadata.issuer, self._http, keys, now)
        try:
            groups = await self.oddities.groups(facts)
        except BackChannelError as error:
            raise ProviderDown(f"groups: {error}") from None
        return principal_of(claims, self.settings.mapping, groups=groups)

    async def _renewed_claims(self, metadata: Metadata, answer: TokenAnswer, principal: Principal, old: Tokens) -> Mapping[str, Any]:
        """What is known of the person after a refresh: from a new ID token as at a login, else from userinfo upon what was known."""
        if answer.id is None:
            before = {**principal.claims, "iss": principal.issuer, "sub": principal.subject}
            return refreshed(before, await self._userinfo(metadata, before, answer.access, needed_only=False))
        claims = await self._id_claims(metadata, answer.id, access_token=answer.access, fresh=False)
        check_same_person(claims, principal.issuer, principal.subject, old.id)
        return merged(claims, await self._userinfo(metadata, claims, answer.access, needed_only=True))
