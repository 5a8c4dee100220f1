"""The login page: :mod:`meshproxy.web.own.login`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.web.own.login import initial
from tests.support.own_site import OTHER, Browser, FormProvider, OwnSite, RedirectProvider


class RequestProvider:
    """No way for people to log in."""

    name = "bearer"

    def authenticate(self, request: object, peer: object) -> None: ...


class LoginTests(SynchronousTestCase):
    def test_several_providers(self) -> None:
        """A choice in the order of the conf file, each with its title and the target; programs' providers are none of it."""
        site = OwnSite({"robots": RequestProvider(), "local": FormProvider(), "corp": RedirectProvider()})
        page = Browser(site).get("/_meshproxy/login?to=/headers?x=%26y").text
        self.assertIn('href="/_meshproxy/login/local?to=%2Fheaders%3Fx%3D%26y"', page)
        self.assertIn('href="/_meshproxy/login/corp?to=%2Fheaders%3Fx%3D%26y"', page)
        self.assertLess(page.index(">local<"), page.index(">Company login<"))
        self.assertNotIn("robots", page)

    def test_one_of_them(self) -> None:
        """A form provider has a form, a redirect provider is gone to."""
        browser = Browser(OwnSite({"local": FormProvider(), "corp": RedirectProvider()}))
        self.assertIn('name="password"', browser.get("/_meshproxy/login/local").text)
        self.assertTrue(browser.get("/_meshproxy/login/corp?to=/").location.startswith("https://idp.example.net/"))

    def test_one_provider_and_programs(self) -> None:
        """A provider that asks no person does not make a choice of one."""
        site = OwnSite({"robots": RequestProvider(), "local": FormProvider()})
        self.assertEqual(Browser(site).get("/_meshproxy/login?to=/headers").location, "/_meshproxy/login/local?to=%2Fheaders")

    def test_none(self) -> None:
        """Where nobody can log in, a page says so."""
        reply = Browser(OwnSite({"robots": RequestProvider()})).get("/_meshproxy/login")
        self.assertEqual(reply.status, 503)
        self.assertIn("No identity provider", reply.text)

    def test_a_provider_that_there_is_not(self) -> None:
        """404 with a way to the login that comes back to the same target; for a program in its form."""
        browser = Browser(OwnSite())
        reply = browser.get("/_meshproxy/login/gone?to=/headers")
        self.assertEqual(reply.status, 404)
        self.assertIn("/_meshproxy/login?to=%2Fheaders", reply.text)
        self.assertEqual(browser.fetch("/_meshproxy/login/gone").json["error"], "not_found")

    def test_another_host(self) -> None:
        """A redirect provider's own address on another host begins a hand-off as well."""
        browser = Browser(OwnSite({"corp": RedirectProvider()}))
        self.assertIn("apps.example.com/_meshproxy/login?handoff=", browser.get(f"https://{OTHER}/_meshproxy/login/corp").location)

    def test_initials(self) -> None:
        """In any script; something stands there in any case."""
        self.assertEqual([initial(one) for one in ("corp", "«Été»", "خدمة", "日本", "!?", "")], ["C", "É", "خ", "日", "·", "·"])
