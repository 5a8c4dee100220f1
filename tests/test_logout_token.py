"""The logout-token rules as a pure function. The wrong ones, whole, stand in ``test_rp_conformance``."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.idtoken import IdTokenRules
from meshproxy.core.jws import TokenInvalid, UnknownKey
from meshproxy.core.logout_token import EVENT, check_whose, validate_logout_token
from meshproxy.core.signing_keys import parse_key_set

from .support.signing import published, rsa, sign

NOW = 1_000_000.0
KEYS = parse_key_set(published(rsa("one")))
RULES = IdTokenRules("https://issuer.example", "client")


def claims(**changes: Any) -> dict[str, Any]:
    """Good ones, changed."""
    good = {
        "iss": "https://issuer.example",
        "aud": "client",
        "iat": NOW,
        "exp": NOW + 120,
        "jti": "j",
        "events": {EVENT: {}},
        "sid": "s",
        "sub": "a",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


class LogoutTokenTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Both names, either alone."""
        token = validate_logout_token(sign(claims(), rsa("one"), typ="LOGOUT+JWT"), KEYS, RULES, now=NOW)
        self.assertEqual((token.issuer, token.subject, token.sid, token.jti), ("https://issuer.example", "a", "s", "j"))
        self.assertEqual(validate_logout_token(sign(claims(sub=None), rsa("one")), KEYS, RULES, now=NOW).subject, None)
        self.assertEqual(validate_logout_token(sign(claims(sid=None), rsa("one")), KEYS, RULES, now=NOW).sid, None)

    def test_remembered_longer_than_it_passes(self) -> None:
        """A replay is known for as long as the token would pass the other checks."""
        raw = sign(claims(exp=NOW + 10**6), rsa("one"))
        token = validate_logout_token(raw, KEYS, RULES, now=NOW)
        validate_logout_token(raw, KEYS, RULES, now=token.remembered_until - 60)
        self.assertRaises(TokenInvalid, validate_logout_token, raw, KEYS, RULES, now=token.remembered_until)

    def test_an_id_token_is_none(self) -> None:
        """An ID token without events never passes, nor one with a nonce."""
        raw = sign({"iss": "https://issuer.example", "aud": "client", "iat": NOW, "exp": NOW + 1, "sub": "a", "sid": "s"}, rsa("one"))
        self.assertEqual(self.assertRaises(TokenInvalid, validate_logout_token, raw, KEYS, RULES, now=NOW).check, "events")
        raw = sign(claims(nonce=""), rsa("one"))
        self.assertEqual(self.assertRaises(TokenInvalid, validate_logout_token, raw, KEYS, RULES, now=NOW).check, "nonce")

    def test_unknown_key(self) -> None:
        """A new key is worth a look at what the provider publishes now."""
        self.assertRaises(UnknownKey, validate_logout_token, sign(claims(), rsa("stranger")), KEYS, RULES, now=NOW)

    def test_check_whose(self) -> None:
        """Whose a token says that it is, whoever has signed it; what is no token is nobody's."""
        check_whose(sign(claims(), rsa("stranger")), RULES)
        for raw in ("", "a.b.c", sign(claims(iss=7), rsa("one")), sign(claims(iss="x"), rsa("one")), sign(claims(iss=None), rsa("one"))):
            self.assertRaises(TokenInvalid, check_whose, raw, RULES)
