"""How does meshproxy prove to a provider that it is the client it says it is? (RFC 6749 §2.3, OpenID Connect Core §9)

The secret goes into the request and nowhere else: not into a repr, not into an error.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote_plus

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

Method = Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME = 60

_CURVE_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}


def load_private_key(pem: bytes, kid: str = "") -> Key:
    """The key to sign client assertions with: RSA, EC or Ed25519, PEM without a password.

    :raises ValueError: when it is none of these; the message has nothing of the key.
    """
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            key: Key = kind.import_key(pem, {"kid": kid} if kid else None)
            if key.is_private and _algorithm(key):
                return key
        except (JoseError, ValueError, TypeError):
            continue
    raise ValueError("not a private key (PEM, RSA, EC or Ed25519, without a password)")


def _algorithm(key: Key) -> str:
    return "RS256" if isinstance(key, RSAKey) else _CURVE_ALGORITHMS.get(str(getattr(key, "curve_name", "")), "")


@dataclass(frozen=True, slots=True)
class ClientAuth:
    """One client's way of proving itself.

    :ivar method: ``None``: whichever fits what it has and what the provider offers.
    :ivar random: gives that many random bytes (``os.urandom``).
    """

    client_id: str
    secret: str = field(default="", repr=False)
    private_key: Key | None = field(default=None, repr=False)
    method: Method | None = None
    random: Callable[[int], bytes] = field(default=bytes, repr=False)

    def chosen(self, offered: tuple[str, ...]) -> Method:
        """The method: the operator's; else by what there is. ``client_secret_basic`` is the protocol's default (Core §9)."""
        if self.method is not None:
            return self.method
        if self.private_key is not None:
            return "private_key_jwt"
        if not self.secret:
            return "none"
        post_only = "client_secret_post" in offered and "client_secret_basic" not in offered
        return "client_secret_post" if post_only else "client_secret_basic"

    def apply(
        self, form: Mapping[str, str], *, audience: str, offered: tuple[str, ...], now: float
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The form and the fields of a request that proves itself.

        :param audience: who a client assertion is for: the issuer (what current providers demand, older ones accept).
        """
        method = self.chosen(offered)
        if method == "client_secret_basic":
            # RFC 6749 §2.3.1: both are form-urlencoded before they are joined with a colon.
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}".encode("ascii")
            return dict(form), {"Authorization": "Basic " + b64encode(pair).decode("ascii")}
        if method == "client_secret_post":
            return {**form, "client_id": self.client_id, "client_secret": self.secret}, {}
        if method == "private_key_jwt":
            assertion = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self._assertion(audience, now)}
            return {**form, "client_id": self.client_id, **assertion}, {}
        return {**form, "client_id": self.client_id}, {}

    def _assertion(self, audience: str, now: float) -> str:
        """RFC 7523 §3: a JWT about ourselves, for this provider, valid for a minute and for one use."""
        key = self.private_key
        if key is None:
            raise ValueError("private_key_jwt needs a private key")
        header = {"alg": _algorithm(key), "typ": "JWT", "kid": key.kid or key.thumbprint()}
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "jti": hashlib.sha256(self.random(32)).hexdigest(),
            "iat": int(now),
            "exp": int(now) + ASSERTION_LIFETIME,
        }
        return jwt.encode(header, claims, key, algorithms=[header["alg"]])
