"""Does this ID token say that this person has just logged in to us? OpenID Connect Core §3.1.3.7, in a fixed order.

Every check fails closed and says which one it was. A pure function of the token, the keys, the rules and the time.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import jws
from .jws import DEFAULT_ALGORITHMS, TokenInvalid
from .signing_keys import SigningKeys

OLDEST = 600.0
LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class IdTokenRules:
    """What one client expects of every ID token.

    :ivar issuer: the ``iss`` it must carry, byte for byte. Where one discovery document serves many tenants, a function of the claims
        that gives it (or raises :class:`TokenInvalid`).
    :ivar client_id: must be in ``aud``.
    :ivar algorithms: the only ones that are accepted.
    :ivar trusted_audiences: further names that may stand in ``aud``.
    :ivar clock_skew: how far the provider's clock may differ, seconds.
    :ivar max_age: the longest time since the person typed their password, seconds, if it was asked for.
    :ivar acr_values: the authentication contexts of which one was demanded.
    """

    issuer: str | Callable[[Mapping[str, Any]], str]
    client_id: str
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    trusted_audiences: frozenset[str] = field(default_factory=frozenset)
    clock_skew: float = 60.0
    max_age: float | None = None
    acr_values: tuple[str, ...] = ()


def validate_id_token(
    raw: str,
    keys: SigningKeys,
    rules: IdTokenRules,
    *,
    now: float,
    nonce: str | None = None,
    access_token: str | None = None,
    fresh: bool = True,
) -> Mapping[str, Any]:
    """The claims of a valid ID token.

    :param nonce: the login attempt's; ``None`` where there is none to compare (a refresh, OpenID Connect Core §12.2).
    :param access_token: the one that came with it, for ``at_hash``.
    :param fresh: it was made for a login of this moment: ``iat`` at most ten minutes old, ``max_age`` and ``acr_values`` hold.
    :raises jws.UnknownKey: the keys may be out of date.
    :raises TokenInvalid: everything else.
    """
    token = jws.parse(raw)
    check_type(token)
    claims = jws.verified(token, keys, rules.algorithms).claims
    check_issuer(claims, rules.issuer)
    check_audience(claims, rules)
    jws.check_times(claims, now=now, skew=rules.clock_skew, oldest=OLDEST if fresh else None)
    if nonce is not None and not same(claims.get("nonce"), nonce):
        raise TokenInvalid("nonce", "'nonce' is missing or not the one of this login")
    if access_token is not None:
        check_access_token_hash(claims, token.algorithm, access_token)
    check_age(claims, rules.max_age if fresh else None, now - rules.clock_skew)
    check_subject(claims)
    if fresh and rules.acr_values and claims.get("acr") not in rules.acr_values:
        raise TokenInvalid("acr", "'acr' is none of the demanded ones")
    return claims


def check_type(token: jws.Jws) -> None:
    """An access token, a logout token or another kind that names itself is no ID token (RFC 8725 §3.11)."""
    kind = token.header.get("typ")
    if kind is not None and (not isinstance(kind, str) or kind.lower().endswith("+jwt")):
        raise TokenInvalid("typ", "the token is of another kind")


def check_issuer(claims: Mapping[str, Any], issuer: str | Callable[[Mapping[str, Any]], str]) -> None:
    """``iss`` byte for byte: no case folding, no slash added or taken away."""
    expected = issuer(claims) if callable(issuer) else issuer
    if not expected or claims.get("iss") != expected:
        raise TokenInvalid("iss", "'iss' is not the issuer that was asked")


def check_audience(claims: Mapping[str, Any], rules: IdTokenRules) -> None:
    """For us, and for nobody whom the operator does not know; made for us where several may read it."""
    names = jws.audiences(claims)
    if rules.client_id not in names:
        raise TokenInvalid("aud", "'aud' does not name this client")
    strangers = [name for name in names if name != rules.client_id and name not in rules.trusted_audiences]
    if strangers:
        raise TokenInvalid("aud", "'aud' names others that are not in trusted_audiences")
    party = claims.get("azp")
    if (party is not None or len(names) > 1) and party != rules.client_id:
        raise TokenInvalid("azp", "'azp' is not this client")


def check_access_token_hash(claims: Mapping[str, Any], algorithm: str, access_token: str) -> None:
    """``at_hash``, where the provider gives it: the access token belongs to this ID token (Core §3.1.3.6)."""
    value = claims.get("at_hash")
    if value is None:
        return
    digest = hashlib.new("sha512" if algorithm.startswith("Ed") else f"sha{algorithm[-3:]}", access_token.encode("utf-8")).digest()
    expected = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
    if not same(value, expected):
        raise TokenInvalid("at_hash", "'at_hash' does not fit the access token")


def check_age(claims: Mapping[str, Any], max_age: float | None, now: float) -> None:
    """``auth_time``: required with ``max_age`` (Core §3.1.2.1), and no longer ago."""
    authenticated_at = jws.instant(claims, "auth_time")
    if max_age is not None and (authenticated_at is None or authenticated_at < now - max_age):
        raise TokenInvalid("auth_time", "'auth_time' is missing or longer ago than max_age")


def check_subject(claims: Mapping[str, Any]) -> str:
    """``sub``: there, a string, not empty, not longer than Core §2 allows."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise TokenInvalid("sub", "'sub' is missing, empty or too long")
    return subject


def same(given: object, expected: str) -> bool:
    """Equality in constant time; whatever is no string is not equal."""
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8"))
