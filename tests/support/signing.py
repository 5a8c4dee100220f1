"""Keys and tokens that tests sign themselves. Each key is made once a process: making RSA keys takes time."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.util import json_b64encode, urlsafe_b64encode

_SIGNERS = {model.name: model for model in JWS_ALGORITHMS}


@cache
def rsa(kid: str | None = "rsa", bits: int = 2048) -> Key:
    """An RSA key of that name (``None``: without one)."""
    return RSAKey.generate_key(bits, {"use": "sig", **({"kid": kid} if kid else {})})


@cache
def ec(kid: str | None = "ec", curve: str = "P-256") -> Key:
    """An EC key of that name."""
    return ECKey.generate_key(curve, {"use": "sig", **({"kid": kid} if kid else {})})


@cache
def ed25519(kid: str | None = "ed") -> Key:
    """An Ed25519 key of that name."""
    return OKPKey.generate_key("Ed25519", {"use": "sig", **({"kid": kid} if kid else {})})


def published(*keys: Key) -> dict[str, Any]:
    """A JWK Set of their public halves; a ``kid`` only where the key was given one."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def sign(claims: Any, key: Key, algorithm: str = "RS256", **header: Any) -> str:
    """A signed JWT, by joserfc's algorithms but without its checks. ``header`` adds to its header; ``kid=None`` leaves the name out."""
    names = {"alg": algorithm, "kid": key.get("kid"), **header}
    protected = json_b64encode({name: value for name, value in names.items() if value is not None})
    payload = urlsafe_b64encode(claims if isinstance(claims, bytes) else json.dumps(claims).encode())
    signing_input = protected + b"." + payload
    return (signing_input + b"." + urlsafe_b64encode(_SIGNERS[algorithm].sign(signing_input, key))).decode("ascii")


def unsigned(claims: dict[str, Any], signature: bytes = b"", **header: Any) -> str:
    """A token with ``alg: none``, or whatever header and signature are given."""
    parts = (json_b64encode({"alg": "none", **header}), json_b64encode(claims), urlsafe_b64encode(signature))
    return b".".join(parts).decode("ascii")
