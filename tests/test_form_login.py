"""Logging in with a name and a password: :mod:`meshproxy.web.own.form_login`."""

from __future__ import annotations

from urllib.parse import quote

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import LoginFailed, ProviderDown
from meshproxy.web.own.attempt_limit import PER_NAME
from tests.support.own_site import ALICE, OTHER, Browser, FormProvider, OwnSite, RedirectProvider, hidden, log_in

FORM = "/_meshproxy/login/local?to=%2Fheaders"


class LoggingInTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.site = OwnSite()
        self.browser = Browser(self.site)

    def test_the_same_url_again(self) -> None:
        """303 to the very URL that was asked for, query included, with a session."""
        reply = log_in(self.browser, to="/headers/a%20b?x=1&y=%2F#")
        self.assertEqual((reply.status, reply.location), (303, "/headers/a%20b?x=1&y=%2F#"))
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").json["subject"], "alice")
        self.assertEqual(self.site.told("login.succeeded")[0]["principal"], ALICE)

    def test_targets_elsewhere(self) -> None:
        """Whatever a browser could read as another site, and every step of a login, ends at the home page."""
        for to in (
            "//evil.example/",
            "https://evil.example/",
            "/\\evil.example",
            "https://apps.example.com:8443/",
            "javascript:alert(1)",
            "/_meshproxy/login",
            "/_meshproxy/logout?x",
            "/_meshproxy/callback?code=1",
            "/_meshproxy/login/local?to=/",
        ):
            with self.subTest(to=to):
                self.assertEqual(log_in(Browser(self.site), to=to).location, "/")

    def test_a_target_on_another_host_of_ours(self) -> None:
        """It is gone to; the hand-off begins there."""
        self.assertEqual(log_in(self.browser, to=f"https://{OTHER}/board?a=1").location, f"https://{OTHER}/board?a=1")

    def test_the_cookie(self) -> None:
        """HttpOnly, Secure, Lax, for this host alone; the answer is kept nowhere."""
        reply = log_in(self.browser)
        session = next(value for name, value in reply.fields if name == "Set-Cookie" and value.startswith("__Host-meshproxy="))
        for attribute in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"):
            self.assertIn(attribute, session.split("; "))
        self.assertNotIn("Domain", session)
        self.assertEqual(reply["Cache-Control"], "no-store")

    def test_whoever_has_a_session_goes_on(self) -> None:
        """A bookmarked login page, or the form in a second tab, shows no form."""
        log_in(self.browser)
        reply = self.browser.get(FORM)
        self.assertEqual((reply.status, reply.location), (302, "/headers"))

    def test_logging_in_as_somebody_else(self) -> None:
        """A form that was open already logs the browser in anew; who it was before is not any more."""
        form = self.browser.get(FORM).text
        log_in(self.browser)
        before = dict(self.browser.jar)
        self.browser.post(FORM, {"csrf": hidden(form, "csrf"), "username": "bob", "password": "right"})
        self.assertEqual(self.browser.fetch("/_meshproxy/userinfo").json["subject"], "bob")
        self.assertEqual(Browser(self.site, before).fetch("/_meshproxy/userinfo").status, 401)

    def test_the_session_list_knows_device_and_address(self) -> None:
        """What the session remembers of where it began."""
        form = self.browser.get(FORM).text
        self.browser.post(
            FORM,
            {"csrf": hidden(form, "csrf"), "username": "alice", "password": "right"},
            User_Agent="Mozilla/5.0 (iPhone) CriOS/1 Safari/1",
        )
        page = self.browser.get("/_meshproxy/sessions").text
        self.assertIn("Chrome on iPhone", page)
        self.assertIn("192.0.2.7", page)


class FailingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.provider = FormProvider()
        self.site = OwnSite({"local": self.provider})
        self.browser = Browser(self.site)

    def test_unknown_name_and_wrong_password_are_one(self) -> None:
        """The same status and the same words; only the name that was typed and the code differ."""
        replies = [log_in(Browser(self.site), username=name, password="wrong") for name in ("alice", "nobody")]
        self.assertEqual([reply.status for reply in replies], [403, 403])
        pages = [reply.text.replace(name, "NAME") for reply, name in zip(replies, ("alice", "nobody"), strict=True)]
        for page, event in zip(pages, self.site.told("login.failed"), strict=True):
            self.assertIn(f"<code>{event['attempt']}</code>", page)
        stripped = [
            page.replace(event["attempt"], "CODE").replace(hidden(page, "csrf"), "TOKEN")
            for page, event in zip(pages, self.site.told("login.failed"), strict=True)
        ]
        self.assertEqual(*stripped)

    def test_a_failure_leaves_no_session_and_no_password(self) -> None:
        """No cookie, and the password stands neither on the page nor in the audit trail."""
        reply = log_in(self.browser, password="hunter2-secret")
        self.assertNotIn("__Host-meshproxy=", reply["Set-Cookie"])
        self.assertNotIn("hunter2", reply.text + repr(self.site.events))
        self.assertEqual(self.site.told("login.failed")[0]["reason"], "wrong user name or password")

    def test_nothing_typed_is_no_attempt(self) -> None:
        """An empty or an endless name or password is not given to the provider."""
        for username, password in (("", "x"), ("alice", ""), ("a" * 300, "x"), ("alice", "x" * 2000)):
            self.assertEqual(log_in(self.browser, username, password).status, 403)
        self.assertEqual(self.provider.asked, [])

    def test_the_provider_is_down(self) -> None:
        """503 with a time to come back and a code."""
        self.provider.fails = ProviderDown("the directory does not answer")
        reply = log_in(self.browser)
        self.assertEqual((reply.status, reply["Retry-After"]), (503, "10"))
        [event] = self.site.told("login.failed")
        self.assertEqual(event["reason"], "the directory does not answer")
        self.assertIn(event["attempt"], reply.text)
        self.assertNotIn("directory", reply.text)

    def test_the_provider_refuses_in_its_own_words(self) -> None:
        """A message for the person is shown, the reason goes to the audit trail."""
        self.provider.fails = LoginFailed("account disabled", "Your account is closed.")
        reply = log_in(self.browser)
        self.assertEqual(reply.status, 403)
        self.assertIn("Your account is closed.", reply.text)
        self.assertNotIn("account disabled", reply.text)

    def test_the_provider_breaks(self) -> None:
        """A page with a code, never a traceback."""
        self.provider.fails = RuntimeError("hunter2")
        reply = log_in(self.browser)
        self.assertEqual(reply.status, 500)
        self.assertNotIn("hunter2", reply.text + repr(self.site.events))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_the_provider_never_answers(self) -> None:
        """There is a deadline: 503, and what was waited for is cancelled."""
        cancelled: list[object] = []
        self.provider.verify = lambda username, password: Deferred(cancelled.append)  # type: ignore[assignment, method-assign]
        form = self.browser.get(FORM).text
        body = f"csrf={quote(hidden(form, 'csrf'))}&username=a&password=b".encode()
        transport = self.site.open(
            "POST", FORM, fields=[("Content-Type", "application/x-www-form-urlencoded"), ("Cookie", self.browser.cookie())], body=body
        )
        self.assertEqual(transport.value(), b"")
        self.site.clock.advance(21)
        self.assertIn(b" 503 ", transport.value())
        self.assertEqual(len(cancelled), 1)


class LimitTests(SynchronousTestCase):
    def test_ten_attempts_then_wait(self) -> None:
        """After ten wrong passwords for a name the right one is not even tried, until five minutes have passed."""
        site = OwnSite()
        for _ in range(PER_NAME):
            self.assertEqual(log_in(Browser(site), password="wrong").status, 403)
        reply = log_in(Browser(site))
        self.assertEqual((reply.status, reply["Retry-After"]), (429, "300"))
        self.assertEqual(len(site.providers["local"].asked), PER_NAME)
        self.assertEqual(log_in(Browser(site), username="bob").status, 303)
        site.clock.advance(301)
        self.assertEqual(log_in(Browser(site)).status, 303)

    def test_names_that_do_not_exist_count_too(self) -> None:
        """The limit does not tell who exists; upper and lower case are one name."""
        site = OwnSite()
        replies = [log_in(Browser(site), username=("nobody", "NOBODY")[turn % 2], password="wrong").status for turn in range(PER_NAME + 1)]
        self.assertEqual(replies, [403] * PER_NAME + [429])

    def test_success_forgets_the_count(self) -> None:
        """Who logs in all day long never meets the limit."""
        site = OwnSite()
        self.assertEqual({log_in(Browser(site)).status for _ in range(PER_NAME * 3)}, {303})

    def test_a_program_reads_json(self) -> None:
        """429 for a program, in its form."""
        site = OwnSite()
        browser = Browser(site)
        for _ in range(PER_NAME):
            log_in(browser, password="wrong")
        form = browser.get(FORM).text
        reply = browser.post(
            FORM, {"csrf": hidden(form, "csrf"), "username": "alice", "password": "x"}, Sec_Fetch_Mode="cors", Accept="*/*"
        )
        self.assertEqual((reply.status, reply.json["error"]), (429, "too_many_attempts"))


