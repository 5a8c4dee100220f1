"""The files of our pages: :mod:`meshproxy.web.own.static`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.own_site import OTHER, Browser, OwnSite, log_in, service


class StaticTests(SynchronousTestCase):
    def test_the_stylesheet(self) -> None:
        """Where the pages say it is, on every host, for everybody and for ever."""
        site = OwnSite()
        for host in ("apps.example.com", OTHER):
            reply = Browser(site).fetch(f"https://{host}{site.pages.assets.path('meshproxy.css')}")
            self.assertEqual((reply.status, reply["Content-Type"]), (200, "text/css; charset=utf-8"))
            self.assertEqual(reply["Cache-Control"], "public, max-age=31536000, immutable")
            self.assertEqual(reply["X-Content-Type-Options"], "nosniff")
            # the page for a host that nobody serves is another site's, and dressed all the same
            self.assertEqual(reply["Cross-Origin-Resource-Policy"], "cross-origin")

    def test_what_is_not_there(self) -> None:
        """No list, no other name, no way out of the folder."""
        site = OwnSite()
        for path in ("", "meshproxy.css", "..%2f..%2fpages.py", "%00", "meshproxy.000000000000.css", "x/y"):
            self.assertEqual(Browser(site).get(f"/_meshproxy/static/{path}").status, 404, path)

    def test_a_services_icon(self) -> None:
        """On its tile; opened by itself it may neither run a script nor load anything."""
        conf_dir = Path(self.mktemp()).absolute()
        conf_dir.mkdir()
        (conf_dir / "x.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
        site = OwnSite(services=[replace(service("x", authenticated=True), icon="x.svg")], conf_dir=str(conf_dir))
        browser = Browser(site)
        log_in(browser)
        [tile] = browser.fetch("/_meshproxy/services").json["services"]
        reply = browser.get(tile["icon"])
        self.assertEqual((reply.status, reply["Content-Type"]), (200, "image/svg+xml"))
        self.assertIn("sandbox", reply["Content-Security-Policy"])
        self.assertIn(f'src="{tile["icon"]}"', browser.get("/").text)
