"""Host and port of an authority."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.authority import parse_authority


class AuthorityTests(SynchronousTestCase):
    def test_valid(self) -> None:
        """Names, addresses, ports; the host in lower case, IPv6 in brackets and shortest form."""
        for value, expected in {
            b"apps.example.com": ("apps.example.com", None),
            b"APPS.Example.com:8443": ("apps.example.com", 8443),
            b"apps.example.com:": ("apps.example.com", None),
            b"127.0.0.1:80": ("127.0.0.1", 80),
            b"my_service": ("my_service", None),
            b"a.:65535": ("a.", 65535),
            b"[::1]": ("[::1]", None),
            b"[::1]:": ("[::1]", None),
            b"[2001:DB8:0:0::1]:443": ("[2001:db8::1]", 443),
        }.items():
            self.assertEqual(parse_authority(value), expected, value)

    def test_malformed(self) -> None:
        """R3: whatever is not certainly one host with at most one port is refused."""
        for value in (
            b"", b"a b", b"a,b", b"a/b", b"user@a", b"[::1", b"[::1]x", b"::1", b"[]", b"[::1%25eth0]", b"[1.2.3.4]", b"[v1.x]",
            b"a:80:80", b"a:x",
            b"a:+1", b"a:1_0", b"a:-1", b"a:0", b"a:65536", b"a:123456", b"a\tb", b"a%41", b"a\x00", b"\xc3\xa4", b":80", b"a?b",
            b"a#b", b"a\\b",
            b"a;b", b"x" * 256, b"[\xff]",
        ):
            self.assertRaises(ValueError, parse_authority, value)
