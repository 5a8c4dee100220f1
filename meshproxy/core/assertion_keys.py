"""Which key signs what meshproxy asserts, and which keys does a service need to check it? Private keys by the calendar, or an operator's.

The rules: a key is published before it signs and stays published after its last token has ended; whoever has the same secret has the same
keys at the same time, so workers and replicas need not ask each other. ES256 (RFC 7518 §3.4), which every JWT library of our days reads,
unless an operator's own key says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

PERIOD = 86400.0
"""Seconds that a derived key signs: a day of UTC."""

LONGEST_LIFETIME = 3600.0
"""Seconds. Shorter than :data:`PERIOD`, for which a key stays published after it has signed for the last time."""

_MOST_KEYS = 10
_SMALLEST_RSA_BITS = 2048
_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3)."""
_BEGIN = "-----BEGIN "


@dataclass(frozen=True, slots=True)
class AssertionKey:
    """A private key and its public name, the RFC 7638 thumbprint: the same everywhere, without anybody choosing it."""

    kid: str
    algorithm: str
    key: Key = field(repr=False)

    @classmethod
    def of(cls, key: Key) -> AssertionKey:
        """Raises :class:`ValueError` where we cannot sign with it; the message has nothing of the key."""
        algorithm = "RS256" if isinstance(key, RSAKey) else _ALGORITHMS.get(str(getattr(key, "curve_name", "")), "")
        if not algorithm or not key.is_private:
            raise ValueError("not a private key of RSA, P-256, P-384, P-521 or Ed25519")
        if isinstance(key, RSAKey) and key.public_key.key_size < _SMALLEST_RSA_BITS:
            raise ValueError(f"an RSA key has at least {_SMALLEST_RSA_BITS} bits")
        return cls(key.thumbprint(), algorithm, key)

    def signed(self, claims: Mapping[str, Any]) -> str:
        """The claims as a JWT (RFC 7519) in the compact form."""
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid}
        return jwt.encode(header, dict(claims), self.key, algorithms=[self.algorithm])

    def public(self) -> dict[str, Any]:
        """What services verify with: a JWK (RFC 7517) without anything private."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": self.algorithm}


class AssertionKeys(Protocol):
    """Keys at an instant, seconds since the epoch."""

    def signing(self, now: float) -> AssertionKey:
        """The one that signs."""

    def published(self, now: float) -> list[AssertionKey]:
        """Those that services should know."""


class GivenKeys:
    """An operator's own keys: the first signs, all are published. To rotate, append the new one, wait, move it to the front, wait."""

    def __init__(self, keys: tuple[AssertionKey, ...]) -> None:
        self._keys = keys

    def signing(self, now: float) -> AssertionKey:
        """The first."""
        return self._keys[0]

    def published(self, now: float) -> list[AssertionKey]:
        """All of them."""
        return list(self._keys)


class DailyKeys:
    """A key a day, derived from a secret: yesterday's, today's and tomorrow's are published, today's signs.

    :param roots: the secrets as they are now, newest first: the first one's key signs, those of all are published.
    """

    def __init__(self, roots: Callable[[], tuple[bytes, ...]]) -> None:
        self._roots = roots
        self._made: dict[tuple[bytes, int], AssertionKey] = {}

    def __repr__(self) -> str:
        """Nothing of the secrets."""
        return "<DailyKeys>"

    def signing(self, now: float) -> AssertionKey:
        """Today's, of the newest secret."""
        return self._key(self._roots()[0], int(now // PERIOD))

    def published(self, now: float) -> list[AssertionKey]:
        """Three days' keys of each secret."""
        today = int(now // PERIOD)
        return [self._key(root, day) for root in self._roots()[:_MOST_KEYS] for day in (today, today + 1, today - 1)]

    def _key(self, root: bytes, day: int) -> AssertionKey:
        made = self._made.get((root, day))
        if made is None:
            if len(self._made) >= 4 * _MOST_KEYS:
                self._made.clear()
            made = self._made[root, day] = AssertionKey.of(derived_key(root, day))
        return made


def derived_key(root: bytes, day: int) -> Key:
    """The P-256 key of a day. 128 bits more than the order has, so that the remainder is not biased (FIPS 186-5 §A.2.1)."""
    drawn = HKDF(algorithm=SHA256(), length=48, salt=None, info=b"meshproxy v1 assertion key %d" % day).derive(root)
    private = derive_private_key(int.from_bytes(drawn, "big") % (_ORDER - 1) + 1, SECP256R1())
    return ECKey.import_key(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def parse_keys(pem: str) -> GivenKeys:
    """The private keys of a PEM text, in its order; certificates beside them are passed over.

    :raises ValueError: there is none, too many, or one that we cannot sign with; the message has nothing of a key.
    """
    blocks = [_BEGIN + part for part in pem.split(_BEGIN)[1:]]
    private = [block for block in blocks if "PRIVATE KEY-----" in block.partition("\n")[0]]
    if not 0 < len(private) <= _MOST_KEYS:
        raise ValueError(f"wanted are 1 to {_MOST_KEYS} private keys in PEM")
    return GivenKeys(tuple(AssertionKey.of(_imported(block)) for block in private))


def _imported(pem: str) -> Key:
    for kind in (ECKey, OKPKey, RSAKey):
        try:
            key: Key = kind.import_key(pem.encode())
        except (JoseError, ValueError, TypeError):
            continue
        return key
    raise ValueError("a private key that cannot be read (PEM, without a password)")
