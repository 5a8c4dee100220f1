"""The ID-token rules as a pure function: each check by itself, and their order.

How each looks in a whole login stands in ``test_rp_conformance``.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.idtoken import IdTokenRules, same, validate_id_token
from meshproxy.core.jws import TokenInvalid
from meshproxy.core.signing_keys import parse_key_set

from .support.signing import ec, published, rsa, sign

NOW = 1_000_000.0
KEYS = parse_key_set(published(rsa("one")))
RULES = IdTokenRules("https://issuer.example", "client")


def claims(**changes: Any) -> dict[str, Any]:
    """Good ones, changed."""
    good = {"iss": "https://issuer.example", "sub": "alice", "aud": "client", "exp": NOW + 300, "iat": NOW, "nonce": "n"}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


class IdTokenTests(SynchronousTestCase):
    def check(self, raw: str, rules: IdTokenRules = RULES, **options: Any) -> str:
        """The check that fails, "" when none does."""
        try:
            validate_id_token(raw, KEYS, rules, **{"now": NOW, "nonce": "n", **options})
        except TokenInvalid as error:
            return error.check
        return ""

    def test_good(self) -> None:
        """The claims come back as they stand."""
        self.assertEqual(validate_id_token(sign(claims(), rsa("one")), KEYS, RULES, now=NOW, nonce="n"), claims())

    def test_order(self) -> None:
        """A token that is wrong in every way fails by the first check of the order; mended there, by the next."""
        wrong: dict[str, Any] = {
            "iss": "x",
            "aud": "x",
            "exp": NOW - 100,
            "nonce": "x",
            "at_hash": "x",
            "auth_time": NOW - 1000,
            "sub": "",
            "acr": "x",
        }
        rules = IdTokenRules("https://issuer.example", "client", max_age=60, acr_values=("mfa",))
        mended: dict[str, Any] = {
            "iss": "https://issuer.example",
            "aud": "client",
            "exp": NOW + 1,
            "nonce": "n",
            "at_hash": None,
            "auth_time": NOW,
            "sub": "a",
        }
        key, header, raw = rsa("stranger"), {"kid": "one", "crit": ["x"], "typ": "logout+jwt"}, "x" * 20_000
        found = [self.check(raw, rules, access_token="t")]
        for mend in ("typ", "alg", "crit", "signature", *mended):
            raw = sign(claims(**wrong), key, "RS512" if found[-1] in ("size", "typ") and mend != "crit" else "RS256", **header)
            found.append(self.check(raw, rules, access_token="t"))
            if mend in ("typ", "crit"):
                header.pop(mend, None)
            elif mend == "signature":
                key = rsa("one")
            elif mend in mended:
                wrong[mend] = mended[mend]
        found.append(self.check(sign(claims(**wrong), key), rules, access_token="t"))
        expected = ["size", "typ", "alg", "crit", "signature", "iss", "aud", "exp", "nonce", "at_hash", "auth_time", "sub", "acr"]
        self.assertEqual(list(dict.fromkeys(found)), expected)

    def test_issuer_by_its_claims(self) -> None:
        """Where one document serves many tenants the expected issuer depends on the claims; "" lets nobody in."""
        rules = IdTokenRules(lambda found: f"https://issuer.example/{found['tid']}" if found.get("tid") == "1" else "", "client")
        self.assertEqual(self.check(sign(claims(iss="https://issuer.example/1", tid="1"), rsa("one")), rules), "")
        self.assertEqual(self.check(sign(claims(iss="https://issuer.example/2", tid="2"), rsa("one")), rules), "iss")
        self.assertEqual(self.check(sign(claims(iss="", tid="2"), rsa("one")), rules), "iss")

    def test_azp(self) -> None:
        """azp is ours where it is there; with several audiences it must be there."""
        trusting = IdTokenRules("https://issuer.example", "client", trusted_audiences=frozenset({"api"}))
        for change, wrong in (
            ({"azp": "client"}, ""),
            ({"azp": "api"}, "azp"),
            ({"aud": ["client", "api"]}, "azp"),
            ({"aud": ["client", "api"], "azp": "client"}, ""),
            ({"aud": ["client", "client"]}, "azp"),
            ({"aud": ["api"], "azp": "client"}, "aud"),
        ):
            self.assertEqual(self.check(sign(claims(**change), rsa("one")), trusting), wrong, change)

    def test_not_fresh(self) -> None:
        """A refreshed token may be older and need not repeat how the person logged in."""
        rules = IdTokenRules("https://issuer.example", "client", max_age=60, acr_values=("mfa",))
        raw = sign(claims(iat=NOW - 5000, nonce=None), rsa("one"))
        self.assertEqual(self.check(raw, rules, nonce=None, fresh=False), "")
        self.assertEqual(self.check(raw, rules, nonce=None), "iat")

    def test_every_character_matters(self) -> None:
        """A token with any one character changed, added or taken away passes nowhere."""
        keys = parse_key_set(published(ec("one")))
        good = sign(claims(), ec("one"), "ES256")
        validate_id_token(good, keys, RULES, now=NOW, nonce="n")
        for at, char in enumerate(good):
            for other in ("A" if char != "A" else "B", "", char * 2, "."):
                if other != char:
                    wrong = good[:at] + other + good[at + 1 :]
                    self.assertRaises(TokenInvalid, validate_id_token, wrong, keys, RULES, now=NOW, nonce="n")

    def test_same(self) -> None:
        """Equality is of strings alone, also of odd ones."""
        self.assertTrue(same("ü", "ü"))
        for other in (None, 1, b"a", ["a"], "A", "\ud800"):
            self.assertFalse(same(other, "a"))
