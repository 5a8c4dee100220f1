"""The home page and the list of services: :mod:`meshproxy.web.own.home`."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from tests.support.own_site import OTHER, Browser, OwnSite, log_in, service


class HomeTests(SynchronousTestCase):
    def setUp(self) -> None:
        vault = service("vault", groups=("security", "platform"))
        self.site = OwnSite(
            services=[
                service("zeta", authenticated=True),
                service("alpha", host=OTHER, groups=("sre",)),
                service("dev-only", groups=("dev",)),
                replace(vault, access=replace(vault.access, show="always")),
                replace(service("hidden", public=True), access=replace(service("hidden", public=True).access, show="never")),
            ]
        )
        self.browser = Browser(self.site)

    def test_nobody_is_sent_to_the_login(self) -> None:
        """302 for somebody who wants to see the page, 401 for a program; both come back here."""
        self.assertEqual(self.browser.get("/").location, "/_meshproxy/login?to=%2F")
        self.assertEqual(self.browser.get("/_meshproxy/").location, "/_meshproxy/login?to=%2F_meshproxy%2F")
        reply = self.browser.fetch("/_meshproxy/services")
        self.assertEqual((reply.status, reply.json["error"]), (401, "login_required"))
        self.assertTrue(reply["WWW-Authenticate"].startswith("Meshproxy login="))
        self.assertIn(
            f"https://{OTHER}/_meshproxy/login", Browser(self.site).fetch(f"https://{OTHER}/_meshproxy/services").json["login_url"]
        )

    def test_what_one_may_open(self) -> None:
        """In the order of their titles; closed ones only where the service wants to be shown; never those that do not."""
        log_in(self.browser)
        self.assertEqual(
            self.browser.fetch("/_meshproxy/services").json,
            {
                "services": [
                    {
                        "name": "alpha",
                        "title": "Alpha",
                        "description": "The alpha service",
                        "url": f"https://{OTHER}/alpha",
                        "icon": "",
                        "allowed": True,
                    },
                    {
                        "name": "vault",
                        "title": "Vault",
                        "description": "The vault service",
                        "url": "https://apps.example.com/vault",
                        "icon": "",
                        "allowed": False,
                        "needs": {"groups": ["security", "platform"]},
                    },
                    {
                        "name": "zeta",
                        "title": "Zeta",
                        "description": "The zeta service",
                        "url": "https://apps.example.com/zeta",
                        "icon": "",
                        "allowed": True,
                    },
                ]
            },
        )

    def test_the_page(self) -> None:
        """Links to the services that are open, none to those that are closed."""
        log_in(self.browser)
        page = self.browser.get("/_meshproxy/").text
        self.assertIn(f'href="https://{OTHER}/alpha"', page)
        self.assertNotIn("/vault", page)
        self.assertIn("needs <bdi", page)
        self.assertNotIn("Dev-Only", page)

    def test_nothing_to_open(self) -> None:
        """Somebody who may open nothing is told what that depends on."""
        browser = Browser(OwnSite(services=[service("x", groups=("nobody",))]))
        log_in(browser)
        self.assertIn("no service here that you may open", browser.get("/").text)

    def test_every_name_fits(self) -> None:
        """Titles and names of people in any script, with markup in them too, are text of their own direction."""
        site = OwnSite(services=[replace(service("x", authenticated=True), title="<b>خدمة</b>", description="説明")])
        browser = Browser(site)
        log_in(browser)
        page = browser.get("/").text
        self.assertIn('<strong dir="auto">&lt;b&gt;خدمة&lt;/b&gt;</strong>', page)
        self.assertIn('<bdi dir="auto">Alice Ångström</bdi>', page)

    def test_with_and_without_the_slash(self) -> None:
        """``/_meshproxy`` is the home page as well; what is not there is 404, for people and programs."""
        log_in(self.browser)
        self.assertEqual(self.browser.get("/_meshproxy").status, 200)
        self.assertEqual(self.browser.get("/_meshproxy/nothing").status, 404)
        self.assertEqual(self.browser.fetch("/_meshproxy/nothing/at/all").json["error"], "not_found")