class ForgeryTests(SynchronousTestCase):
    """Nobody can log a browser in as somebody else."""

    def setUp(self) -> None:
        self.site = OwnSite()
        self.browser = Browser(self.site)
        self.token = hidden(self.browser.get(FORM).text, "csrf")

    def attempt(self, browser: Browser, token: str, **fields: str) -> int:
        return browser.post(FORM, {"csrf": token, "username": "alice", "password": "right"}, **fields).status

    def test_the_browsers_own_form(self) -> None:
        """The token fits the cookie: logged in."""
        self.assertEqual(self.attempt(self.browser, self.token), 303)

    def test_another_browsers_token(self) -> None:
        """A token without its cookie, with another browser's cookie, or none at all, is refused before the provider is asked."""
        other = Browser(self.site)
        own = hidden(other.get(FORM).text, "csrf")
        self.assertNotEqual(own, self.token)
        self.assertEqual(
            [self.attempt(other, self.token), self.attempt(Browser(self.site), self.token), self.attempt(other, "")], [403] * 3
        )
        self.assertEqual(self.site.providers["local"].asked, [])

    def test_two_cookies_of_that_name(self) -> None:
        """One of them is somebody else's: refused."""
        self.browser.jar["apps.example.com", "x"] = "1; __Host-meshproxy-login-form=" + "A" * 32
        self.assertEqual(self.attempt(self.browser, self.token), 403)

    def test_another_sites_page(self) -> None:
        """What the browser itself says of where the form comes from counts as well."""
        self.assertEqual(self.attempt(self.browser, self.token, Origin="https://evil.example"), 403)
        self.assertEqual(self.attempt(self.browser, self.token, Origin="null", Sec_Fetch_Site="cross-site"), 403)
        self.assertEqual(self.attempt(self.browser, self.token, Origin="null", Sec_Fetch_Site="same-origin"), 303)

    def test_tabs_share_the_browsers_secret(self) -> None:
        """A form that was opened before another one still counts."""
        second = hidden(self.browser.get(FORM).text, "csrf")
        self.assertEqual(second, self.token)

    def test_the_refusal_brings_a_form_that_works(self) -> None:
        """Whoever was refused for a stale page can simply send again."""
        fresh = Browser(self.site)
        reply = fresh.post(FORM, {"csrf": "stale", "username": "alice", "password": "right"})
        self.assertEqual(reply.status, 403)
        self.assertEqual(self.attempt(fresh, hidden(reply.text, "csrf")), 303)


class PlaceTests(SynchronousTestCase):
    def test_only_on_the_public_host(self) -> None:
        """A form that is sent to another host goes nowhere; a GET there begins a hand-off."""
        site = OwnSite()
        browser = Browser(site)
        self.assertEqual(browser.post(f"https://{OTHER}/_meshproxy/login/local", {"username": "alice", "password": "right"}).status, 404)
        self.assertIn("/_meshproxy/login?handoff=", browser.get(f"https://{OTHER}/_meshproxy/login/local?to=/board").location)

    def test_form_action(self) -> None:
        """The form's policy names the other hosts: a hand-off may follow right after it."""
        page = Browser(OwnSite()).get(FORM)
        self.assertIn(f"form-action 'self' https://{OTHER};", page["Content-Security-Policy"])

    def test_a_way_to_the_others(self) -> None:
        """With several providers the form names its own and links to the choice, with the same target."""
        page = Browser(OwnSite({"local": FormProvider(), "corp": RedirectProvider()})).get(FORM).text
        self.assertIn('href="/_meshproxy/login?to=%2Fheaders"', page)
        self.assertIn('<bdi dir="auto">local</bdi>', page)
