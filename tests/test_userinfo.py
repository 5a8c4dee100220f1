"""``/_meshproxy/userinfo`` and the other endpoints for programs: :mod:`meshproxy.web.own.userinfo`, ``jwks``, ``static``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.own_site import NOW, Browser, OwnSite, RedirectProvider, log_in, query_of


class UserinfoTests(SynchronousTestCase):
    def test_who(self) -> None:
        """Everything a service is told, and when it ends; kept nowhere."""
        browser = Browser(OwnSite())
        log_in(browser)
        reply = browser.fetch("/_meshproxy/userinfo")
        self.assertEqual(
            reply.json,
            {
                "issuer": "users:local",
                "subject": "alice",
                "email": "alice@example.com",
                "email_verified": True,
                "name": "Alice Ångström",
                "username": "alice",
                "groups": ["sre"],
                "provider": "local",
                "expires_at": int(NOW) + 3600,
            },
        )
        self.assertEqual(reply["Cache-Control"], "no-store")

    def test_nobody(self) -> None:
        """401 that says where to log in, and as what: also to a browser that looks at it."""
        browser = Browser(OwnSite())
        reply = browser.fetch("/_meshproxy/userinfo")
        self.assertEqual((reply.status, reply.json["error"]), (401, "login_required"))
        self.assertEqual(reply.json["login_url"], "https://apps.example.com/_meshproxy/login?to=%2F")
        self.assertEqual(browser.get("/_meshproxy/userinfo").status, 401)

    def test_never_a_token(self) -> None:
        """Whatever the provider gave."""
        site = OwnSite({"corp": RedirectProvider()})
        browser = Browser(site)
        state = query_of(browser.get("/_meshproxy/login?to=/").location)["state"]
        browser.get(f"/_meshproxy/callback?code=c&state={state}")
        for url in ("/_meshproxy/userinfo", "/_meshproxy/", "/_meshproxy/sessions", "/_meshproxy/services"):
            self.assertNotIn("secret-", browser.get(url).text)
        self.assertNotIn("secret-", repr(site.events))
