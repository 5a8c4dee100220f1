"""The same request for a shell: :mod:`meshproxy.explain.curl`."""

from __future__ import annotations

import shlex
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.explain.curl import equivalent
from meshproxy.settings import ServiceSettings, UpstreamTls


def service(upstream: Upstream, tls: UpstreamTls | None = None) -> ServiceSettings:
    return ServiceSettings("orders", "Orders", upstream, RouteSettings("a"), AccessSettings(public=True), tls=tls)


def head(*lines: str, line: str = "GET /x?a=1&b=%20 HTTP/1.1", host: str = "orders:8080") -> bytes:
    return "\r\n".join((line, f"Host: {host}", *lines, "", "")).encode()


class Curl(SynchronousTestCase):
    http = Upstream("http", "orders", 8080, "", "http://orders:8080")

    def test_every_field_and_nothing_of_curls_own(self) -> None:
        """The fields in their order; what curl would add by itself is switched off unless it is among them."""
        words = shlex.split(equivalent(service(self.http), head("Accept: text/html", "X: it's $HOME", "Content-Length: 0")))
        headers = [words[index + 1] for index, word in enumerate(words) if word == "--header"]
        self.assertEqual(headers, ["Host: orders:8080", "Accept: text/html", "X: it's $HOME", "User-Agent:"])
        self.assertEqual(words[-1], "http://orders:8080/x?a=1&b=%20")
        self.assertLessEqual({"--path-as-is", "--globoff", "--http1.1"}, set(words))

    def test_secrets_are_variables(self) -> None:
        """What lets somebody in is not in the command; the scheme of credentials is."""
        command = equivalent(service(self.http), head("Authorization: Bearer hush", "Cookie: s=hush", "X-Api-Key: hush"))
        self.assertNotIn("hush", command)
        for part in ('"Authorization: Bearer $AUTHORIZATION"', '"Cookie: $COOKIE"', '"X-Api-Key: $X_API_KEY"'):
            self.assertIn(part, command)

    def test_methods(self) -> None:
        """HEAD has an option of its own: curl would wait for a body."""
        self.assertIn("--head", equivalent(service(self.http), head(line="HEAD / HTTP/1.1")))
        self.assertIn("--request PUT", equivalent(service(self.http), head(line="PUT / HTTP/1.1")))

    def test_ways(self) -> None:
        """A Unix socket; TLS by another name, with an own CA and a client certificate; no check where there is none."""
        unix = equivalent(service(Upstream("unix", "localhost", 0, "/run/my app.sock")), head(host="localhost"))
        self.assertIn("--unix-socket '/run/my app.sock'", unix)
        self.assertTrue(unix.endswith("'http://localhost/x?a=1&b=%20'"))
        https = Upstream("https", "10.0.0.7", 8443, "", "https://10.0.0.7:8443")
        tls = UpstreamTls(Path("/c/ca.pem"), "orders.shop.svc", None, Path("/c/us.pem"), Path("/c/us.key"))
        command = equivalent(service(https, tls), head())
        for part in ("--connect-to orders.shop.svc:8443:10.0.0.7:8443", "--cacert /c/ca.pem", "--cert /c/us.pem", "--key /c/us.key",
                     "'https://orders.shop.svc:8443/x?a=1&b=%20'"):
            self.assertIn(part, command)
        self.assertNotIn("--insecure", command)
        self.assertIn("--insecure", equivalent(service(https, UpstreamTls(verify=False)), head()))

    def test_the_sample_application(self) -> None:
        """Nobody but the running meshproxy reaches it."""
        self.assertEqual(equivalent(service(Upstream("sample", "localhost", 0)), head()), "")
