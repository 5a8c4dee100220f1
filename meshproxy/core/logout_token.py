"""Does this token really tell us that the provider has ended a session? OpenID Connect Back-Channel Logout 1.0 §2.6."""

from __future__ import annotations

from dataclasses import dataclass

from . import jws
from .idtoken import IdTokenRules, check_audience, check_issuer
from .jws import TokenInvalid
from .signing_keys import SigningKeys

EVENT = "http://schemas.openid.net/event/backchannel-logout"
OLDEST = 600.0


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """Whose session has ended: ``sid`` where the provider names the session, ``subject`` where it names the person, or both.

    :ivar jti: the token's own id; one that comes again is a replay.
    :ivar remembered_until: until when a replay would pass the other checks, seconds since the epoch.
    """

    issuer: str
    subject: str | None
    sid: str | None
    jti: str
    remembered_until: float


def check_whose(raw: str, rules: IdTokenRules) -> None:
    """Whether a token says that it is this issuer's to judge; unverified: it saves keys of others from being looked for here.

    :raises TokenInvalid: it is another's, or no token at all.
    """
    check_issuer(jws.parse(raw).claims, rules.issuer)


def validate_logout_token(raw: str, keys: SigningKeys, rules: IdTokenRules, *, now: float) -> LogoutToken:
    """The token's contents, once every check of §2.6 has passed.

    :raises jws.UnknownKey: the keys may be out of date.
    :raises TokenInvalid: naming the check.
    """
    token = jws.parse(raw)
    kind = token.header.get("typ")
    if kind is not None and (not isinstance(kind, str) or kind.lower() not in ("logout+jwt", "application/logout+jwt", "jwt")):
        raise TokenInvalid("typ", "the token is of another kind")
    claims = jws.verified(token, keys, rules.algorithms).claims
    check_issuer(claims, rules.issuer)
    check_audience(claims, rules)
    jws.check_times(claims, now=now, skew=rules.clock_skew, oldest=OLDEST)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise TokenInvalid("events", "'events' does not say that it is a logout")
    # §2.4: "The following Claim MUST NOT be used within the Logout Token: nonce" — else an ID token could pass for one.
    if "nonce" in claims:
        raise TokenInvalid("nonce", "a logout token has no 'nonce'")
    subject, sid, token_id = (_name(claims.get(name), name) for name in ("sub", "sid", "jti"))
    if subject is None and sid is None:
        raise TokenInvalid("sub", "neither 'sub' nor 'sid' says whose session has ended")
    if token_id is None:
        raise TokenInvalid("jti", "'jti' is missing")
    return LogoutToken(str(claims["iss"]), subject, sid, token_id, now + OLDEST + 2 * rules.clock_skew)


def _name(value: object, what: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise TokenInvalid(what, f"'{what}' is no name")
    return value
