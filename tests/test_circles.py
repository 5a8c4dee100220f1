"""Logins that go round in circles: :mod:`meshproxy.web.own.circles`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.own_site import OTHER, Browser, OwnSite, RedirectProvider, hidden, log_in, query_of


def round_trip(browser: Browser, to: str = "/headers"):  # type: ignore[no-untyped-def]
    """To the provider, which knows the person already, and back."""
    reply = browser.get(f"/_meshproxy/login?to={to}")
    return browser.get(f"/_meshproxy/callback?code=c&state={query_of(reply.location)['state']}")


class CirclesTests(SynchronousTestCase):
    def test_a_session_cookie_that_does_not_come_back(self) -> None:
        """The third round trip within half a minute ends in a page that says what is wrong, not in a fourth."""
        site = OwnSite({"corp": RedirectProvider()})
        browser = Browser(site)
        statuses = []
        for _ in range(3):
            reply = round_trip(browser)
            statuses.append(reply.status)
            browser.jar.pop(("apps.example.com", "__Host-meshproxy"), None)
        self.assertEqual(statuses, [302, 302, 400])
        self.assertIn("does not send the session cookie back", reply.text)
        self.assertIn('href="/headers"', reply.text)

    def test_a_session_cookie_that_does_not_count(self) -> None:
        """Where the cookie does come back, the page looks for the reason at our end."""
        site = OwnSite({"corp": RedirectProvider()})
        browser = Browser(site)
        for _ in range(3):
            reply = round_trip(browser)
            browser.jar["apps.example.com", "__Host-meshproxy"] = "v1.of.another-replica"
        self.assertEqual(reply.status, 400)
        self.assertIn("the session does not hold", reply.text)

    def test_a_new_start_after_the_page(self) -> None:
        """Whoever mends it and tries once more is not shown the page again."""
        browser = Browser(OwnSite({"corp": RedirectProvider()}))
        for _ in range(3):
            round_trip(browser)
            browser.jar.pop(("apps.example.com", "__Host-meshproxy"), None)
        self.assertEqual(round_trip(browser).status, 302)

    def test_no_circle_with_time_between(self) -> None:
        """Somebody whose browser forgets them every minute logs in every minute."""
        site = OwnSite({"corp": RedirectProvider()})
        browser = Browser(site)
        for _ in range(5):
            self.assertEqual(round_trip(browser).status, 302)
            browser.jar.pop(("apps.example.com", "__Host-meshproxy"), None)
            site.clock.advance(31)

    def test_ten_tabs(self) -> None:
        """Ten tabs that are sent to the provider together all come back to their own pages, though a browser keeps five attempts."""
        site = OwnSite({"corp": RedirectProvider()})
        browser = Browser(site)
        tabs = {}
        for number in range(10):
            tabs[f"/headers/{number}"] = browser.get(f"/_meshproxy/login?to=/headers/{number}").location
            site.clock.advance(0.1)
        for to, location in reversed(tabs.items()):
            self.assertEqual(browser.get(f"/_meshproxy/callback?code=c&state={query_of(location)['state']}").location, to)

    def test_logging_in_and_out_by_hand(self) -> None:
        """A logout begins the count anew."""
        browser = Browser(OwnSite())
        for _ in range(5):
            self.assertEqual(log_in(browser).status, 303)
            page = browser.get("/_meshproxy/logout")
            self.assertEqual(browser.post("/_meshproxy/logout", {"csrf": hidden(page.text, "csrf")}).status, 303)

    def test_on_another_host(self) -> None:
        """A hand-off whose cookie is lost there ends after the third time too."""
        browser = Browser(OwnSite())
        log_in(browser)
        statuses = []
        for _ in range(3):
            ticket = browser.get(browser.get(f"https://{OTHER}/_meshproxy/login?to=/board").location).location
            statuses.append(browser.get(ticket).status)
            browser.jar.pop((OTHER, "__Host-meshproxy"), None)
        self.assertEqual(statuses, [302, 302, 400])
