"""``type = "bearer"``: settings, and what it makes of a request."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from meshproxy.api import Authenticated, IRequestProvider, ProviderDown, Rejected
from meshproxy.builtin.bearer_provider import BearerProvider, BearerSettings

from .support.bearer_flow import PEER, BearerFlowTestCase, request
from .support.nasty_provider import GONE
from .support.rp_flow import NOW
from .support.signing import ec, rsa


class RequestTests(BearerFlowTestCase):
    def test_interface(self) -> None:
        """It is a request provider, and it consumes Authorization."""
        provider = self.bearer()
        verifyObject(IRequestProvider, provider)
        self.assertEqual(list(provider.consumes), [b"Authorization"])

    def test_token(self) -> None:
        """A good token: the principal that it names, until it ends; the token itself for rewriters."""
        found = self.ask(self.bearer(), self.token(email="robot@example.com", email_verified="true", preferred_username="r2"))
        principal = found.principal
        self.assertEqual((principal.issuer, principal.subject, principal.groups), (self.idp.issuer, "robot", ("bots",)))
        self.assertEqual((principal.trusted_email, principal.username, principal.provider), ("robot@example.com", "r2", "robots"))
        self.assertEqual((found.expires_at, found.tokens.expires_at), (NOW + 600, NOW + 600))

    def test_not_mine(self) -> None:
        """No Authorization, another scheme, another issuer's token, an opaque one: not mine, and nobody is asked."""
        provider = self.bearer()
        for line in ("", "Basic YTpi", "Bearer " + self.token(iss="https://another.example"), "Bearer opaque-token", "Negotiate abc"):
            self.assertIsNone(provider.authenticate(request(*([line] if line else [])), PEER), line)
        self.assertEqual(self.idp.requests, [])

    def test_scheme_in_any_case(self) -> None:
        """The scheme's case does not matter (RFC 9110 §11.1)."""
        provider = self.bearer()
        found = provider.authenticate(request("bEARER " + self.token()), PEER)
        self.assertEqual(self.result(found).principal.subject, "robot")

    def test_malformed(self) -> None:
        """Two Authorization fields, no token behind Bearer, a token with odd bytes: refused at once."""
        provider = self.bearer()
        for lines in (["Bearer a", "Bearer b"], ["Bearer"], ["Bearer "], ["Bearer a b"], [b"Bearer \xff\xfe"], ["Bearer " + "x" * 17000]):
            self.assertRaises(Rejected, provider.authenticate, request(*lines), PEER)

    def test_refused(self) -> None:
        """Ours and wrong: refused by the check that is meant for it."""
        cases: list[tuple[str, dict[str, Any]]] = [
            ("aud", {"aud": "another"}),
            ("aud", {"aud": GONE}),
            ("exp", {"exp": NOW - 61}),
            ("exp", {"exp": GONE}),
            ("nbf", {"nbf": NOW + 61}),
            ("sub", {"sub": ""}),
            ("scope", {"scope": "read"}),
            ("typ", {"header_typ": "logout+jwt"}),
            ("typ", {"header_typ": "id_token+jwt"}),
            ("key", {"key": rsa("stranger")}),
            ("signature", {"key": rsa("stranger"), "header_kid": "one"}),
            ("alg", {"algorithm": "RS512"}),
            ("crit", {"header_crit": ["x"]}),
        ]
        provider = self.bearer(scopes=["read", "write"])
        for check, changes in cases:
            token = self.token(**{"scope": "read write", **changes})
            try:
                found = provider.authenticate(request(f"Bearer {token}"), PEER)
                error = self.failure(Rejected, found)
            except Rejected as raised:
                error = raised
            self.assertIn(f"bearer token: {check}: ", str(error), changes)

    def test_answered_at_once(self) -> None:
        """The keys are fetched once; then even new tokens are judged without waiting, and known ones without verifying."""
        provider = self.bearer()
        first = provider.authenticate(request("Bearer " + self.token()), PEER)
        self.assertIsInstance(first, Deferred)
        self.assertEqual(self.result(first).principal.subject, "robot")
        again = provider.authenticate(request("Bearer " + self.token(sub="another")), PEER)
        assert isinstance(again, Authenticated)
        self.assertEqual(again.principal.subject, "another")
        self.assertIs(provider.authenticate(request("Bearer " + self.token(sub="another")), PEER), again)
        self.assertEqual(self.idp.asked("/jwks"), 1)

    def test_until_its_end(self) -> None:
        """A remembered token is refused once it has ended (and the clocks' difference has passed)."""
        provider = self.bearer()
        token = self.token(exp=NOW + 30)
        self.ask(provider, token)
        self.clock.advance(91)
        self.assertRaises(Rejected, provider.authenticate, request(f"Bearer {token}"), PEER)

    def test_issuer_down(self) -> None:
        """Keys that cannot be had: nobody is refused for it, the request cannot be judged now."""
        self.idp.raw["/jwks"] = (503, {}, b"")
        provider = self.bearer()
        error = self.failure(ProviderDown, provider.authenticate(request("Bearer " + self.token()), PEER))
        self.assertIn("503", error.reason)
        self.assertIn("503", provider.ready() or "")

    def test_rotation(self) -> None:
        """A token signed with a new key is accepted: the keys are fetched once more."""
        provider = self.bearer()
        self.ask(provider, self.token())
        self.idp.keys = [ec("new")]
        found = provider.authenticate(request("Bearer " + self.token(ec("new"), "ES256")), PEER)
        self.assertEqual(self.result(found).principal.subject, "robot")
        self.assertEqual(self.idp.asked("/jwks"), 2)


