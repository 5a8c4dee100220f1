"""How a client proves itself: what goes into the form and the fields, and what never does."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.jws import parse, verified
from meshproxy.core.signing_keys import SigningKeys
from meshproxy.identity.oidc.client_auth import ASSERTION_TYPE, ClientAuth, load_private_key

from .support.signing import ec, ed25519, rsa


def apply(auth: ClientAuth, offered: tuple[str, ...] = ()) -> tuple[dict[str, str], dict[str, str]]:
    """Applied to a form with one member."""
    return auth.apply({"code": "c"}, audience="https://issuer.example", offered=offered, now=1000)


class ChoiceTests(SynchronousTestCase):
    def test_chosen(self) -> None:
        """The operator's word first; else a key, a secret in the way the provider takes, or nothing."""
        table: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
            ({"secret": "s"}, (), "client_secret_basic"),
            ({"secret": "s"}, ("client_secret_basic", "client_secret_post"), "client_secret_basic"),
            ({"secret": "s"}, ("client_secret_post",), "client_secret_post"),
            ({"secret": "s"}, ("private_key_jwt",), "client_secret_basic"),
            ({}, ("client_secret_basic",), "none"),
            ({"private_key": rsa(), "secret": "s"}, (), "private_key_jwt"),
            ({"secret": "s", "method": "client_secret_post"}, ("client_secret_basic",), "client_secret_post"),
        ]
        for options, offered, method in table:
            self.assertEqual(ClientAuth("id", **options).chosen(offered), method)


class ApplyTests(SynchronousTestCase):
    def test_basic(self) -> None:
        """Id and secret form-urlencoded, then joined, then base64 (RFC 6749 §2.3.1)."""
        form, headers = apply(ClientAuth("a:b c", "s+%&ü"))
        self.assertEqual(form, {"code": "c"})
        self.assertEqual(b64decode(headers["Authorization"].removeprefix("Basic ")), b"a%3Ab+c:s%2B%25%26%C3%BC")

    def test_post(self) -> None:
        """Both in the form, nothing in the fields."""
        self.assertEqual(
            apply(ClientAuth("id", "s", method="client_secret_post")), ({"code": "c", "client_id": "id", "client_secret": "s"}, {})
        )

    def test_public(self) -> None:
        """A public client says who it is and proves nothing."""
        self.assertEqual(apply(ClientAuth("id")), ({"code": "c", "client_id": "id"}, {}))

    def test_private_key_jwt(self) -> None:
        """A JWT about ourselves, for this provider, for a minute, with a name of its own each time; by every kind of key."""
        keys = ((rsa(), "RS256"), (ec(), "ES256"), (ec("e3", "P-384"), "ES384"), (ed25519(), "EdDSA"))
        for number, (key, algorithm) in enumerate(keys):
            made = iter((b"a" * 32, b"b" * 32))
            auth = ClientAuth("id", private_key=key, random=lambda size, made=made: next(made))
            form, headers = apply(auth)
            self.assertEqual((headers, form["client_id"], form["client_assertion_type"]), ({}, "id", ASSERTION_TYPE), number)
            token = verified(parse(form["client_assertion"]), SigningKeys((key,)), (algorithm,))
            self.assertEqual((token.claims["iss"], token.claims["sub"], token.claims["aud"]), ("id", "id", "https://issuer.example"))
            self.assertEqual((token.claims["iat"], token.claims["exp"]), (1000, 1060))
            self.assertNotEqual(parse(apply(auth)[0]["client_assertion"]).claims["jti"], token.claims["jti"])

    def test_repr(self) -> None:
        """A repr has no secret."""
        self.assertNotIn("s3cret", repr(ClientAuth("id", "s3cret", rsa())))


class KeyTests(SynchronousTestCase):
    def test_kinds(self) -> None:
        """RSA, EC and Ed25519, with a name or with their thumbprint as one."""
        for key in (RSAKey.generate_key(2048), ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")):
            pem = key.as_pem(private=True)
            self.assertEqual(load_private_key(pem, "ours").kid, "ours")
            form, _ = apply(ClientAuth("id", private_key=load_private_key(pem), random=bytes))
            self.assertEqual(parse(form["client_assertion"]).kid, key.thumbprint())

    def test_none(self) -> None:
        """Public keys, keys that cannot sign, rubbish: refused, and the message has none of it."""
        for pem in (rsa().as_pem(private=False), OKPKey.generate_key("X25519").as_pem(private=True), b"s3cret", b""):
            self.assertNotIn("s3cret", str(self.assertRaises(ValueError, load_private_key, pem)))
