"""The rules for bearer tokens as pure functions. Refused JWTs, whole, stand in ``test_bearer_provider``."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.access_token import AccessTokenRules, bearer_token, issued_by, judge_introspection, validate_access_token
from meshproxy.core.jws import TokenInvalid
from meshproxy.core.signing_keys import parse_key_set

from .support.signing import published, rsa, sign

NOW = 1_000_000.0
RULES = AccessTokenRules("https://issuer.example", frozenset({"mesh", "mesh2"}), scopes=frozenset({"read"}))


class BearerTokenTests(SynchronousTestCase):
    def test_table(self) -> None:
        """The token behind Bearer in any case; None for every other scheme."""
        for value, found in (
            (b"Bearer abc.def-_~+/=", "abc.def-_~+/="),
            (b"bearer  abc ", "abc"),
            (b"BEARER a", "a"),
            (b"Basic abc", None),
            (b"Bearerabc", None),
            (b"", None),
            (b"DPoP abc", None),
        ):
            self.assertEqual(bearer_token(value), found, value)

    def test_no_token(self) -> None:
        """Bearer with nothing, with several words, with bytes that no token has, too long."""
        for value in (b"Bearer", b"Bearer  ", b"Bearer a b", b"Bearer a,b", b"Bearer \xfc", b"Bearer a\x00", b"Bearer " + b"x" * 16_385):
            self.assertRaises(TokenInvalid, bearer_token, value)


class AccessTokenTests(SynchronousTestCase):
    def claims(self, **changes: Any) -> dict[str, Any]:
        good = {"iss": "https://issuer.example", "aud": ["x", "mesh2"], "sub": "a", "exp": NOW + 10, "scope": "write read"}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def test_good(self) -> None:
        """One audience of ours among several, every scope, iat not needed, RFC 9068's type or none."""
        keys = parse_key_set(published(rsa("one")))
        for typ in (None, "JWT", "at+jwt", "application/AT+JWT"):
            raw = sign(self.claims(), rsa("one"), typ=typ)
            self.assertEqual(validate_access_token(raw, keys, RULES, now=NOW)["sub"], "a")
        validate_access_token(sign(self.claims(scope=None, scp=["read"]), rsa("one")), keys, RULES, now=NOW)

    def test_issued_by(self) -> None:
        """Whose a token says that it is; nothing that cannot be read is ours."""
        self.assertTrue(issued_by(sign(self.claims(), rsa("stranger")), "https://issuer.example"))
        self.assertFalse(issued_by(sign(self.claims(iss="x"), rsa("one")), "https://issuer.example"))
        self.assertFalse(issued_by("a.b.c", "https://issuer.example"))


class IntrospectionTests(SynchronousTestCase):
    good: ClassVar[dict[str, Any]] = {"active": True, "sub": "a", "aud": "mesh", "scope": "read", "exp": NOW + 10, "client_id": "robot"}

    def judged(self, **changes: Any) -> Any:
        answer = {name: value for name, value in {**self.good, **changes}.items() if value is not None}
        try:
            return judge_introspection(answer, RULES, now=NOW)
        except TokenInvalid as error:
            return error.check

    def test_good(self) -> None:
        """Active, for us, alive: the issuer is the configured one."""
        self.assertEqual((self.judged()["iss"], self.judged()["sub"]), ("https://issuer.example", "a"))
        self.assertEqual(self.judged(exp=None)["sub"], "a")

    def test_client(self) -> None:
        """Without aud the client counts as the audience; without sub the token is the client's own."""
        self.assertEqual(self.judged(aud=None), "aud")
        self.assertEqual(self.judged(aud=None, client_id="mesh")["sub"], "a")
        self.assertEqual(self.judged(sub=None)["sub"], "robot")
        self.assertEqual(self.judged(sub=None, client_id=None), "sub")

    def test_refused(self) -> None:
        """Everything else, by its check."""
        for change, check in (
            ({"active": False}, "active"),
            ({"active": "true"}, "active"),
            ({"active": None}, "active"),
            ({"iss": "https://another.example"}, "iss"),
            ({"aud": ["another"]}, "aud"),
            ({"aud": 7}, "aud"),
            ({"exp": NOW - 100}, "exp"),
            ({"scope": "write"}, "scope"),
            ({"scope": None}, "scope"),
            ({"sub": 7}, "sub"),
        ):
            self.assertEqual(self.judged(**change), check, change)
        for answer in ([], None, "active", b"{}"):
            self.assertRaises(TokenInvalid, judge_introspection, answer, RULES, now=NOW)
