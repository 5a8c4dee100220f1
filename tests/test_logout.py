"""Logging out: :mod:`meshproxy.web.own.logout`."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.support.own_site import OTHER, Browser, OwnSite, RedirectProvider, hidden, log_in, query_of


def form_of(browser: Browser, url: str = "/_meshproxy/logout") -> dict[str, str]:
    return {"csrf": hidden(browser.get(url).text, "csrf")}


class LocalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.site = OwnSite()
        self.browser = Browser(self.site)
        log_in(self.browser)

    def test_asks_first(self) -> None:
        """A GET ends nothing: a link on another site logs nobody out."""
        self.assertIn("Alice Ångström", self.browser.get("/_meshproxy/logout").text)
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").status, 200)

    def test_ends_the_session(self) -> None:
        """303 to the page that says so; the cookies are gone, and a copy of them is worth nothing."""
        copy = Browser(self.site, dict(self.browser.jar))
        reply = self.browser.post("/_meshproxy/logout", form_of(self.browser))
        self.assertEqual((reply.status, reply.location), (303, "https://apps.example.com/_meshproxy/logged-out"))
        self.assertNotIn(("apps.example.com", "__Host-meshproxy"), self.browser.jar)
        self.assertEqual(copy.fetch("/_meshproxy/userinfo").status, 401)
        self.assertEqual(self.browser.get(reply.location).status, 200)
        self.assertEqual(self.site.told("logout")[0]["principal"].subject, "alice")

    def test_forged(self) -> None:
        """Without the token of this very session nothing ends, and the person is asked."""
        stranger = Browser(self.site)
        log_in(stranger, "bob")
        for form in ({}, {"csrf": ""}, {"csrf": "x"}, form_of(stranger)):
            reply = self.browser.post("/_meshproxy/logout", form)
            self.assertEqual(reply.status, 403)
            self.assertIn("Please confirm", reply.text)
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").status, 200)

    def test_every_page_has_the_button(self) -> None:
        """The form at the head of a page works as it stands."""
        self.assertEqual(self.browser.post("/_meshproxy/logout", form_of(self.browser, "/_meshproxy/")).status, 303)

    def test_from_another_host(self) -> None:
        """Logging out there ends the parent here too, and leads to the public host, which the page's policy allows."""
        ticket = self.browser.get(self.browser.get(f"https://{OTHER}/_meshproxy/login?to=/board").location).location
        self.browser.get(ticket)
        page = self.browser.get(f"https://{OTHER}/_meshproxy/logout")
        self.assertIn("form-action 'self' https://apps.example.com;", page["Content-Security-Policy"])
        reply = self.browser.post(f"https://{OTHER}/_meshproxy/logout", {"csrf": hidden(page.text, "csrf")}, Origin=f"https://{OTHER}")
        self.assertEqual(reply.location, "https://apps.example.com/_meshproxy/logged-out")
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").status, 401)

    def test_nobody(self) -> None:
        """Whoever is not logged in is told so, by GET and by POST."""
        for reply in (Browser(self.site).get("/_meshproxy/logout"), Browser(self.site).post("/_meshproxy/logout", {})):
            self.assertEqual(reply.location, "/_meshproxy/logged-out")

    def test_logged_out_is_only_said_when_true(self) -> None:
        """With any ``state``, or none; somebody who is logged in sees their services."""
        self.assertEqual(Browser(self.site).get("/_meshproxy/logged-out?state=whatever").status, 200)
        self.assertEqual(self.browser.get("/_meshproxy/logged-out").location, "/_meshproxy/")


class ProviderTests(SynchronousTestCase):
    """RP-initiated logout and revocation."""

    def setUp(self) -> None:
        self.provider = RedirectProvider()
        self.site = OwnSite({"corp": self.provider})
        self.browser = Browser(self.site)
        state = query_of(self.browser.get("/_meshproxy/login?to=/").location)["state"]
        self.browser.get(f"/_meshproxy/callback?code=c&state={state}")

    def test_goes_to_the_provider(self) -> None:
        """First here, then there, with the way back; the tokens are given back."""
        reply = self.browser.post("/_meshproxy/logout", form_of(self.browser))
        self.assertEqual(reply.location.partition("?")[0], "https://idp.example.net/logout")
        self.assertEqual(query_of(reply.location)["post_logout_redirect_uri"], "https://apps.example.com/_meshproxy/logged-out")
        self.assertEqual(len(self.provider.revoked), 1)
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").status, 401)

    def test_the_policy_allows_it(self) -> None:
        """A page with the logout button may end at the provider: browsers apply ``form-action`` to redirects."""
        for url in ("/_meshproxy/", "/_meshproxy/logout", "/_meshproxy/sessions"):
            self.assertIn("form-action 'self' https://idp.example.net", self.browser.get(url)["Content-Security-Policy"])

    def test_a_provider_that_breaks(self) -> None:
        """Whatever it does, the session here is over."""
        self.provider.end_session_url = lambda signed_in, return_to: 1 / 0  # type: ignore[assignment, method-assign, return-value]
        self.provider.revoke = lambda signed_in: 1 / 0  # type: ignore[assignment, method-assign]
        reply = self.browser.post("/_meshproxy/logout", form_of(self.browser))
        self.assertEqual(reply.location, "https://apps.example.com/_meshproxy/logged-out")
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").status, 401)

    def test_a_provider_that_is_silent(self) -> None:
        """Nobody waits for the revocation; it is given up after two seconds."""
        cancelled: list[object] = []
        self.provider.revoke = lambda signed_in: Deferred(cancelled.append)  # type: ignore[assignment, method-assign, return-value]
        self.assertEqual(self.browser.post("/_meshproxy/logout", form_of(self.browser)).status, 303)
        self.site.clock.advance(2.1)
        self.assertEqual(len(cancelled), 1)

    def test_a_url_that_is_none(self) -> None:
        """What a provider returns is only gone to when it is a web address."""
        for url in (None, "", "javascript:alert(1)", "https://x/\r\nA: b", 7):
            self.provider.end_session_url = lambda signed_in, return_to, url=url: url  # type: ignore[method-assign, misc]
            self.assertEqual(self.browser.get("/_meshproxy/").status, 200)
        self.assertEqual(
            self.browser.post("/_meshproxy/logout", form_of(self.browser)).location, "https://apps.example.com/_meshproxy/logged-out"
        )
