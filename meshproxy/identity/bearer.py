"""Who does this bearer token stand for? JWTs by the issuer's keys, opaque tokens by asking the issuer, both remembered for a while.

A token that was judged before is judged at once, without waiting; however often one token comes at the same time, it is asked about
once. A JWT of another issuer is not ours to judge; one of ours that fails any check is refused and never tried another way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from ..api.errors import ProviderDown, Rejected
from ..core import jws
from ..core.access_token import AccessTokenRules, issued_by, judge_introspection, validate_access_token
from ..core.claims import ClaimsMapping, principal_of
from ..core.jws import TokenInvalid
from ..core.principal import Authenticated, Tokens
from .backchannel import BackChannel, BackChannelError
from .deadline import Turns
from .oidc.client_auth import ClientAuth
from .oidc.discovery import Discovery
from .token_cache import TokenCache

LONGEST_VERDICT = 300.0
REFUSED_FOR = 30.0
ASKED_AT_ONCE = 20
TURN_WAIT = 4.0


@dataclass(frozen=True, slots=True)
class Introspection:
    """How opaque tokens are asked about.

    :ivar url: the endpoint; ``"auto"``: the one that discovery names.
    :ivar cache: for how many seconds an answer holds at most.
    """

    url: str
    auth: ClientAuth
    cache: float = 60.0


class BearerTokens:
    """One issuer's tokens."""

    def __init__(
        self,
        rules: AccessTokenRules,
        mapping: ClaimsMapping,
        discovery: Discovery,
        http: BackChannel,
        clock: IReactorTime,
        *,
        introspection: Introspection | None = None,
        timeout: float = 4.0,
    ) -> None:
        self._rules = rules
        self._mapping = mapping
        self._discovery = discovery
        self._http = http
        self._clock = clock
        self._introspection = introspection
        self._timeout = timeout
        self._turns = Turns(clock, ASKED_AT_ONCE, TURN_WAIT)
        self._verdicts: TokenCache[Authenticated | Rejected] = TokenCache()
        self._asking: dict[bytes, list[Deferred[Authenticated]]] = {}

    def judge(self, token: str) -> Authenticated | Deferred[Authenticated] | None:
        """Who it stands for; ``None`` when it is not ours to judge. A Deferred only where the issuer must be asked.

        :raises Rejected: ours, and wrong (the Deferred too; it also fails with :class:`ProviderDown`).
        """
        key = TokenCache.key(token)
        verdict = self._verdicts.get(key, self._clock.seconds())
        if isinstance(verdict, Authenticated):
            return verdict
        if verdict is not None:
            raise Rejected(str(verdict))
        if jws.looks_like_jws(token):
            return self._judge_jwt(key, token) if issued_by(token, self._rules.issuer) else None
        return self._once(key, token, self._introspect) if self._introspection is not None else None

    def _judge_jwt(self, key: bytes, token: str) -> Authenticated | Deferred[Authenticated]:
        try:
            claims = self._discovery.keys.checked_now(lambda keys: self._valid(token, keys))
        except TokenInvalid as error:
            raise self._refused(error) from None
        return self._accepted(key, token, claims, LONGEST_VERDICT) if claims is not None else self._once(key, token, self._verify)

    def _valid(self, token: str, keys: Any) -> Mapping[str, Any]:
        return validate_access_token(token, keys, self._rules, now=self._clock.seconds())

    async def _verify(self, key: bytes, token: str) -> Authenticated:
        try:
            claims = await self._discovery.keys.checked(lambda keys: self._valid(token, keys))
        except TokenInvalid as error:
            raise self._refused(error) from None
        except BackChannelError as error:
            raise ProviderDown(f"keys: {error}") from None
        return self._accepted(key, token, claims, LONGEST_VERDICT)

    async def _introspect(self, key: bytes, token: str) -> Authenticated:
        asked = self._introspection
        if asked is None:
            raise ProviderDown("there is no introspection")
        try:
            url = asked.url if asked.url != "auto" else (await self._discovery.metadata()).introspection_endpoint
            if not url:
                raise ProviderDown("the issuer names no introspection endpoint")
            now = self._clock.seconds()
            form, headers = asked.auth.apply({"token": token}, audience=self._rules.issuer, offered=(), now=now)
            status, answer, _ = await self._http.post_form(url, form, headers)
        except BackChannelError as error:
            raise ProviderDown(f"introspection: {error}") from None
        if status != 200:
            raise ProviderDown(f"introspection was answered {status}")
        try:
            claims = judge_introspection(answer, self._rules, now=self._clock.seconds())
        except TokenInvalid as error:
            refusal = self._refused(error)
            self._verdicts.put(key, refusal, self._clock.seconds() + REFUSED_FOR)
            raise refusal from None
        return self._accepted(key, token, claims, asked.cache)

    def _refused(self, error: TokenInvalid) -> Rejected:
        return Rejected(f"bearer token: {error.check}: {error}")

    def _accepted(self, key: bytes, token: str, claims: Mapping[str, Any], longest: float) -> Authenticated:
        now = self._clock.seconds()
        expires_at = jws.instant(claims, "exp")
        tokens = Tokens(access=token, expires_at=expires_at)
        verdict = Authenticated(principal_of(claims, self._mapping), expires_at, tokens)
        self._verdicts.put(key, verdict, min(now + longest, expires_at if expires_at is not None else now + longest))
        return verdict

    def _once(self, key: bytes, token: str, ask: Any) -> Deferred[Authenticated]:
        """``ask(key, token)``, or the answer of the same question that is under way."""
        waiter: Deferred[Authenticated] = Deferred(lambda gone: self._asking.get(key, [gone]).remove(gone))
        if key in self._asking:
            self._asking[key].append(waiter)
            return waiter
        self._asking[key] = [waiter]
        asking = Deferred.fromCoroutine(self._turns.take(self._timeout, "the token's issuer", lambda: ask(key, token)))
        asking.addBoth(self._answered, key)
        return waiter

    def _answered(self, result: Authenticated | Failure, key: bytes) -> None:
        for waiter in self._asking.pop(key):
            if isinstance(result, Failure):
                waiter.errback(result)
            else:
                waiter.callback(result)
