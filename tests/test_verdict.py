"""Forward, challenge or refuse."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.access import Allowed
from meshproxy.core.inspection import inspect
from meshproxy.core.policy import AccessSettings
from meshproxy.core.principal import Principal
from meshproxy.core.verdict import Challenge, Forward, Refuse, Verdict, decide, is_navigation

ALICE = Principal("i", "alice", groups=("sre",))
SRE = AccessSettings(groups=("sre",))
EVIL = (b"Origin", b"https://evil.example")
PAGE = (b"Accept", b"text/html,*/*;q=0.8")
HANDSHAKE = (
    (b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
)


def verdict(
    access: AccessSettings, principal: Principal | None, *fields: tuple[bytes, bytes], method: bytes = b"GET", **more: Any
) -> Verdict:
    how = {"by_cookie": True, "public_origin": "https://a", "allowed_origins": frozenset(), **more}
    return decide(access, inspect(method, b"/", "1.1", [(b"Host", b"a"), *fields]), method, principal, **how)


class DecideTests(SynchronousTestCase):
    def test_forward(self) -> None:
        """Who may enter is forwarded, with the rule that was met."""
        self.assertEqual(verdict(SRE, ALICE), Forward("group sre"))
        self.assertEqual(verdict(AccessSettings(public=True), None), Forward("public"))

    def test_refuse(self) -> None:
        """Who may not is refused with 403 and what would do."""
        found = verdict(AccessSettings(groups=("ops",)), ALICE)
        assert isinstance(found, Refuse)
        self.assertEqual((found.status, found.needs), (403, ("ops",)))

    def test_challenge(self) -> None:
        """Nobody there: a page asked for by GET is sent to the login, one by POST gets a page, all else 401."""
        self.assertEqual(verdict(SRE, None, PAGE), Challenge("nobody is logged in", navigation=True, redirect=True))
        self.assertEqual(verdict(SRE, None, PAGE, method=b"POST"), Challenge("nobody is logged in", navigation=True, redirect=False))
        self.assertEqual(verdict(SRE, None, (b"Accept", b"application/json")), Challenge("nobody is logged in", navigation=False))

    def test_upgrades_are_no_navigations(self) -> None:
        """W2: an upgrade without a session is 401, never a redirect."""
        self.assertEqual(verdict(SRE, None, PAGE, *HANDSHAKE), Challenge("nobody is logged in", navigation=False))

    def test_cross_origin(self) -> None:
        """What a cookie authenticated is checked, on public services too, since they are told who is there."""
        for access in (SRE, AccessSettings(public=True)):
            found = verdict(access, ALICE, EVIL, method=b"POST")
            assert isinstance(found, Refuse)
            self.assertEqual((found.status, found.needs), (403, ()))
            self.assertIsInstance(verdict(access, ALICE, EVIL, *HANDSHAKE), Refuse)
            self.assertIsInstance(verdict(access, ALICE, EVIL), Forward)
            self.assertIsInstance(verdict(access, ALICE, EVIL, method=b"POST", by_cookie=False), Forward)
            self.assertIsInstance(verdict(access, ALICE, EVIL, method=b"POST", allowed_origins=frozenset({EVIL[1]})), Forward)

    def test_preflight(self) -> None:
        """``preflight = "forward"`` lets preflights pass without identity; by default they are challenged like everything."""
        asked = (EVIL, (b"Access-Control-Request-Method", b"PUT"))
        forwarding = AccessSettings(groups=("sre",), preflight="forward")
        for principal in (None, ALICE):
            self.assertEqual(verdict(forwarding, principal, *asked, method=b"OPTIONS"), Forward("CORS preflight", identified=False))
        self.assertIsInstance(verdict(SRE, None, *asked, method=b"OPTIONS"), Challenge)
        self.assertIsInstance(verdict(forwarding, None, EVIL, method=b"OPTIONS"), Challenge)

    def test_remembered_judgement(self) -> None:
        """A judgement that the caller remembers is taken as it is; the cross-origin check is made all the same."""
        self.assertEqual(verdict(SRE, ALICE, judgement=Allowed("remembered")), Forward("remembered"))
        self.assertIsInstance(verdict(SRE, ALICE, EVIL, method=b"POST", judgement=Allowed("remembered")), Refuse)


class NavigationTests(SynchronousTestCase):
    def test_table(self) -> None:
        """``Sec-Fetch-Mode`` decides, else ``Sec-Fetch-Dest``, else ``Accept``; an upgrade is never one."""
        mode, dest, accept = b"Sec-Fetch-Mode", b"Sec-Fetch-Dest", b"Accept"
        for fields, navigation in (
            ([(mode, b"navigate")], True),
            ([(mode, b"navigate"), (accept, b"*/*")], True),
            ([(mode, b"cors"), PAGE], False),
            ([(mode, b"websocket"), PAGE], False),
            ([(dest, b"document"), (accept, b"*/*")], True),
            ([(dest, b"image"), PAGE], False),
            ([PAGE], True),
            ([(accept, b"application/xhtml+xml")], True),
            ([(accept, b"application/json, TEXT/HTML;q=0.1")], True),
            ([(accept, b"text/html;q=0, application/json")], False),
            ([(accept, b"*/*")], False),
            ([(accept, b"text/htmlx")], False),
            ([], False),
            ([(mode, b"navigate"), (b"Upgrade", b"websocket")], False),
        ):
            facts = inspect(b"GET", b"/", "1.1", [(b"Host", b"a"), *fields])
            self.assertEqual(is_navigation(b"GET", facts), navigation, fields)
