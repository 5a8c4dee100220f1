from twisted.trial import unittest

from meshproxy.core.places import Origin, Upstream


class OriginTests(unittest.SynchronousTestCase):
    def test_serialised_as_browsers_do(self) -> None:
        """An origin is written as in the ``Origin`` field: without the port where it is the scheme's default."""
        for origin, text in (
            (Origin("https", "apps.example.com", 443), "https://apps.example.com"),
            (Origin("https", "apps.example.com", 8443), "https://apps.example.com:8443"),
            (Origin("http", "localhost", 80), "http://localhost"),
            (Origin("http", "localhost", 443), "http://localhost:443"),
            (Origin("http", "[::1]", 8080), "http://[::1]:8080"),
        ):
            self.assertEqual(text, str(origin))
            self.assertEqual(text.partition("://")[2], origin.authority)


class UpstreamTests(unittest.SynchronousTestCase):
    def test_the_host_that_a_sidecar_routes_by(self) -> None:
        """Host is the name, with the port where it is not the scheme's default."""
        for upstream, authority, origin in (
            (Upstream("http", "orders.shop", 80), "orders.shop", "http://orders.shop"),
            (Upstream("http", "orders.shop", 3000), "orders.shop:3000", "http://orders.shop:3000"),
            (Upstream("https", "orders.shop", 443), "orders.shop", "https://orders.shop"),
            (Upstream("https", "orders.shop", 80), "orders.shop:80", "https://orders.shop:80"),
        ):
            self.assertEqual((authority, origin), (upstream.authority, upstream.origin))

    def test_sockets_are_localhost(self) -> None:
        """Behind a Unix socket, the sample's too, a service is ``localhost``."""
        for upstream in (Upstream("unix", "localhost", 0, "/run/x.sock"), Upstream("sample", "localhost", 0)):
            self.assertEqual(("localhost", "http://localhost"), (upstream.authority, upstream.origin))
