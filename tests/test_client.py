"""The OpenID Connect client as a whole: what a login leaves behind, and how each failure reads."""

from __future__ import annotations

from meshproxy.api import LoginFailed, ProviderDown

from .support.contexts import attempt
from .support.nasty_provider import CLIENT_ID, GONE, SECRET
from .support.rp_flow import NOW, FlowTestCase
from .support.signing import rsa, sign


class LoginTests(FlowTestCase):
    def test_signed_in(self) -> None:
        """The principal, tokens with their ends, the provider's session, when the person authenticated."""
        self.idp.id_claims["auth_time"] = NOW - 50
        signed_in = self.log_in()
        principal, tokens = signed_in.principal, signed_in.tokens
        assert tokens is not None
        self.assertEqual((principal.issuer, principal.subject, principal.provider), (self.idp.issuer, "alice", "corp"))
        self.assertEqual((tokens.access, tokens.refresh, tokens.expires_at), ("access-1", "refresh-0", NOW + 300))
        self.assertEqual((tokens.id_expires_at, tokens.scope), (NOW + 3600, "openid"))
        self.assertEqual((signed_in.provider_session, signed_in.auth_time), ("session-1", NOW - 50))
        self.assertNotIn("nonce", principal.claims)

    def test_code_is_bound(self) -> None:
        """The token call repeats redirect URI and verifier of this attempt."""
        self.log_in(number=7)
        (form,) = [form for _, path, _, form in self.idp.requests if path == "/token"]
        self.assertEqual((form["redirect_uri"], form["code_verifier"]), (attempt(7).redirect_uri, attempt(7).code_verifier))

    def test_no_id_token(self) -> None:
        """A provider that gives none (scope openid missing): a failed login with a hint."""
        self.idp.token_answer = {"id_token": GONE}
        self.assertIn("openid", self.refused(LoginFailed).reason)

    def test_replayed_code(self) -> None:
        """A code that comes again is refused by the provider, and so by us."""
        client = self.client()
        url = self.result(client.begin(attempt()))
        parameters = self.idp.authorize(url)
        self.result(client.finish(attempt(), parameters))
        self.assertIn("invalid_grant", self.failure(LoginFailed, client.finish(attempt(), parameters)).reason)

    def test_outages(self) -> None:
        """Each endpoint that fails is named, as an outage, not as a refusal."""
        for path, words in (("/token", "token endpoint"), ("/jwks", "keys"), ("/.well-known/openid-configuration", "discovery")):
            self.setUp()
            client = self.client()
            if path != "/token":
                self.idp.raw[path] = (500, {}, b"")
                error = self.failure(ProviderDown, self.begin_login(client) if path == "/jwks" else client.begin(attempt()))
            else:
                url = self.result(client.begin(attempt()))
                self.idp.raw[path] = (500, {}, b"")
                error = self.failure(ProviderDown, client.finish(attempt(), self.idp.authorize(url)))
            self.assertIn(words, error.reason)

    def test_slow_in_every_call(self) -> None:
        """However many calls a login makes, it waits four seconds for all of them together."""
        client = self.client(userinfo="always")
        self.log_in(client)
        self.idp.hanging.add("/userinfo")
        pending = self.begin_login(client, 2)
        self.settle()
        self.clock.advance(4)
        self.failureResultOf(pending, ProviderDown)

    def test_nothing_secret(self) -> None:
        """No failure's reason, no log line and no repr has secret, code, token or verifier."""
        texts = []
        for number, switch in enumerate(({"nonce": "x"}, {"aud": "x"}, {"exp": 1}, {"sub": ""}), 1):
            self.idp.id_claims = dict(switch)
            texts.append(self.refused(LoginFailed, number=number).reason)
        self.idp.id_claims = {}
        texts += [repr(self.log_in(number=9)), repr(self.client()), repr(self.logged)]
        for text in texts:
            for secret in (SECRET, "access-1", "refresh-0", "eyJ", "code-", "verifier-", attempt(1).nonce):
                self.assertNotIn(secret, text)

    def test_claims_without_userinfo_endpoint(self) -> None:
        """e-mail addresses count only verified, unless the operator trusts them."""
        self.idp.id_claims["email_verified"] = False
        self.assertIsNone(self.log_in().principal.trusted_email)
        self.assertEqual(self.log_in(self.client(trust_email=True), 2).principal.trusted_email, "alice@example.com")


class LogoutTests(FlowTestCase):
    def test_other_clients_token(self) -> None:
        """A logout token of the right issuer for another client is refused, not ignored."""
        client = self.client()
        self.result(client.begin(attempt()))
        token = sign({"iss": self.idp.issuer, "aud": "another"}, rsa("one"))
        self.assertIn("aud", self.failure(LoginFailed, client.backchannel_logout({"logout_token": token})).reason)

    def test_not_judged_now(self) -> None:
        """Without keys nothing can be judged: an outage, so that the provider tries again."""
        self.idp.raw["/jwks"] = (503, {}, b"")
        client = self.client()
        self.result(client.begin(attempt()))
        token = sign({"iss": self.idp.issuer, "aud": CLIENT_ID}, rsa("one"))
        self.failure(ProviderDown, client.backchannel_logout({"logout_token": token}))

    def test_url_before_anything_is_known(self) -> None:
        """Where the provider was never heard there is no logout page to go to."""
        client = self.client()
        self.assertIsNone(client.end_session_url(self.log_in(self.client()), "http://localhost:8080/"))

    def test_end_session_settings(self) -> None:
        """never, and a URL of the operator's."""
        signed_in = self.log_in()
        self.assertIsNone(self.client(end_session="never").end_session_url(signed_in, "https://b/"))
        url = self.client(end_session="https://idp.example/bye?x=1").end_session_url(signed_in, "https://b/")
        self.assertTrue(str(url).startswith("https://idp.example/bye?x=1&client_id="))
