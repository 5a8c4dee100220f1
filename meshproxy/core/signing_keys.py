"""Which keys may have signed this token? A provider's published keys (RFC 7517), less those that are no use to us.

One unusable key (another kind, for encryption, too small, malformed) never spoils the others: it is skipped and counted. Symmetric keys
that stand in a published set are skipped always: what everybody can read proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey, import_key

MOST_KEYS = 100
SMALLEST_RSA_BITS = 2048

# RFC 7518 §3.1, RFC 8037 §3.1: an algorithm belongs to one kind of key, and each ES* to one curve.
_KINDS = {"RS": "RSA", "PS": "RSA", "HS": "oct"}
_CURVES = {"ES256": ("P-256",), "ES384": ("P-384",), "ES512": ("P-521",), "EdDSA": ("Ed25519", "Ed448"), "Ed25519": ("Ed25519",)}

ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
SYMMETRIC = ("HS256", "HS384", "HS512")


def fits(key: Key, algorithm: str) -> bool:
    """Whether a key of this kind can sign with this algorithm, and its ``use``, ``key_ops`` and ``alg`` allow it."""
    if key.get("use") not in (None, "sig") or key.get("alg") not in (None, algorithm):
        return False
    operations = key.get("key_ops")
    if operations is not None and "verify" not in operations:
        return False
    if algorithm in _CURVES:
        return isinstance(key, (ECKey, OKPKey)) and key.curve_name in _CURVES[algorithm]
    return key.key_type == _KINDS.get(algorithm[:2])


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Public keys to verify with, in the order they were published. ``skipped`` counts what was of no use."""

    keys: tuple[Key, ...] = ()
    skipped: int = 0

    def candidates(self, kid: str | None, algorithm: str) -> tuple[Key, ...]:
        """The keys that may have signed: those of that ``kid``; without one every key that fits the algorithm."""
        return tuple(key for key in self.keys if (kid is None or key.get("kid") == kid) and fits(key, algorithm))

    def __repr__(self) -> str:
        """Counts only: one of these may hold a client secret."""
        return f"<SigningKeys {len(self.keys)}>"


def _usable(entry: object) -> Key | None:
    if not isinstance(entry, dict) or entry.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    if entry.get("use") not in (None, "sig"):
        return None
    public = {name: value for name, value in entry.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth")}
    try:
        key = import_key(public)
        if isinstance(key, RSAKey) and key.public_key.key_size < SMALLEST_RSA_BITS:
            return None
        if isinstance(key, OKPKey) and key.curve_name not in ("Ed25519", "Ed448"):
            return None
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        return None  # malformed, or of a kind that this version cannot read
    return key


def parse_key_set(value: object) -> SigningKeys:
    """The usable keys of a JWK Set.

    :raises ValueError: when it is no JWK Set at all (RFC 7517 §5), so that a last good copy is not replaced by it.
    """
    entries = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWK Set: no list 'keys'")
    keys = tuple(key for key in map(_usable, entries[:MOST_KEYS]) if key is not None)
    return SigningKeys(keys, len(entries) - len(keys))


def client_secret_key(secret: str) -> SigningKeys:
    """The key of ``HS256`` and its kin: the client secret itself (Core §10.1), where an operator chose such an algorithm."""
    return SigningKeys((OctKey.import_key(secret.encode("utf-8")),))
