"""Our pages in a real Chromium: what only a browser decides. Cookies, the content security policy, the keyboard, the picture.

The pages run on a real port, with a provider on another site; the browser is driven from a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from meshproxy.core.places import Origin
from tests.support.browser import DESKTOP, ENTER, PHONE, TAB, Chrome, log_in_by_keyboard, missing
from tests.support.own_site import NOW, FormProvider, OwnSite, RedirectProvider, service
from tests.support.ports import free_ports
from tests.support.running import Running

LONG = "Donaudampfschifffahrtsgesellschaftskapitänskajütenverwaltungsoberfläche"


class Service(Resource):
    """What stands in for a protected service: it says how it was asked for."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        return f"<title>service</title><h1>service</h1><p>{escape(request.uri.decode())}".encode()


class Elsewhere(Resource):
    """The provider's own site: knows everybody, asks nothing, answers by a form or a redirect."""

    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        arguments = {name.decode(): values[0].decode() for name, values in (request.args or {}).items()}
        if request.path == b"/logout":
            request.redirect(arguments["back"].encode())
            return b""
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        return (
            f'<title>idp</title><form id="f" method="post" action="{escape(arguments["to"])}"><input type="hidden" name="code" value="c">'
            f'<input type="hidden" name="state" value="{escape(arguments["state"])}"></form><script>f.submit()</script>'
        ).encode()


