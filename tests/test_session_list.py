"""A person's own sessions: :mod:`meshproxy.web.own.session_list`."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.builtin.memory_store import MemoryStore
from meshproxy.web.own.session_list import Instant
from tests.support.contexts import context
from tests.support.own_site import NOW, Browser, OwnSite, hidden, log_in

URL = "/_meshproxy/sessions"


def handles(page: str) -> list[str]:
    """What the buttons of a page end."""
    return [part.partition('"')[0] for part in page.split('name="end" value="')[1:]]


class ListingStoreTests(SynchronousTestCase):
    """A store that can list."""

    def setUp(self) -> None:
        clock = Clock()
        clock.advance(NOW)
        self.site = OwnSite(store=MemoryStore({}, context(clock, None)))  # type: ignore[arg-type]
        self.phone, self.laptop, self.bob = (Browser(self.site) for _ in range(3))
        log_in(self.phone)
        self.site.clock.advance(100)
        log_in(self.laptop)
        log_in(self.bob, "bob")

    def end(self, browser: Browser, handle: str) -> int:
        return browser.post(URL, {"csrf": hidden(browser.get(URL).text, "csrf"), "end": handle}).status

    def test_ones_own_and_nobody_elses(self) -> None:
        """Both of alice's, the newest first and this one marked; none of bob's."""
        page = self.laptop.get(URL).text
        self.assertEqual(page.count("this one"), 1)
        self.assertEqual(len(handles(page)), 3)  # two sessions, and all of them
        self.assertFalse(set(handles(page)) & set(handles(self.bob.get(URL).text)) - {"all"})

    def test_ending_another_one(self) -> None:
        """The phone is logged out, the laptop goes on."""
        handle = handles(self.phone.get(URL).text)[1]
        self.assertEqual(self.end(self.laptop, handle), 303)
        self.assertEqual(self.phone.fetch("/_meshproxy/userinfo").status, 401)
        self.assertEqual(self.laptop.fetch("/_meshproxy/userinfo").status, 200)

    def test_ending_this_one(self) -> None:
        """A logout."""
        reply = self.laptop.post(URL, {"csrf": hidden(self.laptop.get(URL).text, "csrf"), "end": handles(self.laptop.get(URL).text)[0]})
        self.assertEqual(reply.location, "https://apps.example.com/_meshproxy/logged-out")
        self.assertEqual(self.laptop.fetch("/_meshproxy/userinfo").status, 401)
        self.assertEqual(self.phone.fetch("/_meshproxy/userinfo").status, 200)

    def test_ending_all(self) -> None:
        """Everywhere; other people are not concerned."""
        self.end(self.laptop, "all")
        self.assertEqual([one.fetch("/_meshproxy/userinfo").status for one in (self.phone, self.laptop, self.bob)], [401, 401, 200])

    def test_somebody_elses(self) -> None:
        """A handle that is not in one's own list ends nothing, whoever's it is."""
        bobs = handles(self.bob.get(URL).text)[0]
        self.assertEqual(self.end(self.laptop, bobs), 404)
        self.assertEqual(self.end(self.laptop, "0" * 32), 404)
        self.assertEqual(self.bob.fetch("/_meshproxy/userinfo").status, 200)

    def test_forged(self) -> None:
        """Without the token of this session nothing ends."""
        self.assertEqual(self.laptop.post(URL, {"end": "all", "csrf": "x"}).status, 403)
        self.assertEqual(self.phone.fetch("/_meshproxy/userinfo").status, 200)


class CookieTests(SynchronousTestCase):
    """Sessions that only browsers keep."""

    def test_shows_this_one(self) -> None:
        """It is said why there are no others, and this one can be ended."""
        browser = Browser(OwnSite())
        log_in(browser)
        page = browser.get(URL).text
        self.assertIn("kept by the browsers themselves", page)
        [handle] = handles(page)
        self.assertEqual(browser.post(URL, {"csrf": hidden(page, "csrf"), "end": handle}).status, 303)
        self.assertEqual(browser.fetch("/_meshproxy/userinfo").status, 401)

    def test_nobody(self) -> None:
        """Off to the login; a POST is a 401 that sends nothing on."""
        browser = Browser(OwnSite())
        self.assertEqual(browser.get(URL).location, "/_meshproxy/login?to=%2F_meshproxy%2Fsessions")
        self.assertEqual(browser.post(URL, {"end": "all"}).status, 401)


class InstantTests(SynchronousTestCase):
    def test_for_people_and_machines(self) -> None:
        """Both are UTC, and say so."""
        self.assertEqual(Instant.of(NOW), Instant("15 January 2027, 08:00 UTC", "2027-01-15T08:00:00+00:00"))
