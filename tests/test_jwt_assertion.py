"""``jwt-assertion``, verified as a service would."""

from __future__ import annotations

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ConfError, Context, IdentityFields, Refused, SignedIn
from meshproxy.api.context import secrets_of
from meshproxy.api.testing import context, make, principal, request_head, run_request, run_rewriter
from meshproxy.builtin.jwt_assertion import JwtAssertion

NOW = 1_800_000_000.0


class AssertionTests(SynchronousTestCase):
    """Tokens of one rewriter of the service ``grafana``."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)

    def given(self, key: bytes = b"k" * 32) -> Context:
        return context("jwt-assertion", reactor=self.clock, service="grafana", secrets=secrets_of((key,)))

    def made(self, **options: Any) -> Any:
        return make(JwtAssertion, options, given=self.given())

    def verified(self, made: Any, token: bytes, *, keys_of: Any = None) -> dict[str, Any]:
        """The claims as a service reads them, which knows the published keys, the issuer and its own name."""
        keys = KeySet.import_key_set({"keys": (keys_of or made).published_keys()})
        found = jwt.decode(token, keys, algorithms=["ES256"])
        rules = jwt.JWTClaimsRegistry(
            now=lambda: int(self.clock.seconds()), iss={"essential": True, "value": "https://apps.example.com"},
            aud={"essential": True, "value": "grafana"}, exp={"essential": True}, sub={"essential": True},
        )
        rules.validate(found.claims)
        return dict(found.claims)

    def claims(self, who: Any = None, **options: Any) -> dict[str, Any]:
        made = self.made(**options)
        [(_, token)] = made.token_fields(SignedIn(who or principal())).fields
        return self.verified(made, token)

    def test_what_it_says(self) -> None:
        """Who is there, by which provider, for which service, for five minutes."""
        self.assertEqual(self.claims(), {
            "iss": "https://apps.example.com", "aud": "grafana", "iat": int(NOW), "exp": int(NOW) + 300, "sub": "alice",
            "idp": "https://idp.example.com", "email": "alice@example.com", "name": "Alice", "preferred_username": "alice",
            "groups": ["devs", "sre"],
        })

    def test_missing_values(self) -> None:
        """A value that is missing leaves its claim out; an address that nobody vouches for is missing."""
        who = principal(email_verified=False, name=None, username=None, groups=())
        self.assertEqual(set(self.claims(who)), {"iss", "aud", "iat", "exp", "sub", "idp"})
        self.assertEqual(self.made(claims={"sub": "{email}"}).token_fields(SignedIn(who)).fields, ())

    def test_claims(self) -> None:
        """Templates add, replace and take away; what stands alone keeps its kind."""
        who = principal(claims={"department": "R&D", "level": 3, "admin": True, "realm": {"roles": ["a,b", "c"]}})
        found = self.claims(who, claims={
            "sub": "{email}", "name": "", "dept": "{claims.department}", "level": "{claims.level}", "admin": "{claims.admin}",
            "roles": "{claims.realm.roles}", "both": "{username}/{claims.level}", "env": "production",
        })
        self.assertNotIn("name", found)
        self.assertEqual(
            [found[name] for name in ("sub", "dept", "level", "admin", "roles", "both", "env")],
            ["alice@example.com", "R&D", 3, True, ["a,b", "c"], "alice/3", "production"],
        )

    def test_control_characters(self) -> None:
        """A value with control characters refuses the request, as in any field."""
        for who in (principal(name="a\nb"), principal(groups=("a\x00",))):
            self.assertRaises(Refused, self.made().token_fields, SignedIn(who))

    def test_renewed_in_the_middle(self) -> None:
        """A service never gets a token with less than half of its life left."""
        found: IdentityFields = self.made(lifetime="10m").token_fields(SignedIn(principal(), auth_time=NOW - 9.5))
        self.assertEqual(found.valid_until, NOW + 300)
        made = self.made()
        [(_, token)] = made.token_fields(SignedIn(principal(), auth_time=NOW - 9.5)).fields
        self.assertEqual(self.verified(made, token)["auth_time"], int(NOW - 9.5))
        self.clock.advance(301)
        self.assertRaises(JoseError, self.verified, made, token)

    def test_over_midnight(self) -> None:
        """A token of the last second before the key changes is verified until its end, with the keys of yesterday's or today's cache."""
        made = self.made(lifetime="1h")
        self.clock.advance(86400 - NOW % 86400 - 1)
        yesterday = made.published_keys()
        [(_, old)] = made.token_fields(SignedIn(principal())).fields
        self.clock.advance(3599)
        [(_, new)] = made.token_fields(SignedIn(principal())).fields
        self.verified(made, old)

        class Cached:
            def published_keys(self) -> Any:
                return yesterday

        self.verified(made, new, keys_of=Cached())
        self.assertNotEqual(*(jwt.decode(token, KeySet.import_key_set({"keys": yesterday})).header["kid"] for token in (old, new)))

    def test_replicas(self) -> None:
        """What one replica signs another's key set verifies; a stranger's does not."""
        [(_, token)] = self.made().token_fields(SignedIn(principal())).fields
        replica = make(JwtAssertion, {}, given=self.given())
        stranger = make(JwtAssertion, {}, given=self.given(b"x" * 32))
        self.verified(replica, token)
        self.assertRaises(JoseError, self.verified, stranger, token)

    def test_a_key_of_ones_own(self) -> None:
        """``key_file`` names private keys in PEM; the first signs."""
        key = ECKey.generate_key("P-256")
        made = self.made(key=key.as_pem(private=True).decode())
        self.assertEqual([each["kid"] for each in made.published_keys()], [key.thumbprint()])
        [(_, token)] = made.token_fields(SignedIn(principal())).fields
        self.assertEqual(self.verified(made, token)["sub"], "alice")

    def test_the_field(self) -> None:
        """The browser cannot send it; in Authorization it is a Bearer token."""
        head = run_request(JwtAssertion, {}, None, request_head(fields={"X_JWT-Assertion": "forged"}), given=self.given())
        [token] = [value for name, value in head.fields if b"jwt" in name.lower()]
        self.assertEqual(self.verified(self.made(), token)["sub"], "alice")
        [(name, value)] = run_rewriter(JwtAssertion, {"field": "Authorization"}, given=self.given())
        self.assertEqual((name, value[:9]), (b"Authorization", b"Bearer ey"))

    def test_bad_settings(self) -> None:
        """Each is refused at start, with its key; nothing of a key file stands in the message."""
        for options, words in (
            ({"lifetime": "10s"}, "30s to 1h"), ({"lifetime": "2h"}, "30s to 1h"), ({"claims": {"aud": "x"}}, "own to set"),
            ({"claims": {"exp": "1"}}, "own to set"), ({"claims": {"sub": ""}}, "says nobody"), ({"claims": {"x": "{nope}"}}, "nope"),
            ({"key": "secretsecret"}, "private keys in PEM"), ({"field": "X Y"}, "field name"), ({"keys": "x"}, "unknown key"),
        ):
            error = self.assertRaises(ConfError, make, JwtAssertion, options, given=self.given())
            self.assertIn(words, str(error.problems))
            self.assertNotIn("secretsecret", str(error.problems))
