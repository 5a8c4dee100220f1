"""What our pages say to somebody who is not logged in: :mod:`meshproxy.web.own.challenge`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.own_site import OTHER, Browser, OwnSite


class ChallengeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.site = OwnSite()
        self.browser = Browser(self.site)

    def test_a_page(self) -> None:
        """302 to the login, which comes back to this very page, query included."""
        self.assertEqual(self.browser.get("/_meshproxy/sessions?a=b").location, "/_meshproxy/login?to=%2F_meshproxy%2Fsessions%3Fa%3Db")

    def test_a_page_on_another_host(self) -> None:
        """The hand-off begins at once: its cookie is set with this very answer."""
        reply = self.browser.get(f"https://{OTHER}/_meshproxy/")
        self.assertTrue(reply.location.startswith("https://apps.example.com/_meshproxy/login?handoff="))
        self.assertRegex(reply["Set-Cookie"], r"^__Host-meshproxy-handoff-[0-9a-f]{8}=")

    def test_everything_else(self) -> None:
        """A script, a form, a program: 401 that names the login."""
        for reply in (self.browser.fetch("/_meshproxy/sessions"), self.site.ask("GET", "/_meshproxy/sessions", fields=[("Accept", "*/*")])):
            self.assertEqual((reply.status, reply.json["error"]), (401, "login_required"))
        reply = self.browser.post("/_meshproxy/sessions", {})
        self.assertEqual(reply.status, 401)
        self.assertIn("nothing was sent on", reply.text)
        self.assertIn("/_meshproxy/login?to=%2F_meshproxy%2Fsessions", reply.text)
