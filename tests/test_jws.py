"""A compact JWS: taken apart strictly, verified against known keys, its times and audiences read."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as some
from joserfc.jwk import OctKey
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.jws import (
    DEFAULT_ALGORITHMS,
    LONGEST_TOKEN,
    TokenInvalid,
    UnknownKey,
    audiences,
    check_times,
    instant,
    looks_like_jws,
    parse,
    verified,
)
from meshproxy.core.signing_keys import parse_key_set

from .support.signing import ec, published, rsa, sign, unsigned

KEYS = parse_key_set(published(rsa("one"), rsa("two"), ec()))
NOW = 1_000_000.0


class ParseTests(SynchronousTestCase):
    def refused(self, raw: str) -> str:
        return self.assertRaises(TokenInvalid, parse, raw).check

    def test_parts(self) -> None:
        """Header, claims, algorithm and key name of a proper token."""
        token = parse(sign({"sub": "a"}, rsa("one"), typ="JWT"))
        self.assertEqual((token.algorithm, token.kid, token.claims, token.header["typ"]), ("RS256", "one", {"sub": "a"}, "JWT"))

    def test_form(self) -> None:
        """Not three parts, not base64url (padding, standard alphabet, loose bits, white space), not JSON objects, not ASCII."""
        good = sign({"sub": "a"}, rsa("one"))
        header, payload, signature = good.split(".")
        for raw in (
            "",
            "a.b",
            good + ".x",
            f"{header}.{payload}=.{signature}",
            f"{header}.{payload}\n.{signature}",
            f" {good}",
            f"{header}.{payload}.{signature}+",
            f"{header}..{signature}",
            f"{header}.W10.{signature}",
            f"W10.{payload}.{signature}",
            f"ü.{payload}.{signature}",
        ):
            self.assertEqual(self.refused(raw), "form", raw[:40])

    def test_size(self) -> None:
        """Too long is refused before anything is decoded."""
        self.assertEqual(self.refused("x" * (LONGEST_TOKEN + 1)), "size")

    def test_header_values(self) -> None:
        """alg and kid must be strings."""
        for header in ({"alg": None}, {"alg": ["RS256"]}, {"alg": "RS256", "kid": 7}, {"alg": "RS256", "kid": {}}):
            self.assertEqual(self.refused(unsigned({}, **header)), "form")

    @given(some.text(max_size=200))
    def test_never_another_error(self, raw: str) -> None:
        """Whatever comes, the error is ours."""
        try:
            parse(raw)
        except TokenInvalid:
            return

    def test_repr(self) -> None:
        """A repr shows no signature."""
        raw = sign({"sub": "a"}, rsa("one"))
        self.assertNotIn(base64.urlsafe_b64decode(raw.rpartition(".")[2] + "==").hex()[:8], repr(parse(raw)))
        self.assertNotIn("signature", repr(parse(raw)))

    def test_looks_like(self) -> None:
        """The outer form tells a JWT from an opaque token."""
        self.assertTrue(looks_like_jws(sign({}, rsa("one"))))
        for other in ("opaque", "a.b.c", "eyJhbGciOiJkaXIifQ....x", ""):
            self.assertFalse(looks_like_jws(other))


class VerifiedTests(SynchronousTestCase):
    def check(self, raw: str) -> str:
        try:
            verified(parse(raw), KEYS, DEFAULT_ALGORITHMS)
        except TokenInvalid as error:
            return error.check
        return "good"

    def test_good(self) -> None:
        """By the key of that name; without a name by any that fits."""
        self.assertEqual(self.check(sign({}, rsa("two"))), "good")
        self.assertEqual(self.check(sign({}, rsa("two"), kid=None)), "good")
        self.assertEqual(self.check(sign({}, ec(), "ES256")), "good")

    def test_wrong(self) -> None:
        """Another key's signature under a known name, one bit turned, nothing, too short."""
        raw = sign({}, rsa("one"))
        head, _, signature = raw.rpartition(".")
        self.assertEqual(self.check(sign({}, rsa("stranger"), kid="one")), "signature")
        self.assertEqual(self.check(f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"), "signature")
        self.assertEqual(self.check(f"{head}."), "signature")
        self.assertEqual(self.check(f"{head}.AAAA"), "signature")
        self.assertEqual(self.check(sign({}, ec("other"), "ES256", kid="ec")), "signature")

    def test_algorithms(self) -> None:
        """Only what is allowed, whatever the header says; never none, never a public key as HMAC secret."""
        secret = OctKey.import_key(published(rsa("one"))["keys"][0]["n"].encode())
        for raw in (unsigned({}), sign({}, secret, "HS256", kid="one"), sign({}, rsa("one"), "RS512"), unsigned({}, alg="x" * 1000)):
            self.assertEqual(self.check(raw), "alg")
        self.assertRaises(TokenInvalid, verified, parse(unsigned({})), KEYS, ("none",))

    def test_unknown_key(self) -> None:
        """A name that is not known, and no name where none fits, say which key is missing."""
        unknown = self.assertRaises(UnknownKey, verified, parse(sign({}, rsa("stranger"))), KEYS, DEFAULT_ALGORITHMS)
        self.assertEqual(unknown.kid, "stranger")
        unnamed = self.assertRaises(UnknownKey, verified, parse(sign({}, rsa("stranger"), kid=None)), KEYS, DEFAULT_ALGORITHMS)
        self.assertEqual(unnamed.kid, None)

    def test_keys_in_the_header(self) -> None:
        """jwk, jku, x5u and x5c are not looked at: a token that brings its own key is a stranger's."""
        own = rsa("stranger").as_dict(private=False)
        raw = sign({}, rsa("stranger"), jwk=own, jku="https://evil.example/jwks", x5u="https://evil.example/x", x5c=["AAAA"])
        self.assertEqual(self.check(raw), "key")

    def test_crit(self) -> None:
        """Anything critical is refused, in whatever form."""
        for crit in (["exp"], [], "exp"):
            self.assertEqual(self.check(sign({}, rsa("one"), crit=crit)), "crit")


class ClaimTests(SynchronousTestCase):
    def test_times(self) -> None:
        """Each claim at its edges; the clocks may differ by the skew and not by more."""
        good = {"exp": NOW + 100, "iat": NOW}
        table = [
            ({}, ""),
            ({"exp": NOW - 59}, ""),
            ({"exp": NOW - 60}, "exp"),
            ({"exp": None}, "exp"),
            ({"iat": NOW + 60}, ""),
            ({"iat": NOW + 61}, "iat"),
            ({"iat": None}, "iat"),
            ({"iat": NOW - 660}, ""),
            ({"iat": NOW - 661}, "iat"),
            ({"nbf": NOW + 60}, ""),
            ({"nbf": NOW + 61}, "nbf"),
            ({"exp": "soon"}, "exp"),
            ({"exp": float("inf")}, "exp"),
            ({"exp": 10**400}, "exp"),
            ({"iat": True}, "iat"),
            ({"nbf": []}, "nbf"),
        ]
        for change, wrong in table:
            try:
                check_times({**good, **change}, now=NOW, skew=60, oldest=600)
                found = ""
            except TokenInvalid as error:
                found = error.check
            self.assertEqual(found, wrong, change)

    def test_issued_is_optional(self) -> None:
        """Where iat is not wanted it may be missing, and is still not from the future."""
        check_times({"exp": NOW + 1}, now=NOW, skew=0, issued=False)
        self.assertRaises(TokenInvalid, check_times, {"exp": NOW + 1, "iat": NOW + 1}, now=NOW, skew=0, issued=False)

    def test_instant(self) -> None:
        """A NumericDate may have a fraction."""
        self.assertEqual((instant({"a": 1.5}, "a"), instant({}, "a")), (1.5, None))

    def test_audiences(self) -> None:
        """One name or a list of names; nothing else."""
        self.assertEqual((audiences({"aud": "a"}), audiences({"aud": ["a", "b"]})), (("a",), ("a", "b")))
        for value in (None, "", [], ["a", ""], ["a", 1], {"a": 1}, 7):
            self.assertRaises(TokenInvalid, audiences, {"aud": value})
