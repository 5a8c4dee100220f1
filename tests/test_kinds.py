"""The kinds of values in conf files."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config import kinds
from meshproxy.config.wrong import Wrong

GOOD = {
    kinds.parse_name: [("grafana", "grafana"), ("a1-b", "a1-b"), ("0", "0")],
    kinds.parse_table_name: [("corp", "corp"), ("My_Corp-2", "My_Corp-2")],
    kinds.parse_route_path: [
        ("/", "/"),
        ("/grafana", "/grafana"),
        ("/grafana/", "/grafana"),
        ("/a/b.c/~d", "/a/b.c/~d"),
        ("/_meshproxyx", "/_meshproxyx"),
    ],
    kinds.parse_field_name: [("X-Debug", "X-Debug"), ("Server", "Server")],
    kinds.parse_request_host: [
        ("upstream", "upstream"),
        ("preserve", "preserve"),
        ("Grafana.Internal", "grafana.internal"),
        ("a.b:81", "a.b:81"),
        ("[::1]:81", "[::1]:81"),
    ],
    kinds.parse_allowed_origin: [
        ("https://A.example/", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("https://a:444", "https://a:444"),
    ],
    kinds.parse_trusted_peer: [
        ("spiffe://cluster.local/ns/a/sa/b", "spiffe://cluster.local/ns/a/sa/b"),
        ("10.0.0.0/8", ip_network("10.0.0.0/8")),
    ],
    kinds.parse_network: [("127.0.0.6", ip_network("127.0.0.6/32")), ("fd00::/8", ip_network("fd00::/8"))],
    kinds.parse_spiffe_id: [("spiffe://td", "spiffe://td")],
    kinds.parse_email: [("a@b.example", "a@b.example"), ("Ünï@b", "Ünï@b")],
    kinds.parse_email_domain: [("Example.com", "example.com")],
    kinds.parse_icon: [("a.svg", "a.svg"), ("icons/A.PNG", "icons/A.PNG"), ("", "")],
    kinds.parse_admin_url: [("", ""), ("http://127.0.0.1:15000/", "http://127.0.0.1:15000")],
    kinds.parse_cookie_domain: [("", ""), (".Example.com", "example.com"), ("apps.example.com", "apps.example.com")],
}

BAD = {
    kinds.parse_name: ["", "A", "-a", "a_b", "a.b", "a" * 64, "ä", "a\n"],
    kinds.parse_table_name: ["", "a b", "a.b", "-a", "_a", "a/b", "ä", "a" * 64],
    kinds.parse_route_path: [
        "",
        "grafana",
        "//",
        "/a//b",
        "/a/../b",
        "/./a",
        "/a?b",
        "/a#b",
        "/a%2fb",
        "/a b",
        "/a\\b",
        "/a;b",
        "/a*{",
        "/_meshproxy",
        "/_meshproxy/x",
        "/_MeshProxy",
        "/ä",
        "/a\n",
    ],
    kinds.parse_field_name: ["", "X Debug", "X:Y", "Ä", "Host", "content-length", "Transfer-Encoding", "Set-Cookie"],
    kinds.parse_request_host: ["", "a b", "http://a", "a:0", "*.a"],
    kinds.parse_allowed_origin: ["*", "null", "a.example", "https://a/x", "wss://a", "https://u@a"],
    kinds.parse_trusted_peer: ["10.0.0.1/8", "10.0.0.0/33", "everybody", "spiffe://", "spiffe://TD/x"],
    kinds.parse_network: ["", "127.0.0.256", "::1/0/0"],
    kinds.parse_spiffe_id: [
        "spiffe://td/",
        "spiffe://td//a",
        "spiffe://td/../a",
        "spiffe://td/a?b",
        "https://td/a",
        "spiffe://u@td/a",
        "spiffe://td/" + "a" * 2048,
    ],
    kinds.parse_email: ["", "a", "@b", "a@", "a b@c"],
    kinds.parse_email_domain: ["@example.com", "a@example.com", "", "*.example.com"],
    kinds.parse_icon: ["a.gif", "a", "svg", "a.svg.html"],
    kinds.parse_admin_url: ["https://127.0.0.1", "127.0.0.1:15000", "http://127.0.0.1:15000/clusters"],
    kinds.parse_cookie_domain: ["localhost", "com", "10.0.0.1", "[::1]", "*.example.com", "example.com:443"],
}


class KindTests(SynchronousTestCase):
    def test_good(self) -> None:
        """Each kind takes its values, and returns them in one spelling."""
        for parse, table in GOOD.items():
            for text, value in table:
                with self.subTest(f"{parse.__name__} {text!r}"):
                    self.assertEqual(parse(text), value)

    def test_bad(self) -> None:
        """Each kind refuses, with a sentence, what is not of it."""
        for parse, table in BAD.items():
            for text in table:
                with self.subTest(f"{parse.__name__} {text!r}"):
                    self.assertTrue(str(self.assertRaises(Wrong, parse, text)))

    def test_every_kind_is_in_both_tables(self) -> None:
        """A kind that is added here is tested here."""
        parsers = {value for name, value in vars(kinds).items() if name.startswith("parse_") and value.__module__ == kinds.__name__}
        self.assertEqual(parsers, set(GOOD))
        self.assertEqual(parsers, set(BAD))

    def test_hints(self) -> None:
        """What was probably meant."""
        for parse, text, hint in (
            (kinds.parse_name, "My Service", "my-service"),
            (kinds.parse_route_path, "grafana", "/grafana"),
            (kinds.parse_network, "10.1.2.3/8", "10.0.0.0/8"),
            (kinds.parse_email_domain, "@example.com", "example.com"),
        ):
            with self.subTest(text):
                self.assertEqual(self.assertRaises(Wrong, parse, text).hint, f"did you mean '{hint}'?")
