"""Whose error page is this?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis.proxies import page_of


class PageTests(SynchronousTestCase):
    """Pages of other proxies than Envoy."""

    def test_variants(self) -> None:
        """Versions and siblings of nginx, HAProxy's several pages, load balancers of the clouds."""
        for status, body, proxy in (
            (504, b"<hr><center>nginx</center>", "nginx"), (502, b"<hr><center>openresty/1.25.3.1</center>", "nginx"),
            (413, b"<hr><center>nginx/1.18.0 (Ubuntu)</center>", "nginx"),
            (504, b"<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>", "HAProxy"),
            (403, b"<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>", "HAProxy"),
            (502, b"<title>Error 502 (Server Error)!!1</title>", "a Google load balancer"),
            (502, b"<hr><center>Microsoft-Azure-Application-Gateway/v2</center>", "Azure Application Gateway"),
            (503, b"no available server\n", "Traefik"), (404, b"default backend - 404", "the ingress controller's default backend"),
        ):
            self.assertEqual(proxy, page_of(status, {}, body, mesh=True))

    def test_who_is_none(self) -> None:
        """Pages of application servers, documents about nginx, Go's own 404, a JSON that says Bad Gateway."""
        for status, body in ((500, b"<h1>Internal Server Error</h1>"), (404, b"404 page not found\n"), (404, b"Bad Gateway"),
                             (502, b'{"message":"Bad Gateway"}'), (404, b"<p>How to install nginx</p>"),
                             (503, b"<title>Error 503 Service Unavailable</title><h2>HTTP ERROR 503</h2>Powered by Jetty")):
            self.assertEqual("", page_of(status, {b"server": b"nginx"}, body, mesh=False), body)

    def test_server_in_a_mesh_says_nothing(self) -> None:
        """A sidecar wrote it."""
        self.assertEqual("an AWS load balancer", page_of(502, {b"server": b"awselb/2.0"}, b"", mesh=False))
        self.assertEqual("", page_of(502, {b"server": b"awselb/2.0"}, b"", mesh=True))

    def test_what_caddy_passes_on(self) -> None:
        """Caddy adds Via to answers that are not its own."""
        self.assertEqual("Caddy", page_of(502, {b"server": b"Caddy"}, b"", mesh=False))
        self.assertEqual("", page_of(502, {b"server": b"Caddy", b"via": b"1.1 Caddy"}, b"", mesh=False))
