"""meshproxy.sessions.pending"""

from __future__ import annotations

import os

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Origin
from meshproxy.core.tickets import HandoffCookie, LoginAttempt
from meshproxy.sessions.cookies import SessionCookies
from meshproxy.sessions.pending import PendingCookies, label_of

from .support.sessions import HOST, KEYS, START, Browser, session_cookies

COOKIES = SessionCookies(Origin("https", HOST, 443))


def attempt(state: str, at: float = START) -> LoginAttempt:
    return LoginAttempt("corp", state, "nonce", "verifier", "/", at, "CODE42")


class PendingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.browser = Browser(self.clock)
        self.pending = PendingCookies(KEYS, COOKIES, "login", LoginAttempt, os.urandom)

    def ours(self) -> dict[bytes, list[bytes]]:
        return session_cookies(self.browser.cookie(HOST))

    def put(self, state: str) -> None:
        now = self.clock.seconds()
        self.browser.take(HOST, self.pending.put(self.ours(), state, attempt(state, now), now))

    def test_it_comes_back(self) -> None:
        """Under its secret, in this browser, for ten minutes."""
        self.put("one")
        self.assertEqual(self.pending.get(self.ours(), "one", START), attempt("one"))
        self.assertIsNone(self.pending.get(self.ours(), "two", START))
        self.assertIsNone(self.pending.get({}, "one", START))
        self.assertIsNone(self.pending.get(self.ours(), "one", START + 600))

    def test_its_name(self) -> None:
        """``NAME-login-`` and eight hexadecimal digits; the secret itself stands in no name."""
        self.put("one")
        self.assertEqual(self.browser.names(HOST), ["__Host-meshproxy-login-" + label_of("one").decode()])
        self.assertRegex(label_of("one").decode(), r"\A[0-9a-f]{8}\Z")

    def test_five_at_once(self) -> None:
        """Five tabs at once; with the sixth the oldest goes."""
        for number in range(8):
            self.put(f"tab {number}")
            self.clock.advance(1)
        known = [self.pending.get(self.ours(), f"tab {number}", self.clock.seconds()) is not None for number in range(8)]
        self.assertEqual(known, [False] * 3 + [True] * 5)
        self.assertEqual(len(self.browser.names(HOST)), 5)

    def test_what_is_over_is_tidied_away(self) -> None:
        """Cookies that do not open any more are deleted when the next one is made."""
        self.browser.take(HOST, (b"__Host-meshproxy-login-00000000=junk; Max-Age=600; Path=/",))
        self.put("one")
        self.assertEqual(len(self.browser.names(HOST)), 1)

    def test_many_cookies_by_hand(self) -> None:
        """Whoever comes with hundreds of them costs no more than a few looks, and puts nothing into our answer."""
        ours = {b"__Host-meshproxy-login-%08x" % number: [b"v1.x.y"] for number in range(500)}
        ours[b"__Host-meshproxy-login-ab\r\nX: "] = [b"x"]
        lines = self.pending.put(ours, "one", attempt("one"), START)
        self.assertLess(len(lines), 25)
        self.assertNotIn(b"\r", b"".join(lines))

    def test_doubled(self) -> None:
        """A cookie that comes twice counts as none."""
        self.put("one")
        ours = {name: values * 2 for name, values in self.ours().items()}
        self.assertIsNone(self.pending.get(ours, "one", START))

    def test_families(self) -> None:
        """What was kept as one thing is not read as another, under whatever name it comes."""
        self.put("one")
        handoffs = PendingCookies(KEYS, COOKIES, "handoff", HandoffCookie, os.urandom)
        ours = {name.replace(b"login", b"handoff"): values for name, values in self.ours().items()}
        self.assertIsNone(handoffs.get(ours, "one", START))

    def test_its_own_label_alone(self) -> None:
        """A cookie under another's name does not open."""
        self.put("one")
        (value,) = self.ours().values()
        self.assertIsNone(self.pending.get({b"__Host-meshproxy-login-" + label_of("two"): value}, "two", START))

    def test_deletion(self) -> None:
        """The deletion takes away exactly it."""
        self.put("one")
        self.put("two")
        self.browser.take(HOST, (self.pending.deletion("one"),))
        self.assertEqual(self.browser.names(HOST), ["__Host-meshproxy-login-" + label_of("two").decode()])
