"""How is something sealed that a browser or a store keeps for us? In an authenticated envelope, bound to what it is for.

The form is ``v1.<kid>.<base64url(nonce ‖ ciphertext)>``: AES-256-GCM, with purpose, name and version as associated data, so that a value
sealed for one purpose or one cookie opens nowhere else. Every purpose has its own key (HKDF-SHA256, RFC 5869). The first key of the ring
seals, any of them opens: that is how keys are rotated. The rule: what does not open is ``None``, whatever is wrong with it.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"v1"
KEY_BYTES = 32
NONCE_BYTES = 12
INFLATED_BYTES = 64 * 1024
"""No payload is larger: what would inflate beyond it does not open."""

_PLAIN, _DEFLATED = b"\x00", b"\x01"
_LONGEST_TOKEN = 2 * INFLATED_BYTES
_CIPHERS = 64
"""So many derived keys are remembered; purposes are few and named by our own code."""


class KeyRing:
    """The keys of this deployment, newest first.

    :param keys: secrets of 32 random bytes or more.
    :raises ValueError: there is none, or one is too short.
    """

    __slots__ = ("_ciphers", "_secrets", "kids")

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        if not keys:
            raise ValueError("a key ring needs a key")
        if any(len(key) < KEY_BYTES for key in keys):
            raise ValueError(f"a session key has at least {KEY_BYTES} bytes")
        self._secrets = {_kid(key): key for key in reversed(keys)}
        #: the public names of the keys, newest first: what replicas compare to find out whether they share a secret
        self.kids: tuple[bytes, ...] = tuple(dict.fromkeys(_kid(key) for key in keys))
        self._ciphers: dict[tuple[bytes, bytes], AESGCM] = {}

    def __repr__(self) -> str:
        return f"<KeyRing {b' '.join(self.kids).decode()}>"

    def seal(self, purpose: bytes, name: bytes, payload: bytes, nonce: bytes, *, deflate: bool = False) -> bytes:
        """The sealed token, ASCII without ``;``, ``=``, or white space: fit for a cookie and for a URL.

        :param purpose: what the token is (``b"session"``); has its own key.
        :param name: where it is kept: a cookie's name, a store's key.
        :param nonce: 12 fresh random bytes.
        :param deflate: compress where that saves something; never for a payload in which secrets and text of strangers stand together.
        :raises ValueError: the payload is longer than 64 KiB.
        """
        if len(payload) > INFLATED_BYTES:
            raise ValueError("the payload is too long to be sealed")
        if len(nonce) != NONCE_BYTES:
            raise ValueError("a nonce has 12 bytes")
        kid = self.kids[0]
        packed = zlib.compress(payload, 6) if deflate else payload
        plain = _DEFLATED + packed if deflate and len(packed) < len(payload) else _PLAIN + payload
        sealed = self._cipher(kid, purpose).encrypt(nonce, plain, _associated(purpose, name))
        return b"%s.%s.%s" % (VERSION, kid, _encode(nonce + sealed))

    def open(self, purpose: bytes, name: bytes, token: bytes) -> bytes | None:
        """The payload, or ``None`` when this token was not sealed by us for this purpose and name."""
        version, _, rest = token.partition(b".")
        kid, _, text = rest.partition(b".")
        if version != VERSION or kid not in self._secrets or len(token) > _LONGEST_TOKEN:
            return None
        raw = _decode(text)
        if raw is None or len(raw) <= NONCE_BYTES:
            return None
        try:
            plain = self._cipher(kid, purpose).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _associated(purpose, name))
        except InvalidTag:
            return None
        return _unpacked(plain)

    def derive(self, purpose: bytes) -> bytes:
        """A 32-byte key of the newest secret for something that is no envelope (a MAC)."""
        return _derived(self._secrets[self.kids[0]], b"meshproxy v1 key " + purpose)

    def derive_all(self, purpose: bytes) -> tuple[bytes, ...]:
        """Such keys of all secrets, newest first: to check what an older one made."""
        return tuple(_derived(self._secrets[kid], b"meshproxy v1 key " + purpose) for kid in self.kids)

    def _cipher(self, kid: bytes, purpose: bytes) -> AESGCM:
        cipher = self._ciphers.get((kid, purpose))
        if cipher is None:
            if len(self._ciphers) >= _CIPHERS:
                self._ciphers.clear()
            cipher = self._ciphers[kid, purpose] = AESGCM(_derived(self._secrets[kid], b"meshproxy v1 seal " + purpose))
        return cipher


def _kid(key: bytes) -> bytes:
    """A key's public name: derived, so that it tells nothing about the key."""
    return _encode(_derived(key, b"meshproxy v1 key id"))[:8]


def _derived(key: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def _associated(purpose: bytes, name: bytes) -> bytes:
    """Lengths keep the parts apart, whatever they contain."""
    return b"%d:%s%d:%s%s" % (len(purpose), purpose, len(name), name, VERSION)


def _encode(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _decode(text: bytes) -> bytes | None:
    """Only the one canonical spelling: base64 leaves bits unused at its end, and a changed token must not open."""
    try:
        raw = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if _encode(raw) == text else None


def _unpacked(plain: bytes) -> bytes | None:
    kind, packed = plain[:1], plain[1:]
    if kind == _PLAIN:
        return packed
    if kind != _DEFLATED:
        return None
    inflate = zlib.decompressobj()
    try:
        payload = inflate.decompress(packed, INFLATED_BYTES + 1)
    except zlib.error:
        return None
    return payload if inflate.eof and len(payload) <= INFLATED_BYTES else None
