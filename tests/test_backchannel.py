"""Back-channel logout, as far as it is an endpoint: :mod:`meshproxy.web.own.backchannel`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ProviderDown, Rejected
from tests.support.own_site import Browser, FormProvider, OwnSite, RedirectProvider, query_of

URL = "/_meshproxy/backchannel-logout"


class BackchannelTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.provider = RedirectProvider()
        self.site = OwnSite({"corp": self.provider})
        self.browser = Browser(self.site)
        state = query_of(self.browser.get("/_meshproxy/login?to=/").location)["state"]
        self.browser.get(f"/_meshproxy/callback?code=c&state={state}")

    def post(self, form: dict[str, str]) -> tuple[int, str]:
        reply = Browser(self.site).post(URL, form, Accept="*/*", Sec_Fetch_Mode="cors")
        self.assertEqual(reply["Cache-Control"], "no-store")
        return reply.status, reply.text

    def test_ends_what_the_token_names(self) -> None:
        """200, and the session is over wherever its cookie is."""
        self.provider.ends = [("https://idp.example.net", "u1")]
        self.assertEqual(self.post({"logout_token": "t"})[0], 200)
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").status, 401)

    def test_a_session_that_nobody_has(self) -> None:
        """200: what was asked for is so; the others stay."""
        self.provider.ends = [("https://idp.example.net", "somebody-else")]
        self.assertEqual(self.post({"logout_token": "t"})[0], 200)
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").status, 200)

    def test_a_token_that_proves_nothing(self) -> None:
        """400 with an error object; why stands in the audit trail alone."""
        self.provider.backchannel_fails = Rejected("the signature does not fit")
        status, text = self.post({"logout_token": "t"})
        self.assertEqual(status, 400)
        self.assertIn("invalid_request", text)
        self.assertNotIn("signature", text)
        self.assertIn("signature", self.site.told("logout.refused")[0]["reason"])
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").status, 200)

    def test_malformed(self) -> None:
        """No token, two of them, a GET, another content type."""
        self.assertEqual(self.post({})[0], 400)
        reply = self.site.ask(
            "POST", URL, body=b"logout_token=a&logout_token=b", fields=[("Content-Type", "application/x-www-form-urlencoded")]
        )
        self.assertEqual(reply.status, 400)
        self.assertEqual(self.site.ask("POST", URL, body=b"{}", fields=[("Content-Type", "application/json")]).status, 400)
        reply = self.site.ask("GET", URL)
        self.assertEqual((reply.status, reply["Allow"]), (405, "POST"))

    def test_keys_that_cannot_be_fetched(self) -> None:
        """503: the provider tries again."""
        self.provider.backchannel_fails = ProviderDown("jwks: timeout")
        self.assertEqual(self.post({"logout_token": "t"})[0], 503)

    def test_a_provider_that_breaks(self) -> None:
        """400 and a line in the log; the next provider is asked."""
        self.provider.backchannel_fails = ZeroDivisionError()
        self.assertEqual(self.post({"logout_token": "t"})[0], 400)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_nobody_takes_part(self) -> None:
        """Without a provider that can be told there is nothing to accept."""
        reply = Browser(OwnSite({"local": FormProvider()})).post(URL, {"logout_token": "t"})
        self.assertEqual(reply.status, 400)
