"""The end of a hand-off: :mod:`meshproxy.web.own.accept`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.own_site import OTHER, Browser, OwnSite, log_in


class AcceptTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.site = OwnSite()
        self.browser = Browser(self.site)
        log_in(self.browser)

    def ticket(self, browser: Browser | None = None) -> str:
        """The URL with a ticket that the browser is sent to."""
        browser = browser or self.browser
        return browser.get(browser.get(f"https://{OTHER}/_meshproxy/login?to=/board?x=1").location).location

    def test_a_session_on_this_host(self) -> None:
        """Its own cookie, and on to the URL that was asked for."""
        reply = self.browser.get(self.ticket())
        self.assertEqual((reply.status, reply.location), (302, f"https://{OTHER}/board?x=1"))
        self.assertEqual(self.browser.fetch(f"https://{OTHER}/_meshproxy/userinfo").json["subject"], "alice")

    def test_once(self) -> None:
        """A ticket that was used logs nobody in; who is logged in by it just goes on."""
        url = self.ticket()
        before = dict(self.browser.jar)
        self.browser.get(url)
        self.assertEqual(Browser(self.site, before).get(url).status, 400)
        self.assertEqual(self.browser.get(url).status, 302)

    def test_this_browser(self) -> None:
        """A link that somebody sends logs nobody in: neither a browser without the short cookie nor one with its own."""
        url = self.ticket()
        self.assertEqual(Browser(self.site).get(url).status, 400)
        other = Browser(self.site)
        other.get(f"https://{OTHER}/_meshproxy/login?to=/board")
        reply = other.get(url)
        self.assertEqual(reply.status, 400)
        self.assertEqual(reply["Set-Cookie"], "")
        self.assertEqual([event["reason"] for event in self.site.told("login.failed")], [f"hand-off to {OTHER}: browser"] * 2)

    def test_half_a_minute(self) -> None:
        """A ticket is valid for 30 s."""
        url = self.ticket()
        self.site.clock.advance(31)
        self.assertEqual(self.browser.get(url).status, 400)

    def test_the_host_of_public_url_takes_none(self) -> None:
        """Logging in there is no hand-off."""
        self.assertEqual(self.browser.get(self.ticket().replace(OTHER, "apps.example.com")).status, 404)

    def test_ends_with_its_parent(self) -> None:
        """A logout on the public host ends this host's session."""
        self.browser.get(self.ticket())
        live = self.site.sessions.recall(self.browser.cookie().encode(), "apps.example.com", self.site.clock.seconds()).session
        self.successResultOf(self._ended(live))
        self.assertEqual(self.browser.fetch(f"https://{OTHER}/_meshproxy/userinfo").status, 401)

    def _ended(self, live: object):  # type: ignore[no-untyped-def]
        from twisted.internet.defer import Deferred

        return Deferred.fromCoroutine(self.site.sessions.end(live, "logout", self.site.clock.seconds()))  # type: ignore[arg-type]

    def test_nonsense(self) -> None:
        """No ticket, or anything else: a page, and a way back to the service."""
        for query in ("", "?ticket=", "?ticket=v1.x.y", "?ticket=%ff", "?ticket=a&ticket=b"):
            self.assertEqual(self.browser.get(f"https://{OTHER}/_meshproxy/accept{query}").status, 400)
