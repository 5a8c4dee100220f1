"""Where a service may live."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.upstreams import mesh_advice, parse_upstream
from meshproxy.config.wrong import Wrong


class UpstreamTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """Scheme, host, port, path and the Host that is sent, for every form."""
        for text, parts, authority in (
            ("http://a.example", ("http", "a.example", 80, ""), "a.example"),
            ("http://A.example:3000/", ("http", "a.example", 3000, ""), "a.example:3000"),
            ("https://a.example", ("https", "a.example", 443, ""), "a.example"),
            ("https://a.example:443/base/", ("https", "a.example", 443, "/base"), "a.example"),
            ("http://[FD00::1]:81/x/y", ("http", "[fd00::1]", 81, "/x/y"), "[fd00::1]:81"),
            ("unix:/run/a.sock", ("unix", "localhost", 0, "/run/a.sock"), "localhost"),
            ("unix:///run/a.sock", ("unix", "localhost", 0, "/run/a.sock"), "localhost"),
            ("unix:run/a.sock", ("unix", "localhost", 0, "run/a.sock"), "localhost"),
            ("sample:", ("sample", "localhost", 0, ""), "localhost"),
        ):
            with self.subTest(text):
                upstream = parse_upstream(text)
                self.assertEqual((upstream.scheme, upstream.host, upstream.port, upstream.path), parts)
                self.assertEqual((upstream.authority, upstream.url), (authority, text))

    def test_refused(self) -> None:
        """User, password, query, fragment, other schemes, paths with two readings, no socket."""
        for text in (
            "",
            "a.example:80",
            "http://u:p@a",
            "http://a?x",
            "http://a#x",
            "ftp://a",
            "http://",
            "http://a/../b",
            "http://a/./b",
            "http://a//b",
            "http://a/%41",
            "http://a/b c",
            "http://a:0",
            "unix:",
            "unix://a/b",
            "unix:/run/",
            "sample:x",
            "sample",
            "unix:/a\0b",
            "http://*.a",
        ):
            with self.subTest(text):
                self.assertRaises(Wrong, parse_upstream, text)

    def test_hints(self) -> None:
        """A forgotten scheme is the usual mistake."""
        self.assertEqual(
            self.assertRaises(Wrong, parse_upstream, "grafana.monitoring:3000").hint, "did you mean 'http://grafana.monitoring:3000'?"
        )
        self.assertEqual(self.assertRaises(Wrong, parse_upstream, "unx:/run/a").hint, "did you mean 'unix'?")

    def test_advice_for_a_mesh(self) -> None:
        """What a sidecar cannot route: addresses and short names in plain http; everything else is left alone."""
        for text, word in (("http://10.4.0.7:80", "pod"), ("http://[fd00::7]", "pod"), ("http://grafana:3000", "namespace")):
            with self.subTest(text):
                self.assertIn(word, mesh_advice(parse_upstream(text)) or "")
        for text in (
            "http://127.0.0.1:80",
            "http://localhost",
            "http://grafana.monitoring",
            "https://10.4.0.7",
            "https://grafana",
            "unix:/x",
            "sample:",
        ):
            with self.subTest(text):
                self.assertIsNone(mesh_advice(parse_upstream(text)))
