"""meshproxy.sessions.csrf"""

from __future__ import annotations

import os

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.envelope import KeyRing
from meshproxy.core.places import Origin
from meshproxy.sessions.cookies import SessionCookies
from meshproxy.sessions.csrf import TOKEN_FOR, CsrfTokens

from .support.sessions import HOST, START, Browser

OLD, NEW = b"o" * 32, b"n" * 32
COOKIES = SessionCookies(Origin("https", HOST, 443))


class CsrfTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.csrf = CsrfTokens(KeyRing((OLD,)), COOKIES, os.urandom)

    def test_for_this_browser_and_form(self) -> None:
        """A token counts with the browser's secret, for its form, until it is too old; for nothing else."""
        token = self.csrf.token("secret", "login", START)
        for secret, purpose, given, now, good in (
            ("secret", "login", token, START, True),
            ("secret", "login", token, START + TOKEN_FOR, True),
            ("secret", "login", token, START + TOKEN_FOR + 1, False),
            ("secret", "login", token, START - 61, False),
            ("other", "login", token, START, False),
            ("secret", "logout", token, START, False),
            (None, "login", token, START, False),
            ("", "login", token, START, False),
            ("secret", "login", "", START, False),
            ("secret", "login", "x", START, False),
            ("secret", "login", "ä" + token, START, False),
            ("secret", "login", token[:-1], START, False),
            ("secret", "login", "1" + token, START, False),
            ("secret", "login", token.replace(".", ".."), START, False),
        ):
            self.assertEqual(self.csrf.check(secret, purpose, given, now), good, (secret, purpose, given, now))

    def test_every_changed_character(self) -> None:
        """No character of a token can be another one."""
        token = self.csrf.token("secret", "login", START)
        for at in range(len(token)):
            changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            self.assertFalse(self.csrf.check("secret", "login", changed, START), changed)

    def test_key_rotation(self) -> None:
        """A form that lay open while the key was changed is still good."""
        token = self.csrf.token("secret", "login", START)
        self.assertTrue(CsrfTokens(KeyRing((NEW, OLD)), COOKIES, os.urandom).check("secret", "login", token, START))
        self.assertFalse(CsrfTokens(KeyRing((NEW,)), COOKIES, os.urandom).check("secret", "login", token, START))

    def test_the_browsers_secret(self) -> None:
        """A browser is given a secret once, and is known by it then; what is no secret of ours is replaced."""
        browser = Browser(self.clock)
        secret, cookies = self.csrf.browser(b"")
        browser.take(HOST, cookies)
        self.assertEqual((len(cookies), browser.names(HOST)), (1, ["__Host-meshproxy-login-browser"]))
        self.assertEqual(self.csrf.browser(browser.cookie(HOST)), (secret, ()))
        self.assertEqual(self.csrf.secret_of(browser.cookie(HOST)), secret)
        twice = browser.cookie(HOST) + b"; " + browser.cookie(HOST)
        for bad in (b"__Host-meshproxy-login-browser=x", b"__Host-meshproxy-login-browser=" + b"<" * 22, twice):
            fresh, cookies = self.csrf.browser(bad)
            self.assertEqual((fresh == secret, len(cookies)), (False, 1), bad)
