"""The tokens of our forms: :mod:`meshproxy.web.own.csrf`."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Origin
from meshproxy.settings import SessionSettings
from meshproxy.web.own import csrf
from meshproxy.web.own.visit import Visit
from tests.support.own_site import PUBLIC, OwnSite


def a_visit(site: OwnSite, cookie: bytes = b"", **form: str) -> Visit:
    arrival: Any = SimpleNamespace(cookie=cookie)
    visit = Visit(site.parts, arrival, 0.0)
    visit.form = form
    return visit


def session(session_id: str) -> Any:
    return SimpleNamespace(record=SimpleNamespace(id=session_id))


class BrowserTests(SynchronousTestCase):
    def test_always_for_this_host_alone(self) -> None:
        """Even where sessions are for a whole domain: a neighbour could set the cookie otherwise, and know the token."""
        site = OwnSite(session=SessionSettings(cookie_domain="example.com"))
        visit = a_visit(site)
        csrf.of_browser(visit)
        [cookie] = visit.cookies
        self.assertTrue(cookie.startswith(b"__Host-meshproxy-login-form="))
        self.assertNotIn(b"Domain", cookie)

    def test_on_loopback(self) -> None:
        """Without TLS there are no prefixes and no ``Secure``."""
        visit = a_visit(OwnSite(public=Origin("http", "localhost", 8080)))
        csrf.of_browser(visit)
        self.assertTrue(visit.cookies[0].startswith(b"meshproxy-login-form="))
        self.assertNotIn(b"Secure", visit.cookies[0])

    def test_odd_cookies(self) -> None:
        """One that is too short to be ours (an empty secret is anybody's) is replaced."""
        site = OwnSite()
        for value in (b"", b"x", b"x" * 200):
            visit = a_visit(site, b"__Host-meshproxy-login-form=" + value)
            csrf.of_browser(visit)
            self.assertEqual(len(visit.cookies), 1)
            self.assertFalse(csrf.browser_form(visit))

    def test_values(self) -> None:
        """Of exactly this name."""
        self.assertEqual(csrf.cookie_values(b"a=1; xa=2;a=3;  a=4=5; b", b"a"), [b"1", b"3", b"4=5"])


class SessionTests(SynchronousTestCase):
    def test_of_this_session_alone(self) -> None:
        """The token of one session is nothing to another one, and shows nothing of the id."""
        site = OwnSite(public=replace(PUBLIC))
        token = csrf.of_session(session("id-1"))
        self.assertNotIn("id-1", token)
        visit = a_visit(site, csrf=token)
        self.assertFalse(csrf.session_form(visit))
        visit.session = session("id-1")
        self.assertTrue(csrf.session_form(visit))
        visit.session = session("id-2")
        self.assertFalse(csrf.session_form(visit))
        for nonsense in ("", "ä", token[:-1], token + "x"):
            visit.form = {"csrf": nonsense}
            visit.session = session("id-1")
            self.assertFalse(csrf.session_form(visit))
