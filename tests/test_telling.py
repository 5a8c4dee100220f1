"""What is said about an outcome: :mod:`meshproxy.explain.telling`; the whole way is :mod:`tests.test_stagehand`'s."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.explain.telling import server_name, upstream_request
from meshproxy.settings import ServiceSettings, UpstreamTls


def service(scheme: str, host: str, server: str | None = None) -> ServiceSettings:
    upstream = Upstream("https" if scheme == "https" else "http", host, 443)
    return ServiceSettings("s", "S", upstream, RouteSettings("a"), AccessSettings(public=True), tls=UpstreamTls(server_name=server))


class Telling(SynchronousTestCase):
    def test_the_name_in_the_handshake(self) -> None:
        """The host, or ``server_name``; none without TLS, and none for an address."""
        for expected, one in (
            ("orders.svc", service("https", "orders.svc")),
            ("other.svc", service("https", "10.0.0.1", "other.svc")),
            (None, service("http", "orders.svc")),
            (None, service("https", "10.0.0.1")),
            (None, service("https", "[::1]")),
        ):
            self.assertEqual(server_name(one), expected)

    def test_what_stands_in_a_head(self) -> None:
        """Request line and Host as they go out; what somebody typed is shown, a query that somebody else made is redacted."""
        head = b"GET /x?token=t&a=1 HTTP/1.1\r\nHost: orders\r\nCookie: hush\r\n\r\n"
        typed = upstream_request(service("http", "orders"), head, typed=b"/orders/x?token=t&a=1")
        self.assertEqual((typed.request_line, typed.host), ("GET /x?token=t&a=1 HTTP/1.1", "orders"))
        self.assertEqual(typed.head, "GET /x?token=t&a=1 HTTP/1.1\r\nHost: orders\r\nCookie: [redacted]\r\n\r\n")
        self.assertEqual(
            upstream_request(service("http", "orders"), head, typed=b"/x?a=1").request_line, "GET /x?token=[redacted]&a=1 HTTP/1.1"
        )
