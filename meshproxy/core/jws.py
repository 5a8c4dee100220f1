"""Who signed this token, and what does it say? One compact JWS (RFC 7515 §3.1), verified against known keys.

The order is the rule: size before decoding, algorithm from a list of our own before a key is looked for, key before signature, and only
then the claims. Whatever the header offers as a key itself (``jku``, ``x5u``, ``x5c``, ``jwk``) is not looked at. What fails says which
check it was, never what stood in the token.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwa import JWS_ALGORITHMS
from joserfc.util import urlsafe_b64decode

from .signing_keys import SigningKeys
from .strict_json import NotJson, load_object

LONGEST_TOKEN = 16 * 1024
DEFAULT_ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")
MOST_CANDIDATES = 10

_VERIFIERS = {model.name: model for model in JWS_ALGORITHMS if model.name != "none"}


class TokenInvalid(Exception):
    """A token that does not pass. ``check`` names the check, in one word; the message has only its ``alg`` or ``kid``."""

    def __init__(self, check: str, reason: str) -> None:
        super().__init__(reason)
        self.check = check
        self.reason = reason


class KeyDoubt(TokenInvalid):
    """The keys at hand do not prove the token: the provider may have published others. ``kid`` is the token's, if it names one."""

    def __init__(self, check: str, kid: str | None, reason: str) -> None:
        super().__init__(check, reason)
        self.kid = kid


class UnknownKey(KeyDoubt):
    """None of the known keys fits."""

    def __init__(self, kid: str | None, reason: str) -> None:
        super().__init__("key", kid, reason)


class WrongSignature(KeyDoubt):
    """The key of that name has not signed it. (Careless providers put a new key under an old name.)"""

    def __init__(self, kid: str | None) -> None:
        super().__init__("signature", kid, "the signature is wrong")


@dataclass(frozen=True, slots=True)
class Jws:
    """A token taken apart. Its signature is **not** verified yet: see :func:`verified`."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    algorithm: str
    kid: str | None
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def _segment(raw: bytes, what: str) -> bytes:
    try:
        return urlsafe_b64decode(raw)
    except ValueError:  # binascii.Error is one
        raise TokenInvalid("form", f"{what} of the token is not base64url") from None


def looks_like_jws(raw: str) -> bool:
    """Whether it has the outer form of one: three parts, the first an encoded JSON object."""
    return raw.count(".") == 2 and raw.startswith("eyJ")


def parse(raw: str) -> Jws:
    """Take a token apart, strictly.

    :raises TokenInvalid: too long, not three parts of base64url, header or claims no JSON object, ``alg`` or ``kid`` no string.
    """
    if len(raw) > LONGEST_TOKEN:
        raise TokenInvalid("size", f"the token has more than {LONGEST_TOKEN} characters")
    try:
        protected, payload, signature = raw.encode("ascii").split(b".")
    except ValueError:  # UnicodeEncodeError is one
        raise TokenInvalid("form", "the token has not the form of a signed JWT") from None
    try:
        header = load_object(_segment(protected, "the header"))
        claims = load_object(_segment(payload, "the claims"))
    except NotJson as error:
        raise TokenInvalid("form", f"header or claims of the token: {error}") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kid, (str, type(None))):
        raise TokenInvalid("form", "'alg' or 'kid' of the token is no string")
    return Jws(header, claims, algorithm[:40], kid, protected + b"." + payload, _segment(signature, "the signature"))


def verified(token: Jws, keys: SigningKeys, algorithms: Collection[str]) -> Jws:
    """The same token, once a known key has proven its signature.

    Without a ``kid`` every key that fits is tried (OpenID Connect Core §10.1 wants one then; several are no reason to fail).

    :raises UnknownKey: no key fits, or the token names none and none of those that fit has signed it.
    :raises WrongSignature: the key of that name did not sign it.
    :raises TokenInvalid: algorithm not allowed, ``crit`` present.
    """
    if token.algorithm not in algorithms or token.algorithm not in _VERIFIERS:
        raise TokenInvalid("alg", f"algorithm {token.algorithm!r} is not allowed")
    # RFC 7515 §4.1.11: what is critical and not understood makes the token invalid; we understand no extension.
    if "crit" in token.header:
        raise TokenInvalid("crit", "the token has critical header parameters")
    candidates = keys.candidates(token.kid, token.algorithm)
    if not candidates:
        raise UnknownKey(token.kid, f"no key {token.kid!r:.80} for {token.algorithm}")
    verifier = _VERIFIERS[token.algorithm]
    for key in candidates[:MOST_CANDIDATES]:
        try:
            if verifier.verify(token.signing_input, token.signature, key):
                return token
        except (JoseError, ValueError):
            continue  # a signature of impossible form, or a key that cannot do it after all
    if token.kid is None:
        raise UnknownKey(None, "no published key has signed the token, which names none")
    raise WrongSignature(token.kid)


def instant(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519 §2), ``None`` when it is absent.

    :raises TokenInvalid: when it is no number, or none that a clock can show.
    """
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e12 < value < 1e12:
        raise TokenInvalid(name, f"'{name}' is no point in time")
    return float(value)


def check_times(claims: Mapping[str, Any], *, now: float, skew: float, oldest: float | None = None, issued: bool = True) -> None:
    """``exp``, ``iat`` and ``nbf`` (RFC 7519 §4.1).

    :param skew: how far the clocks may differ, seconds.
    :param oldest: how long ago the token may have been issued at most, seconds; ``None``: any time ago.
    :param issued: whether ``iat`` must be there.
    :raises TokenInvalid: naming the claim.
    """
    expires, issued_at, not_before = instant(claims, "exp"), instant(claims, "iat"), instant(claims, "nbf")
    if expires is None:
        raise TokenInvalid("exp", "'exp' is missing")
    if expires <= now - skew:
        raise TokenInvalid("exp", f"the token ended {now - expires:.0f} s ago by our clock")
    if issued_at is None:
        if issued:
            raise TokenInvalid("iat", "'iat' is missing")
    elif issued_at > now + skew:
        raise TokenInvalid("iat", f"the token was issued {issued_at - now:.0f} s in the future by our clock")
    elif oldest is not None and issued_at < now - oldest - skew:
        raise TokenInvalid("iat", f"the token was issued {now - issued_at:.0f} s ago by our clock")
    if not_before is not None and not_before > now + skew:
        raise TokenInvalid("nbf", f"the token begins to hold in {not_before - now:.0f} s by our clock")


def audiences(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """``aud``, a string or a list of them, as a tuple.

    :raises TokenInvalid: when it is missing, empty or something else.
    """
    value = claims.get("aud")
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise TokenInvalid("aud", "'aud' is missing or no list of names")
    return tuple(names)
