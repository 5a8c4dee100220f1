"""A published key set: what can be used is, what cannot is skipped, and a key signs only what it is for."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.signing_keys import ASYMMETRIC, client_secret_key, fits, parse_key_set

from .support.signing import ec, ed25519, published, rsa


class ParseTests(SynchronousTestCase):
    def test_usable_and_unusable(self) -> None:
        """One unusable key does not spoil the set: unknown kinds, malformed, for encryption, too small, symmetric."""
        good = published(rsa(), ec(), ed25519())["keys"]
        bad: list[Any] = [
            {"kty": "AKP", "alg": "ML-DSA-44", "kid": "pq", "pub": "AAAA"},
            {"kty": "RSA", "kid": "broken", "n": "!!", "e": "AQAB"},
            {"kty": "RSA", "kid": "incomplete", "e": "AQAB"},
            {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "not on the curve"},
            {"kty": "oct", "k": "c2VjcmV0LXRoYXQtZXZlcnlib2R5LXJlYWRz", "kid": "public secret"},
            {**good[0], "use": "enc"},
            published(rsa("small", 1024))["keys"][0],
            {"kty": ["RSA"]},
            "no object",
            None,
            {},
        ]
        found = parse_key_set({"keys": [*bad[:6], *good, *bad[6:]]})
        self.assertEqual([key.get("kid") for key in found.keys], ["rsa", "ec", "ed"])
        self.assertEqual(found.skipped, len(bad))

    def test_private_parts(self) -> None:
        """A provider that publishes its private key: we keep the public half alone."""
        found = parse_key_set({"keys": [rsa().as_dict(private=True)]})
        self.assertFalse(found.keys[0].is_private)

    def test_no_key_set(self) -> None:
        """What is no JWK Set is an error, so that it replaces no good one."""
        for value in ({}, {"keys": {}}, [], None, "keys", {"keys": "a"}):
            self.assertRaises(ValueError, parse_key_set, value)

    def test_bounded(self) -> None:
        """A set of ten thousand keys is read up to a bound."""
        found = parse_key_set({"keys": published(ec())["keys"] * 10_000})
        self.assertEqual((len(found.keys), found.skipped), (100, 9_900))


class FitsTests(SynchronousTestCase):
    def test_kind_and_curve(self) -> None:
        """An algorithm belongs to one kind of key, and each ES* to one curve."""
        fitting = [
            (rsa(), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
            (ec(), {"ES256"}),
            (ec("p384", "P-384"), {"ES384"}),
            (ec("p521", "P-521"), {"ES512"}),
            (ed25519(), {"EdDSA", "Ed25519"}),
            (client_secret_key("a long enough secret").keys[0], {"HS256", "HS384", "HS512"}),
        ]
        for key, names in fitting:
            self.assertEqual({name for name in (*ASYMMETRIC, "HS256", "HS384", "HS512", "none", "") if fits(key, name)}, names)

    def test_use_alg_and_operations(self) -> None:
        """What a key says of itself binds: use, alg, key_ops."""
        public = published(rsa())["keys"][0]
        for change, good in (
            ({}, True),
            ({"alg": "RS256"}, True),
            ({"alg": "PS256"}, False),
            ({"key_ops": ["verify"]}, True),
            ({"key_ops": ["verify", "sign"]}, True),
            ({"key_ops": ["sign"]}, False),
        ):
            (key,) = parse_key_set({"keys": [{**public, **change}]}).keys
            self.assertEqual(fits(key, "RS256"), good, change)

    def test_candidates(self) -> None:
        """By name the key of that name alone; without a name all that fit, in order."""
        keys = parse_key_set(published(rsa("a"), ec("b"), rsa("c")))
        self.assertEqual([key.get("kid") for key in keys.candidates("c", "RS256")], ["c"])
        self.assertEqual([key.get("kid") for key in keys.candidates(None, "RS256")], ["a", "c"])
        self.assertEqual(keys.candidates("b", "RS256"), ())
        self.assertEqual(keys.candidates("d", "RS256"), ())

    def test_repr(self) -> None:
        """A repr shows no key."""
        self.assertEqual(repr(client_secret_key("a long enough secret")), "<SigningKeys 1>")
