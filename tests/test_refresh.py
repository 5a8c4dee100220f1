"""A refresh: what ends the session, what does not, and that a new refresh token is never lost."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred

from meshproxy.api import ProviderDown, SessionOver, SignedIn, Tokens

from .support.nasty_provider import GONE
from .support.rp_flow import NOW, FlowTestCase
from .support.signing import rsa


class RefreshTests(FlowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ours = self.client()
        self.first = self.log_in(self.ours)

    def renew(self, signed_in: SignedIn | None = None) -> tuple[SignedIn, Tokens]:
        renewed = self.result(self.ours.renew(signed_in or self.first))
        assert renewed.tokens is not None
        return renewed, renewed.tokens

    def test_tokens(self) -> None:
        """New tokens and ends; what was not given anew stays as it was."""
        self.clock.advance(100)
        renewed, tokens = self.renew()
        self.assertEqual((tokens.expires_at, tokens.id_expires_at), (NOW + 400, NOW + 3700))
        self.assertEqual((renewed.provider_session, tokens.scope), (self.first.provider_session, "openid"))
        self.idp.refresh_answer = {"refresh_token": GONE, "expires_in": GONE, "id_token": GONE}
        again, later = self.renew(renewed)
        self.assertEqual((later.refresh, later.id, later.expires_at), (tokens.refresh, tokens.id, None))
        self.assertEqual(again.principal, renewed.principal)

    def test_no_refresh_token(self) -> None:
        """Without one nothing changes and nobody is asked."""
        bare = replace(self.first, tokens=None)
        asked = len(self.idp.requests)
        self.assertIs(self.result(self.ours.renew(bare)), bare)
        self.assertEqual(len(self.idp.requests), asked)

    def test_spent(self) -> None:
        """invalid_grant ends the session; the reason is the provider's, on one line."""
        self.renew()
        error = self.failure(SessionOver, self.ours.renew(self.first))
        self.assertIn("invalid_grant: spent or never given", str(error))

    def test_operators_mistake(self) -> None:
        """invalid_client and its kin can be mended: nobody is logged out for them."""
        for code in ("invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "something_new"):
            self.idp.raw["/token"] = (401, {}, b'{"error": "%s"}' % code.encode())
            self.assertIn(code, self.failure(ProviderDown, self.ours.renew(self.first)).reason)

    def test_outage(self) -> None:
        """Errors, rubbish, refusals for load: transient."""
        for status, body in ((500, b""), (503, b'{"error": "server_error"}'), (429, b""), (200, b"<html>"), (302, b"")):
            self.idp.raw["/token"] = (status, {}, body)
            self.failure(ProviderDown, self.ours.renew(self.first))

    def test_hanging(self) -> None:
        """A provider that hangs is given up within the timeout."""
        self.idp.hanging.add("/token")
        pending = Deferred.fromCoroutine(self.ours.renew(self.first))
        self.settle()
        self.clock.advance(4)
        self.failureResultOf(pending, ProviderDown)

    def test_userinfo_down_after_the_answer(self) -> None:
        """The old refresh token is spent: the new ones are kept, and the person stays as they were."""
        self.idp.refresh_id_claims = {"groups": GONE}
        self.idp.raw["/userinfo"] = (503, {}, b"")
        renewed, tokens = self.renew()
        self.assertEqual((renewed.principal, tokens.access), (self.first.principal, "access-2"))
        self.assertNotEqual(tokens.refresh, "refresh-0")
        self.assertEqual(len(self.warnings), 1)

    def test_keys_down_after_the_answer(self) -> None:
        """The same where the new ID token cannot be verified now: the old one stays beside the new access token."""
        self.idp.raw["/jwks"] = (503, {}, b"")
        self.clock.advance(26 * 3600)
        self.settle()
        renewed, tokens = self.renew()
        assert self.first.tokens is not None
        self.assertEqual((renewed.principal, tokens.id, tokens.access), (self.first.principal, self.first.tokens.id, "access-2"))

    def test_groups_without_id_token(self) -> None:
        """Where a refresh brings no ID token userinfo is asked: changed groups count at once."""
        self.idp.refresh_id_claims = None
        self.idp.userinfo = {"groups": ["ops"], "email": "new@example.com", "email_verified": GONE}
        principal = self.renew()[0].principal
        self.assertEqual((principal.groups, principal.email, principal.trusted_email), (("ops",), "new@example.com", None))
        self.assertEqual(principal.name, "Alice")

    def test_forged(self) -> None:
        """A new ID token that somebody else signed ends the session."""
        self.idp.signing_key = rsa("stranger")
        self.idp.id_header = {"kid": "one"}
        self.assertIn("signature", str(self.failure(SessionOver, self.ours.renew(self.first))))

    def test_twenty_at_once(self) -> None:
        """At most twenty refreshes are under way at once; the others wait for their turn."""
        self.idp.hanging.add("/token")
        before = self.idp.asked("/token")
        waiting = [Deferred.fromCoroutine(self.ours.renew(self.first)) for _ in range(50)]
        self.settle()
        self.assertEqual(self.idp.asked("/token") - before, 20)
        for _ in range(4):
            self.clock.advance(4)
            self.settle()
        for each in waiting:
            self.failureResultOf(each, ProviderDown)
