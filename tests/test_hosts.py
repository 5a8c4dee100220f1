"""Hosts, origins and URLs of conf files."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.hosts import (
    Url,
    is_address,
    is_loopback,
    parse_authority,
    parse_host,
    parse_origin,
    parse_public_url,
    parse_url,
)
from meshproxy.config.wrong import Wrong
from meshproxy.core.places import Origin


class HostTests(SynchronousTestCase):
    def test_one_spelling(self) -> None:
        """Case, the root's dot, IDNA and spellings of IPv6 make no difference afterwards."""
        for text, host in (
            ("Apps.Example.COM", "apps.example.com"),
            ("apps.example.com.", "apps.example.com"),
            ("localhost", "localhost"),
            ("my_service", "my_service"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("10.0.0.1", "10.0.0.1"),
            ("[0:0::1]", "[::1]"),
            ("[2001:DB8::A]", "[2001:db8::a]"),
        ):
            with self.subTest(text):
                self.assertEqual(parse_host(text), host)

    def test_refused(self) -> None:
        """Whatever is more or less than a host."""
        for text in (
            "",
            ".",
            "a..b",
            "-a.example",
            "a-.example",
            "a b",
            "a/b",
            "a@b",
            "*.example.com",
            "host:80",
            "https://host",
            "a" * 64,
            ".".join(["a" * 60] * 5),
            "300.1.1.1",
            "1.2.3",
            "[::1",
            "[::g]",
            "[fe80::1%eth0]",
            "[127.0.0.1]",
            "::1",
            "a\n",
            "a\0",
            "☃\ufffd.example",
        ):
            with self.subTest(text):
                self.assertRaises(Wrong, parse_host, text)

    def test_hints(self) -> None:
        """A port and a URL are frequent mistakes: the host in them is named."""
        self.assertEqual(self.assertRaises(Wrong, parse_host, "apps.example.com:8443").hint, "did you mean 'apps.example.com'?")
        self.assertEqual(self.assertRaises(Wrong, parse_host, "https://apps.example.com/x").hint, "did you mean 'apps.example.com'?")

    def test_authority(self) -> None:
        """Host and port, each alone and in brackets."""
        self.assertEqual(parse_authority("a.example"), ("a.example", None))
        self.assertEqual(parse_authority("a.example:81"), ("a.example", 81))
        self.assertEqual(parse_authority("[::1]"), ("[::1]", None))
        self.assertEqual(parse_authority("[::1]:81"), ("[::1]", 81))
        for text in ("a:0", "a:65536", "a:", "a:x", "a:+1", ":80", "[::1]80", "[::1"):
            with self.subTest(text):
                self.assertRaises(Wrong, parse_authority, text)


class UrlTests(SynchronousTestCase):
    def test_parts(self) -> None:
        """The scheme's port is filled in, the path stays as written."""
        self.assertEqual(parse_url("HTTPS://A.example/X/y", "http", "https"), Url("https", "a.example", 443, "/X/y"))
        self.assertEqual(parse_url("http://[::1]:8080", "http"), Url("http", "[::1]", 8080, ""))

    def test_refused(self) -> None:
        """What could hide in a URL, and what is none."""
        for text in (
            "http://user@a/",
            "http://a/?q",
            "http://a/#f",
            "http://a/#",
            "http://",
            "http:///x",
            "a.example",
            "ftp://a/",
            "http://a b/",
            "http://a/\tb",
            "http://a\\b/",
            "http:a",
            "http://a:99999/",
        ):
            with self.subTest(text):
                self.assertRaises(Wrong, parse_url, text, "http", "https")

    def test_a_password_is_not_repeated(self) -> None:
        """The URL may be a secret by mistake: the message does not carry it further."""
        refusal = self.assertRaises(Wrong, parse_url, "http://me:hunter2@a.example/", "http")
        self.assertNotIn("hunter2", f"{refusal} {refusal.hint}")

    def test_scheme_hint(self) -> None:
        """A misspelt scheme is recognised."""
        self.assertEqual(self.assertRaises(Wrong, parse_url, "htps://a/", "http", "https").hint, "did you mean 'https'?")


class OriginTests(SynchronousTestCase):
    def test_origin(self) -> None:
        """A slash at the end is forgiven, a path is not."""
        self.assertEqual(parse_origin("https://A.example:443/"), Origin("https", "a.example", 443))
        self.assertEqual(self.assertRaises(Wrong, parse_origin, "https://a.example/x").hint, "did you mean 'https://a.example'?")

    def test_public_url_in_the_clear(self) -> None:
        """http is for the three names of this machine."""
        for host in ("localhost:8080", "127.0.0.1", "[::1]:80"):
            with self.subTest(host):
                self.assertEqual(parse_public_url(f"http://{host}").scheme, "http")
        for host in ("apps.example.com", "10.0.0.1", "127.0.0.2", "localhost.example", "x.localhost"):
            with self.subTest(host):
                self.assertRaises(Wrong, parse_public_url, f"http://{host}")

    def test_loopback_and_addresses(self) -> None:
        """Names of this machine, and addresses as opposed to names."""
        self.assertEqual(
            [is_loopback(h) for h in ("localhost", "a.localhost", "127.3.0.1", "[::1]", "10.0.0.1", "a.example")],
            [True, True, True, True, False, False],
        )
        self.assertEqual([is_address(h) for h in ("10.0.0.1", "[fd00::1]", "a.example")], [True, True, False])
