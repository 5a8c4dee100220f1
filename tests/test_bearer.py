"""Opaque tokens by introspection, and one question however often a token comes at once."""

from __future__ import annotations

from base64 import b64decode

from twisted.internet.defer import CancelledError, Deferred

from meshproxy.api import Authenticated, ProviderDown, Rejected
from meshproxy.builtin.bearer_provider import BearerProvider

from .support.bearer_flow import PEER, BearerFlowTestCase, request
from .support.nasty_provider import GONE
from .support.rp_flow import NOW


class IntrospectionTests(BearerFlowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.idp.introspection = {"active": True, "sub": "robot", "aud": "mesh", "exp": NOW + 600, "groups": ["bots"], "username": "r2"}

    def provider(self, **settings: object) -> BearerProvider:
        return self.bearer(
            introspection="auto",
            client_id="mesh:proxy",
            client_secret="s3cret",
            username_claim="username",
            **settings,  # type: ignore[arg-type]
        )

    def ask_opaque(self, provider: BearerProvider, token: str = "opaque") -> Authenticated | Deferred[Authenticated] | None:
        return provider.authenticate(request(f"Bearer {token}"), PEER)

    def test_active(self) -> None:
        """The issuer is asked, as a client; the answer is the principal, remembered for a minute."""
        provider = self.provider()
        found = self.result(self.ask_opaque(provider))
        self.assertEqual((found.principal.subject, found.principal.groups, found.principal.username), ("robot", ("bots",), "r2"))
        self.assertEqual(found.principal.issuer, self.idp.issuer)
        _, path, fields, form = self.idp.requests[-1]
        self.assertEqual((path, form), ("/introspect", {"token": "opaque"}))
        self.assertEqual(b64decode(fields["authorization"].removeprefix("Basic ")), b"mesh%3Aproxy:s3cret")
        self.assertIs(self.ask_opaque(provider), found)
        self.clock.advance(60)
        self.assertIsInstance(self.ask_opaque(provider), Deferred)

    def test_inactive(self) -> None:
        """Refused, and remembered as refused for half a minute."""
        self.idp.introspection = {"active": False}
        provider = self.provider()
        self.assertIn("active", str(self.failure(Rejected, self.ask_opaque(provider))))
        self.assertRaises(Rejected, self.ask_opaque, provider)
        self.clock.advance(30)
        self.idp.introspection = {"active": True, "sub": "robot", "aud": "mesh"}
        self.assertEqual(self.result(self.ask_opaque(provider)).principal.subject, "robot")

    def test_for_another(self) -> None:
        """A token that is active and for somebody else is refused."""
        for change in ({"aud": "another"}, {"aud": GONE}, {"iss": "https://another.example"}):
            self.setUp()
            self.idp.introspection = {name: value for name, value in {**self.idp.introspection, **change}.items() if value is not GONE}
            self.failure(Rejected, self.ask_opaque(self.provider()))

    def test_down(self) -> None:
        """An endpoint that fails refuses nobody; the next request asks again."""
        self.idp.raw["/introspect"] = (401, {}, b'{"error": "invalid_client"}')
        provider = self.provider()
        self.assertIn("401", self.failure(ProviderDown, self.ask_opaque(provider)).reason)
        del self.idp.raw["/introspect"]
        self.assertEqual(self.result(self.ask_opaque(provider)).principal.subject, "robot")

    def test_no_endpoint(self) -> None:
        """An issuer that names no endpoint cannot be asked."""
        self.idp.discovery["introspection_endpoint"] = GONE
        self.assertIn("introspection", self.failure(ProviderDown, self.ask_opaque(self.provider())).reason)

    def test_own_url(self) -> None:
        """The endpoint may be named; then no document is needed."""
        provider = self.bearer(introspection=self.idp.url("/introspect"), client_id="x")
        self.assertEqual(self.result(self.ask_opaque(provider)).principal.subject, "robot")
        self.assertEqual(self.idp.asked("/.well-known/openid-configuration"), 0)

    def test_jwt_of_another_issuer(self) -> None:
        """A JWT of another issuer is nobody's business here, introspection or not; one of ours is never introspected."""
        provider = self.provider()
        self.assertIsNone(provider.authenticate(request("Bearer " + self.token(iss="https://another.example")), PEER))
        self.failure(Rejected, provider.authenticate(request("Bearer " + self.token(aud="x")), PEER))
        self.assertEqual(self.idp.asked("/introspect"), 0)

    def test_once(self) -> None:
        """Fifty requests with one token at the same moment: one question; one that goes away does not end it for the others."""
        self.idp.hanging.add("/introspect")
        provider = self.provider()
        waiting = [self.ask_opaque(provider) for _ in range(50)]
        self.settle()
        self.assertEqual(self.idp.asked("/introspect"), 1)
        assert isinstance(waiting[0], Deferred)
        waiting[0].cancel()
        self.failureResultOf(waiting[0], CancelledError)
        self.clock.advance(4)
        for each in waiting[1:]:
            self.failureResultOf(each, ProviderDown)
        self.idp.hanging.clear()
        self.assertEqual(self.result(self.ask_opaque(provider)).principal.subject, "robot")

    def test_flood(self) -> None:
        """A flood of invented tokens asks the issuer twenty questions at once, not a thousand."""
        self.idp.hanging.add("/introspect")
        provider = self.provider()
        waiting = [self.ask_opaque(provider, f"invented-{number}") for number in range(1000)]
        self.settle()
        self.assertEqual(self.idp.asked("/introspect"), 20)
        for _ in range(3):
            self.clock.advance(4)
            self.settle()
        for each in waiting:
            self.failureResultOf(each, ProviderDown)
