"""Ends on both sides: the URL to the provider's logout page, revocation, replays."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.logout_token import LogoutToken
from meshproxy.identity.oidc.logout import MOST_REMEMBERED, Replays, end_session_url, only_token, whose

from .support.nasty_provider import GONE
from .support.rp_flow import FlowTestCase


class UrlTests(SynchronousTestCase):
    def test_long_hint(self) -> None:
        """An ID token that would make the URL too long is left out."""
        for size, there in ((4096, True), (4097, False)):
            query = parse_qs(urlsplit(end_session_url("https://a/logout", "id", "x" * size, "https://b/")).query)
            self.assertEqual(("id_token_hint" in query, query["client_id"]), (there, ["id"]))

    def test_odd_parameter(self) -> None:
        """A provider that calls the way back by another name."""
        query = parse_qs(urlsplit(end_session_url("https://a/logout?x=1", "id", None, "https://b/", return_parameter="logout_uri")).query)
        self.assertEqual((query["logout_uri"], query["x"]), (["https://b/"], ["1"]))
        self.assertNotIn("post_logout_redirect_uri", query)


class FormTests(SynchronousTestCase):
    def test_only_token(self) -> None:
        """Exactly one value, as text, bytes or a list of one."""
        for value, found in (("t", "t"), (b"t", "t"), (["t"], "t"), (("t",), "t"), ([b"t"], "t")):
            self.assertEqual(only_token({"logout_token": value}), found)
        for other in ("", [], ["a", "b"], None, 7, [[]]):
            self.assertIsNone(only_token({"logout_token": other}))
        self.assertIsNone(only_token({}))


class ReplayTests(SynchronousTestCase):
    def token(self, jti: str, until: float = 100.0, issuer: str = "i") -> LogoutToken:
        return LogoutToken(issuer, "sub", "sid", jti, until)

    def test_once(self) -> None:
        """Once for each issuer and name, until it would not pass any more."""
        replays = Replays()
        self.assertTrue(replays.first_time(self.token("a"), 0))
        self.assertFalse(replays.first_time(self.token("a"), 99))
        self.assertTrue(replays.first_time(self.token("a", issuer="j"), 99))
        self.assertTrue(replays.first_time(self.token("a", 300), 100))

    def test_bounded(self) -> None:
        """A flood takes bounded memory; the newest are known."""
        replays = Replays()
        for number in range(MOST_REMEMBERED + 50):
            replays.first_time(self.token(str(number)), 0)
        self.assertEqual(len(replays._seen), MOST_REMEMBERED)
        self.assertFalse(replays.first_time(self.token(str(MOST_REMEMBERED + 49)), 0))

    def test_whose(self) -> None:
        """The session where the provider names sessions, else the person."""
        self.assertEqual(whose(self.token("a"), True), "sid")
        self.assertEqual(whose(self.token("a"), False), "sub")
        self.assertEqual(whose(LogoutToken("i", None, "sid", "j", 0), False), "sid")
        self.assertEqual(whose(LogoutToken("i", "sub", None, "j", 0), True), "sub")


class PresetTests(FlowTestCase):
    def test_cognito(self) -> None:
        """A preset may know how its logout page calls the way back."""
        client = self.client(preset="cognito")
        query = parse_qs(urlsplit(str(client.end_session_url(self.log_in(client), "https://b/"))).query)
        self.assertEqual((query["logout_uri"], query["client_id"]), (["https://b/"], ["mesh client"]))


class RevocationTests(FlowTestCase):
    def test_revoke(self) -> None:
        """The refresh token is given back, authenticated as the client."""
        client = self.client()
        self.result(client.revoke(self.log_in(client)))
        _, _, fields, form = self.idp.requests[-1]
        self.assertEqual((form, "authorization" in fields), ({"token": "refresh-0", "token_type_hint": "refresh_token"}, True))

    def test_access_token(self) -> None:
        """Without a refresh token the access token is."""
        self.idp.token_answer = {"refresh_token": GONE}
        client = self.client()
        self.result(client.revoke(self.log_in(client)))
        self.assertEqual(self.idp.requests[-1][3], {"token": "access-1", "token_type_hint": "access_token"})

    def test_best_effort(self) -> None:
        """A provider that refuses, fails or has no such endpoint: logged, nothing more."""
        client = self.client()
        signed_in = self.log_in(client)
        for status in (400, 503):
            self.idp.raw["/revoke"] = (status, {}, b"")
            self.result(client.revoke(signed_in))
        self.assertEqual(len(self.warnings), 2)
        self.idp.discovery["revocation_endpoint"] = GONE
        client = self.client()
        self.result(client.revoke(self.log_in(client, 2)))
        self.assertEqual(self.idp.asked("/revoke"), 2)

    def test_hanging(self) -> None:
        """A logout waits two seconds for it at most."""
        client = self.client()
        signed_in = self.log_in(client)
        self.idp.hanging.add("/revoke")
        revoking = client.revoke(signed_in)
        self.settle()
        self.assertNoResult(revoking)
        self.clock.advance(2)
        self.successResultOf(revoking)
        self.assertEqual(len(self.warnings), 1)
