"""Where a browser may be sent after login or logout."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Origin
from meshproxy.core.return_target import safe

PUBLIC = Origin("https", "apps.example.com", 443)
HOSTS = ("apps.example.com", "grafana.example.com")


class SafeTests(SynchronousTestCase):
    def test_ours(self) -> None:
        """Paths and URLs of our hosts are kept, query and all; for the public host as paths."""
        for to, expected in {
            "/": "/", "/a/b?c=d&e=%2F#f": "/a/b?c=d&e=%2F#f", "https://apps.example.com/x?y": "/x?y", "https://APPS.example.com:443": "/",
            "https://grafana.example.com/d/1?x": "https://grafana.example.com/d/1?x", "https://grafana.example.com": "https://grafana.example.com/",
            "https://grafana.example.com?x": "https://grafana.example.com/?x",
        }.items():
            self.assertEqual(safe(to, HOSTS, PUBLIC), expected, to)

    def test_not_ours(self) -> None:
        """§0.13: whatever could lead elsewhere leads home."""
        for to in (
            "", "//evil.com", "/\\evil.com", "\\\\evil.com", "/\t/evil.com", "/a\nb", "/\r\nSet-Cookie: x", "https://evil.com/",
            "https:evil.com",
            "https://apps.example.com@evil.com/", "https://user@apps.example.com/", "https://apps.example.com:8443/", "http://apps.example.com/",
            "https://apps.example.com.evil.com/", "javascript:alert(1)", "data:text/html,x", "a/b", "?x", "https://apps.example.com\\@evil.com/",
            "https:///evil.com", "///evil.com", "https://apps.example.com//evil.com", " /a", "/ä", "https://[::1/", "/a b", "ftp://apps.example.com/",
        ):
            self.assertEqual(safe(to, HOSTS, PUBLIC), "/", to)

    def test_other_port(self) -> None:
        """With a public port of its own, every host has that port."""
        public = Origin("http", "localhost", 8080)
        self.assertEqual(safe("http://b.localhost:8080/x", ("localhost", "b.localhost"), public), "http://b.localhost:8080/x")
        self.assertEqual(safe("http://b.localhost/x", ("localhost", "b.localhost"), public), "/")

    @given(st.text(alphabet="/\\:@?#.aht ps%\t\u212a", max_size=24))
    @settings(derandomize=True, deadline=None, database=None)
    def test_always_ours(self, to: str) -> None:
        """Whatever comes, the answer is a path of this host or a URL of ours."""
        found = safe(to, HOSTS, PUBLIC)
        ours = found.startswith("/") and not found.startswith(("//", "/\\"))
        self.assertTrue(ours or found.startswith("https://grafana.example.com/"), (to, found))
