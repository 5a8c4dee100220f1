"""What comes before a login: :mod:`meshproxy.web.own.starting`."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ProviderDown, Tokens
from tests.support.own_site import NOW, OTHER, Browser, OwnSite, RedirectProvider, log_in, query_of


class BeginTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.provider = RedirectProvider()
        self.site = OwnSite({"corp": self.provider})
        self.browser = Browser(self.site)

    def test_off_to_the_one_provider(self) -> None:
        """302 to it at once; the attempt is bound to this browser by a cookie of its own."""
        reply = self.browser.get("/_meshproxy/login?to=/headers")
        self.assertEqual(reply.status, 302)
        self.assertTrue(reply.location.startswith("https://idp.example.net/authorize?state="))
        self.assertRegex(reply["Set-Cookie"], r"^__Host-meshproxy-login-[0-9a-f]{8}=")
        self.assertEqual(self.provider.attempts[0].redirect_uri, "https://apps.example.com/_meshproxy/callback")
        self.assertEqual(self.site.told("login.started")[0]["attempt"], self.provider.attempts[0].code)

    def test_a_provider_that_is_down(self) -> None:
        """503 with ``Retry-After`` and a code, and no attempt's cookie."""
        self.provider.begin_fails = ProviderDown("discovery: timeout")
        reply = self.browser.get("/_meshproxy/login?to=/headers")
        self.assertEqual((reply.status, reply["Retry-After"], reply["Set-Cookie"]), (503, "10", ""))
        self.assertIn("/_meshproxy/login?to=%2Fheaders", reply.text)

    def test_a_provider_that_begins_with_no_url(self) -> None:
        """Nothing but a web address ever stands in ``Location``."""
        for url in ("javascript:alert(1)", "https://x/\r\nSet-Cookie: a=b", None, "//idp", "https://exämple"):
            self.provider.begin = lambda attempt, url=url: url  # type: ignore[method-assign]
            self.assertEqual(self.browser.get("/_meshproxy/login").status, 500)


class AlreadyTests(SynchronousTestCase):
    """Somebody who is logged in already."""

    def setUp(self) -> None:
        self.site = OwnSite()
        self.browser = Browser(self.site)
        log_in(self.browser)

    def test_goes_on(self) -> None:
        """From the login page to the target, as often as they like."""
        for _ in range(5):
            self.assertEqual(self.browser.get("/_meshproxy/login?to=/headers?q").location, "/headers?q")

    def test_again(self) -> None:
        """Where a service wants a new token the session alone does not do: the login is shown."""
        self.site.clock.advance(60)
        self.assertEqual(self.browser.get("/_meshproxy/login?to=/headers&again=1").location, "/_meshproxy/login/local?to=%2Fheaders")

    def test_again_right_after_a_login(self) -> None:
        """A new login that did not help will not help the next time either: a page says so."""
        reply = self.browser.get("/_meshproxy/login?to=/headers&again=1")
        self.assertEqual(reply.status, 400)
        self.assertIn("tokens that have already ended", reply.text)


class HandOffTests(SynchronousTestCase):
    """The other hosts."""

    def setUp(self) -> None:
        self.provider = RedirectProvider()
        self.site = OwnSite({"corp": self.provider})
        self.browser = Browser(self.site)

    def log_in(self, to: str) -> list[str]:
        """From a page on another host through everything."""
        reply, way = self.browser.follow(self.browser.get(to))
        if "idp.example.net" in reply.location:
            back = self.browser.get(f"/_meshproxy/callback?code=c&state={query_of(reply.location)['state']}")
            way += self.browser.follow(back)[1]
        return way

    def test_the_whole_way(self) -> None:
        """To the public host, to the provider, back, with a ticket to the other host, and to the URL that was asked for."""
        way = self.log_in(f"https://{OTHER}/_meshproxy/login?to=/board/1%3Fa=b")
        steps = [url.partition("?")[0] for url in way]
        self.assertEqual(
            steps,
            [
                "https://apps.example.com/_meshproxy/login",
                "https://idp.example.net/authorize",
                "/_meshproxy/login",
                f"https://{OTHER}/_meshproxy/accept",
                f"https://{OTHER}/board/1",
            ],
        )
        self.assertEqual(way[-1], f"https://{OTHER}/board/1?a=b")
        self.assertEqual(self.browser.fetch(f"https://{OTHER}/_meshproxy/userinfo").json["subject"], "u1")

    def test_at_once_where_a_session_lives(self) -> None:
        """The second host asks nobody to log in."""
        self.log_in("/_meshproxy/login?to=/")
        way = self.log_in(f"https://{OTHER}/_meshproxy/login?to=/board")
        self.assertEqual(way[-1], f"https://{OTHER}/board")
        self.assertEqual(len(self.provider.finished), 1)

    def test_a_hand_off_that_is_none(self) -> None:
        """A made-up value, or one that is too old, ends in a page, never on another host."""
        self.log_in("/_meshproxy/login?to=/")
        for value in ("x", "v1.aaaa.bbbb", "%00"):
            self.assertEqual(self.browser.get(f"/_meshproxy/login?handoff={value}").status, 400)
        begun = self.browser.get(f"https://{OTHER}/_meshproxy/login?to=/board").location
        self.site.clock.advance(601)
        self.assertEqual(self.browser.get(begun).status, 400)

    def test_targets_elsewhere(self) -> None:
        """A hand-off leads to its own host or nowhere."""
        for to in ("//evil.example", "https://evil.example/", "/\\evil"):
            self.assertEqual(self.log_in(f"https://{OTHER}/_meshproxy/login?to={to}")[-1], f"https://{OTHER}/")
            self.browser.jar.clear()

    def test_a_session_there_goes_on(self) -> None:
        """On a host with a session the login page leads on, without a hop."""
        self.log_in(f"https://{OTHER}/_meshproxy/login?to=/board")
        self.assertEqual(self.browser.get(f"https://{OTHER}/_meshproxy/login?to=/board/2").location, f"https://{OTHER}/board/2")

    def test_again_with_tokens_that_live(self) -> None:
        """A host whose copy of the token has ended gets the parent's, without a login, where that still lives."""
        self.log_in("/_meshproxy/login?to=/")
        way = self.log_in(f"https://{OTHER}/_meshproxy/login?to=/board&again=1")
        self.assertEqual(way[-1], f"https://{OTHER}/board")
        self.assertEqual(len(self.provider.finished), 1)

    def test_again_with_tokens_that_ended(self) -> None:
        """Where the parent's has ended too, the provider is asked."""
        self.provider.says = replace(self.provider.says, tokens=Tokens(access="a", expires_at=NOW + 60))
        self.log_in("/_meshproxy/login?to=/")
        self.site.clock.advance(120)
        self.assertEqual(self.log_in(f"https://{OTHER}/_meshproxy/login?to=/board&again=1")[-1], f"https://{OTHER}/board")
        self.assertEqual(len(self.provider.finished), 2)