class LocalRedirectProvider(RedirectProvider):
    """Sends people to :class:`Elsewhere`, which answers by ``form_post``."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    async def begin(self, attempt: Any) -> str:
        await super().begin(attempt)
        return f"{self.base}/authorize?state={attempt.state}&to={attempt.redirect_uri}"

    def end_session_url(self, signed_in: Any, return_to: str) -> str:
        return f"{self.base}/logout?back={return_to}"


class BrowserTests(TestCase):
    """One site, one provider elsewhere, one browser a test."""

    timeout = 120

    def setUp(self) -> None:
        if missing():
            raise SkipTest(missing())
        [port] = free_ports(1)
        self.public = f"http://localhost:{port}"
        self.other = f"http://grafana.localhost:{port}"
        elsewhere: Any = reactor.listenTCP(0, Site(Elsewhere()), interface="127.0.0.1")  # type: ignore[attr-defined]
        self.elsewhere = f"http://idp.test.localhost:{elsewhere.getHost().port}"
        services = [
            service("headers", host="localhost", authenticated=True),
            service("board", host="grafana.localhost", authenticated=True),
            replace(service("rasad", host="localhost", authenticated=True), title="خدمة الرصد", description="لوحات المراقبة"),
            replace(service("long", host="localhost", authenticated=True), title=LONG, description=LONG * 3),
        ]
        providers = {"local": FormProvider(), "corp": LocalRedirectProvider(self.elsewhere)}
        self.site = OwnSite(providers, services=services, public=Origin("http", "localhost", port))
        self.site.clock.advance(time.time() - NOW)
        root: Any = self.site.site.resource
        for name in (b"headers", b"board", b"rasad", b"long"):
            root.putChild(name, Service())
        listening: Any = reactor.listenTCP(port, self.site.site, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.listening = [listening, elsewhere]

    def tearDown(self) -> Deferred[list[Any]]:
        return gatherResults([maybeDeferred(one.stopListening) for one in self.listening])

    def drive(self, what: Callable[[Chrome], None], size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> Deferred[None]:
        """Do something in a new browser."""

        def run() -> None:
            with Chrome(size, dark=dark) as chrome:
                what(chrome)
                self.assertEqual([line for line in chrome.console() if "violates" in line or "Refused" in line], [])

        return deferToThread(run)

    def test_log_in_open_and_log_out_by_keyboard(self) -> Deferred[None]:
        """From a URL to the form, back to that URL, to the services, into one, and out again, without a mouse."""

        def what(chrome: Chrome) -> None:
            log_in_by_keyboard(chrome, f"{self.public}/_meshproxy/login/local?to=%2Fheaders%2Fd%3Fx%3D1", "alice", "right")
            self.assertEqual(chrome.url, f"{self.public}/headers/d?x=1")
            chrome.go(f"{self.public}/")
            self.assertIn("Alice Ångström", chrome.text("header"))
            chrome.tab_to("Headers\nThe headers service", by=lambda focused: focused.endswith("The headers service"))
            chrome.press(ENTER)
            chrome.until(lambda one: one.url == f"{self.public}/headers", "the way into the service")
            chrome.go(f"{self.public}/_meshproxy/")
            chrome.tab_to("Log out")
            chrome.press(ENTER)
            chrome.until(lambda one: one.url == f"{self.public}/_meshproxy/logged-out", "the logout")
            chrome.go(f"{self.public}/_meshproxy/userinfo")
            self.assertIn("Please log in", chrome.text("h1"))

        return self.drive(what)

    def test_a_wrong_password_and_then_the_right_one(self) -> Deferred[None]:
        """The page says so, keeps the name and has the password field ready."""

        def what(chrome: Chrome) -> None:
            chrome.go(f"{self.public}/_meshproxy/login/local?to=%2Fheaders")
            chrome.tab_to("User name")
            chrome.press("alice", TAB, "wrong", ENTER)
            chrome.until(lambda one: "not right" in one.text("[role=alert]"), "the answer")
            self.assertEqual(chrome.focused(), "Password")
            chrome.press("right", ENTER)
            chrome.until(lambda one: one.url == f"{self.public}/headers", "the login")

        return self.drive(what)

    def test_a_hand_off_right_after_the_form(self) -> Deferred[None]:
        """The form's redirects lead over two more pages to another host: the policy that browsers apply to them allows that."""

        def what(chrome: Chrome) -> None:
            chrome.go(f"{self.other}/_meshproxy/login?to=%2Fboard%2F7%3Fa%3Db")
            chrome.until(lambda one: "Choose how" in one.text(), "the choice")
            chrome.tab_to("local", by=lambda focused: focused.endswith("local"))
            chrome.press(ENTER)
            chrome.until(lambda one: "Password" in one.text(), "the form")
            chrome.tab_to("User name")
            chrome.press("alice", TAB, "right", ENTER)
            chrome.until(lambda one: one.url == f"{self.other}/board/7?a=b", "the way to the other host")
            chrome.go(f"{self.other}/_meshproxy/userinfo")
            self.assertIn('"alice"', chrome.text())
            chrome.go(f"{self.other}/_meshproxy/logout")
            self.assertEqual(chrome.focused(), "Log out")
            chrome.press(ENTER)
            chrome.until(lambda one: one.url == f"{self.public}/_meshproxy/logged-out", "the logout from the other host")

        return self.drive(what)

    def test_a_provider_that_answers_by_a_form(self) -> Deferred[None]:
        """Its site posts to ours, our Lax cookies stay behind, and the login succeeds; logging out leads over its site and back."""

        def what(chrome: Chrome) -> None:
            chrome.go(f"{self.public}/_meshproxy/login/corp?to=%2Fheaders%2F9%3Fq")
            chrome.until(lambda one: one.url == f"{self.public}/headers/9?q", "the way over the provider")
            chrome.go(f"{self.public}/_meshproxy/")
            chrome.tab_to("Log out")
            chrome.press(ENTER)
            chrome.until(lambda one: one.url == f"{self.public}/_meshproxy/logged-out", "the way out over the provider")

        return self.drive(what)

    def test_tabs(self) -> Deferred[None]:
        """Two tabs with the form open: the first logs in, the second's form does too, and each is where it wanted to be."""

        def what(chrome: Chrome) -> None:
            first = chrome.handle
            chrome.go(f"{self.public}/_meshproxy/login/local?to=%2Fheaders%2F1")
            second = chrome.new_tab()
            chrome.go(f"{self.public}/_meshproxy/login/local?to=%2Fheaders%2F2")
            for handle, number in ((first, 1), (second, 2)):
                chrome.switch(handle)
                chrome.tab_to("User name")
                chrome.press("alice", TAB, "right", ENTER)
                chrome.until(lambda one, number=number: one.url == f"{self.public}/headers/{number}", "the login of a tab")

        return self.drive(what)

    def _fits(self, size: tuple[int, int], *, dark: bool) -> Deferred[None]:
        def what(chrome: Chrome) -> None:
            def look(where: str) -> None:
                wide, window = chrome.script("return [document.documentElement.scrollWidth, window.innerWidth]")
                self.assertLessEqual(wide, window, f"{where} is wider than the window")
                small = chrome.script(
                    "return [...document.querySelectorAll('a.button, button, .field input, .choices a, a.tile')]"
                    ".filter(one => one.getBoundingClientRect().height < 36).map(one => one.outerHTML)"
                )
                self.assertEqual(small, [], f"{where} has targets that are hard to hit")
                paper = chrome.script("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
                self.assertEqual(sum(paper) < 300, dark, f"{where} is {'light' if dark else 'dark'}")
                self.assertNotEqual(chrome.script("return document.querySelector('header img').naturalWidth"), 0)

            for path in ("login?to=/", "login/local?to=/", "callback?state=x", "logged-out", "nothing"):
                chrome.go(f"{self.public}/_meshproxy/{path}")
                look(path)
            log_in_by_keyboard(chrome, f"{self.public}/_meshproxy/login/local?to=%2Fheaders", "alice", "right")
            for path in ("", "sessions", "logout"):
                chrome.go(f"{self.public}/_meshproxy/{path}")
                look(path or "home")

        return self.drive(what, size, dark=dark)

    def test_fits_a_phone_in_the_dark(self) -> Deferred[None]:
        """No page is wider than a phone, everything can be hit with a thumb, and dark is dark."""
        return self._fits(PHONE, dark=True)

    def test_fits_a_desk_in_the_light(self) -> Deferred[None]:
        """The same on a large screen, in the light."""
        return self._fits(DESKTOP, dark=False)


class DemoTests(TestCase):
    """The whole program as it comes, with its own sample configuration."""

    timeout = 120

    def setUp(self) -> Deferred[None]:
        if missing():
            raise SkipTest(missing())
        self.running = Running.demo(reactor, Path(self.mktemp()))
        self.addCleanup(lambda: Deferred.fromCoroutine(self.running.stop()))
        return Deferred.fromCoroutine(self.running.start())

    def test_a_first_visit_by_keyboard(self) -> Deferred[None]:
        """A URL, the login, that URL again; the service has been told who is there; bob meets a page that says what would do."""
        url = self.running.url

        def what() -> None:
            with Chrome() as chrome:
                log_in_by_keyboard(chrome, f"{url}/headers/?first=1", "alice", "alice-demo")
                self.assertEqual(chrome.url, f"{url}/headers/?first=1")
                self.assertIn("alice", chrome.text())
                chrome.go(f"{url}/")
                chrome.tab_to("Administration", by=lambda focused: focused.startswith("Administration"))
                chrome.press(ENTER)
                chrome.until(lambda one: one.url.startswith(f"{url}/admin"), "the way into a service")
                chrome.go(f"{url}/_meshproxy/logout")
                self.assertEqual(chrome.focused(), "Log out")
                chrome.press(ENTER)
                chrome.until(lambda one: one.url == f"{url}/_meshproxy/logged-out", "the logout")
                log_in_by_keyboard(chrome, f"{url}/admin/", "bob", "bob-demo")
                self.assertIn("You may not open this", chrome.text("h1"))
                self.assertIn("admins", chrome.text("main"))
                self.assertEqual([line for line in chrome.console() if "violates" in line], [])

        return deferToThread(what)
