"""Coming back from a provider: :mod:`meshproxy.web.own.callback`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import LoginFailed, Principal, ProviderDown, SignedIn
from tests.support.own_site import Browser, FormProvider, OwnSite, RedirectProvider, log_in, query_of


def sent_off(browser: Browser, to: str = "/headers/d/1?x=2") -> str:
    """Begin at the login; the callback's URL, as the provider would send the browser there."""
    reply, _ = browser.follow(browser.get(f"/_meshproxy/login?to={to.replace('?', '%3F')}"))
    return f"/_meshproxy/callback?code=the-code&state={query_of(reply.location)['state']}"


class ReturnTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.provider = RedirectProvider()
        self.site = OwnSite({"corp": self.provider})
        self.browser = Browser(self.site)

    def test_the_same_url_again(self) -> None:
        """302 to where the browser wanted to go, with a session; the provider was given what came."""
        reply = self.browser.get(sent_off(self.browser))
        self.assertEqual((reply.status, reply.location), (302, "/headers/d/1?x=2"))
        who = self.browser.fetch("/_meshproxy/userinfo").json
        self.assertEqual((who["subject"], who["provider"]), ("u1", "corp"))
        self.assertEqual(self.provider.finished[0]["code"], "the-code")

    def test_a_bare_principal_will_do(self) -> None:
        """What a provider calls itself does not matter: the principal is of the table that it stands in."""
        self.provider.says = Principal("https://x", "y", provider="root")
        self.browser.get(sent_off(self.browser))
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").json["provider"], "corp")

    def test_many_tabs(self) -> None:
        """Five logins at once, in any order, each back at its own page."""
        tabs = {f"/headers/{number}": "" for number in range(5)}
        for to in tabs:
            tabs[to] = sent_off(self.browser, to)
        for to, callback in reversed(tabs.items()):
            self.assertEqual(self.browser.get(callback).location, to)

    def test_reloaded(self) -> None:
        """The callback once more, by the reload or the back button: the browser just goes on."""
        callback = sent_off(self.browser)
        self.browser.get(callback)
        reply = self.browser.get(callback)
        self.assertEqual(reply.status, 303)
        self.assertEqual(len(self.provider.finished), 1)

    def test_stale_with_a_session_from_another_tab(self) -> None:
        """An attempt that was finished elsewhere, in a browser that is logged in: on to its own target."""
        callback = sent_off(self.browser, "/headers/first")
        cookies = dict(self.browser.jar)
        self.browser.get(callback)
        self.browser.jar.update(cookies)  # the attempt's cookie, as a second tab of a slow browser still sends it
        reply = self.browser.get(callback)
        self.assertEqual((reply.status, reply.location), (303, "/headers/first"))

    def test_stale_without_a_session(self) -> None:
        """A page that says so, with a code and a way to begin again; nothing is asked of the provider."""
        callback = sent_off(self.browser)
        reply = Browser(self.site).get(callback)
        self.assertEqual(reply.status, 400)
        self.assertIn("/_meshproxy/login", reply.text)
        [event] = self.site.told("login.failed")
        self.assertIn(event["attempt"], reply.text)
        self.assertEqual(self.provider.finished, [])

    def test_too_late(self) -> None:
        """An attempt lives ten minutes."""
        callback = sent_off(self.browser)
        self.site.clock.advance(601)
        self.assertEqual(self.browser.get(callback).status, 400)

    def test_nonsense(self) -> None:
        """No state, an endless one, a parameter twice, bytes that are no text: 400, and the log stays quiet."""
        for query in ("", "?code=1", "?state=", "?state=x", f"?state={'x' * 9000}", "?state=a&state=b", "?state=%ff", "?%00=%00&state=1"):
            with self.subTest(query=query[:30]):
                self.assertEqual(self.browser.get(f"/_meshproxy/callback{query}").status, 400)

    def test_only_on_the_public_host(self) -> None:
        """No other host is a redirect URI."""
        self.assertEqual(self.browser.get("https://grafana.example.com/_meshproxy/callback?state=x").status, 404)

    def test_a_provider_that_is_gone(self) -> None:
        """Removed by a reload while somebody logged in there: a page with a code."""
        callback = sent_off(self.browser)
        self.site.providers.pop("corp")
        self.assertEqual(self.browser.get(callback).status, 403)