class KubernetesTests(BearerFlowTestCase):
    def test_service_account(self) -> None:
        """A service account's token: keys fetched with our own token, read anew each time; namespace by a claim with a dot in its name."""
        conf_dir = self.make_conf_dir()
        (conf_dir / "token").write_text("first\n")
        provider = self.bearer(conf_dir, token_file="token", groups_claim="kubernetes.io.namespace")
        inside = {"namespace": "shop", "serviceaccount": {"name": "cart"}}
        token = self.token(sub="system:serviceaccount:shop:cart", aud=["mesh"], **{"kubernetes.io": inside})
        principal = self.ask(provider, token).principal
        self.assertEqual((principal.subject, principal.groups), ("system:serviceaccount:shop:cart", ("shop",)))
        self.assertEqual({fields["authorization"] for _, _, fields, _ in self.idp.requests}, {"Bearer first"})
        (conf_dir / "token").write_text("second\n")
        self.clock.advance(31)
        self.failure(Rejected, provider.authenticate(request("Bearer " + self.token(header_kid="unknown")), PEER))
        self.assertEqual(self.idp.requests[-1][2]["authorization"], "Bearer second")

    def test_token_goes_to_the_issuer_alone(self) -> None:
        """Keys that lie on another host are fetched without our token."""
        conf_dir = self.make_conf_dir()
        (conf_dir / "token").write_text("secret")
        self.idp.discovery["jwks_uri"] = "http://127.0.0.1:1/jwks"
        self.ask(self.bearer(conf_dir, token_file="token"), self.token())
        self.assertEqual([fields.get("authorization") for _, path, fields, _ in self.idp.requests if path == "/jwks"], [None])

    def test_token_unreadable(self) -> None:
        """A token file that is not there: not ready, and the reason says so without a traceback."""
        provider = self.bearer(self.make_conf_dir(), token_file="nothing")
        self.failure(ProviderDown, provider.authenticate(request("Bearer " + self.token()), PEER))
        self.assertIn("cannot be read", provider.ready() or "")

    def test_keys_without_discovery(self) -> None:
        """With jwks_url no document is asked for."""
        provider = self.bearer(jwks_url=self.idp.url("/jwks"))
        self.ask(provider, self.token())
        self.assertEqual(self.idp.asked("/.well-known/openid-configuration"), 0)
        self.assertIsNone(provider.ready())

    def make_conf_dir(self) -> Any:
        from pathlib import Path

        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        return folder


class SettingsTests(BearerFlowTestCase):
    def test_wrong_settings(self) -> None:
        """What cannot work is refused before anything runs."""
        good = {"issuer": "https://issuer.example", "audience": ["mesh"]}
        BearerSettings.model_validate(good)
        for change in (
            {"issuer": "http://issuer.example"},
            {"issuer": ""},
            {"audience": []},
            {"algorithms": ["HS256"]},
            {"algorithms": ["none"]},
            {"introspection": "auto"},
            {"introspection": "http://issuer.example/introspect", "client_id": "x"},
            {"surprise": 1},
            {"timeout": 5},
        ):
            self.assertRaises(ValidationError, BearerSettings.model_validate, {**good, **change})

    def test_missing_ca_file(self) -> None:
        """A CA file that is not there is found by check."""
        settings = BearerSettings.model_validate({"issuer": "https://issuer.example", "audience": "mesh", "ca_file": "nothing.pem"})
        (problem,) = BearerProvider.check_settings(settings, lambda path: path)
        self.assertIn("No such file", problem.message)
