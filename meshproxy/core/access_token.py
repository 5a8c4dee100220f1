"""May this token speak for its bearer here? A JWT access token (RFC 9068 §4), and what an introspection says of an opaque one.

The rule: of the issuer that was configured, for an audience of ours, alive, with every scope that is demanded; and made to be an access
token: an ID token or a logout token that names its kind does not pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import jws
from .idtoken import check_issuer, check_subject
from .jws import DEFAULT_ALGORITHMS, TokenInvalid
from .signing_keys import SigningKeys

_KINDS = (None, "jwt", "at+jwt", "application/at+jwt")


@dataclass(frozen=True, slots=True)
class AccessTokenRules:
    """What is expected of every token.

    :ivar audiences: the token must be for at least one of these.
    :ivar scopes: it must have all of these.
    """

    issuer: str
    audiences: frozenset[str]
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    scopes: frozenset[str] = frozenset()
    clock_skew: float = 60.0


def bearer_token(value: bytes) -> str | None:
    """The token of an ``Authorization`` value, ``None`` when its scheme is another (RFC 6750 §2.1; the scheme's case does not matter).

    :raises TokenInvalid: the scheme is Bearer, and what follows is no token.
    """
    scheme, _, rest = value.strip(b" \t").partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    token = rest.strip(b" ")
    if not token or len(token) > jws.LONGEST_TOKEN or not token.isascii() or not _B64TOKEN.issuperset(token):
        raise TokenInvalid("form", "no token behind Bearer")
    return token.decode("ascii")


_B64TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")


def issued_by(raw: str, issuer: str) -> bool:
    """Whether the token says that it is of this issuer; unverified, only good to find out whose it is to judge."""
    try:
        return jws.parse(raw).claims.get("iss") == issuer
    except TokenInvalid:
        return False


def validate_access_token(raw: str, keys: SigningKeys, rules: AccessTokenRules, *, now: float) -> Mapping[str, Any]:
    """The claims of a valid token.

    :raises jws.UnknownKey: the keys may be out of date.
    :raises TokenInvalid: naming the check.
    """
    token = jws.parse(raw)
    kind = token.header.get("typ")
    if (kind.lower() if isinstance(kind, str) else kind) not in _KINDS:
        raise TokenInvalid("typ", "the token is of another kind")
    claims = jws.verified(token, keys, rules.algorithms).claims
    check_issuer(claims, rules.issuer)
    if rules.audiences.isdisjoint(jws.audiences(claims)):
        raise TokenInvalid("aud", "'aud' names none of the audiences")
    jws.check_times(claims, now=now, skew=rules.clock_skew, issued=False)
    check_subject(claims)
    check_scopes(claims, rules.scopes)
    return claims


def judge_introspection(answer: object, rules: AccessTokenRules, *, now: float) -> Mapping[str, Any]:
    """What an introspection says (RFC 7662 §2.2), as claims with ``iss`` and ``sub``.

    A token without ``aud`` is for us when the client that it was given to is among the audiences; one without ``sub`` is the client's own.

    :raises TokenInvalid: naming the check.
    """
    if not isinstance(answer, Mapping) or answer.get("active") is not True:
        raise TokenInvalid("active", "the issuer says that the token is not active")
    client = answer.get("client_id")
    if "iss" in answer:
        check_issuer(answer, rules.issuer)
    found = jws.audiences(answer) if answer.get("aud") is not None else (client,)
    if rules.audiences.isdisjoint(found):
        raise TokenInvalid("aud", "the token is for none of the audiences")
    if answer.get("exp") is not None:
        jws.check_times(answer, now=now, skew=rules.clock_skew, issued=False)
    claims = {**answer, "iss": rules.issuer, "sub": answer.get("sub") or client}
    check_subject(claims)
    check_scopes(claims, rules.scopes)
    return claims


def check_scopes(claims: Mapping[str, Any], scopes: frozenset[str]) -> None:
    """``scope`` (RFC 8693 §4.2, space-separated), or the list ``scp`` that some issuers write."""
    value = claims.get("scope", claims.get("scp"))
    given = value.split() if isinstance(value, str) else value if isinstance(value, list) else ()
    missing = scopes.difference(name for name in given if isinstance(name, str))
    if missing:
        raise TokenInvalid("scope", f"the token lacks the scope {', '.join(sorted(missing))}")