class FormPostTests(SynchronousTestCase):
    """``response_mode=form_post``."""

    def setUp(self) -> None:
        self.provider = RedirectProvider()
        self.site = OwnSite({"corp": self.provider})
        self.browser = Browser(self.site)

    def test_with_its_cookie(self) -> None:
        """Where the attempt's cookie came along the form is answered at once: 303 to the target."""
        state = query_of(sent_off(self.browser))["state"]
        reply = self.browser.post(
            "/_meshproxy/callback", {"code": "c", "state": state}, Origin="https://idp.example.net", Sec_Fetch_Site="cross-site"
        )
        self.assertEqual((reply.status, reply.location), (303, "/headers/d/1?x=2"))

    def test_lax_cookies_stay_behind(self) -> None:
        """Where they did not, a GET of our own follows, to which they come along: only what such an answer may carry goes with it."""
        state = query_of(sent_off(self.browser))["state"]
        elsewhere = Browser(self.site)
        form = {"code": "c&d", "state": state, "iss": "https://idp", "id_token": "secret", "x": "y"}
        reply = elsewhere.post("/_meshproxy/callback", form, Origin="https://idp.example.net", Sec_Fetch_Site="cross-site")
        self.assertEqual(reply.status, 303)
        self.assertEqual(query_of(reply.location), {"code": "c&d", "state": state, "iss": "https://idp"})
        self.assertEqual(self.browser.get(reply.location).location, "/headers/d/1?x=2")

    def test_no_circle_of_its_own(self) -> None:
        """The GET that follows is not turned into yet another request."""
        reply = self.browser.post("/_meshproxy/callback", {"state": "x" * 43})
        self.assertEqual(self.browser.get(reply.location).status, 400)

    def test_form_and_query(self) -> None:
        """Both at once is neither."""
        self.assertEqual(self.browser.post("/_meshproxy/callback?state=a", {"state": "b"}).status, 400)


class FailureTests(SynchronousTestCase):
    """What the provider's end of it may do."""

    def fail(self, says: object) -> tuple[OwnSite, Browser, str, int]:
        provider = RedirectProvider()
        provider.says = says
        site = OwnSite({"corp": provider})
        browser = Browser(site)
        reply = browser.get(sent_off(browser))
        self.assertNotIn("__Host-meshproxy=", reply["Set-Cookie"])
        [event] = site.told("login.failed")
        self.assertEqual(event["attempt"], provider.attempts[0].code)
        self.assertIn(f"<code>{event['attempt']}</code>", reply.text)
        return site, browser, event["reason"], reply.status

    def test_refused(self) -> None:
        """403, the reason to the audit trail, under the attempt's own code."""
        _, _, reason, status = self.fail(LoginFailed("nonce does not fit", "Please try again."))
        self.assertEqual((status, reason), (403, "nonce does not fit"))

    def test_down(self) -> None:
        """503 when the provider does not answer."""
        self.assertEqual(self.fail(ProviderDown("token endpoint: timeout"))[3], 503)

    def test_broken(self) -> None:
        """A provider that raises anything else, or returns nothing, is a page with a code and a line in the log."""
        for says in (ValueError("boom"), None, SignedIn(Principal("i", ""))):
            with self.subTest(says=says):
                self.assertEqual(self.fail(says)[3], 500)
                self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_used_up(self) -> None:
        """A failed attempt cannot be tried again."""
        _, browser, _, _ = self.fail(LoginFailed("x"))
        self.assertFalse([name for _, name in browser.jar if name.startswith("__Host-meshproxy-login-") and len(name) == 32])

    def test_a_failure_keeps_the_session_there_is(self) -> None:
        """Somebody who is logged in and whose second login fails stays who they are."""
        provider = RedirectProvider()
        site = OwnSite({"local": FormProvider(), "corp": provider})
        browser = Browser(site)
        reply = browser.get("/_meshproxy/login/corp?to=/")
        log_in(browser)
        provider.says = LoginFailed("x")
        self.assertEqual(browser.get(f"/_meshproxy/callback?code=1&state={query_of(reply.location)['state']}").status, 403)
        self.assertEqual(browser.fetch("/_meshproxy/userinfo").json["subject"], "alice")
