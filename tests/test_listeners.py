"""Endpoint strings."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.listeners import parse_listener, with_backlog
from meshproxy.config.wrong import Wrong


class ListenerTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """Kind, place and named arguments; a backslash escapes the colons of an IPv6 address."""
        for text, kind, place, options in (
            ("tcp:8080", "tcp", "8080", {}),
            ("tcp:0", "tcp", "0", {}),
            ("tcp:port=8080:interface=127.0.0.1:backlog=99", "tcp", "8080", {"interface": "127.0.0.1", "backlog": "99"}),
            (r"tcp6:80:interface=\:\:1", "tcp6", "80", {"interface": "::1"}),
            ("tls:8443:interface=10.0.0.1", "tls", "8443", {"interface": "10.0.0.1"}),
            ("unix:/run/m.sock:mode=660", "unix", "/run/m.sock", {"mode": "660"}),
            ("systemd:domain=INET:index=0", "systemd", "domain=INET", {}),
        ):
            with self.subTest(text):
                listener = parse_listener(text)
                self.assertEqual((listener.kind, listener.place, dict(listener.options), listener.text), (kind, place, options, text))

    def test_backlog(self) -> None:
        """Room for a burst is made where the string does not say how much; what other kinds take is theirs to say."""
        for text, said in (
            ("tcp:8080", "tcp:8080:backlog=1024"),
            (r"tcp6:80:interface=\:\:1", r"tcp6:80:interface=\:\:1:backlog=1024"),
            ("unix:/run/m.sock:mode=660", "unix:/run/m.sock:mode=660:backlog=1024"),
            ("tcp:8080:backlog=9", "tcp:8080:backlog=9"),
            ("systemd:domain=INET:index=0", "systemd:domain=INET:index=0"),
            ("haproxy:tcp:8080", "haproxy:tcp:8080"),
        ):
            with self.subTest(text):
                self.assertEqual(said, with_backlog(text))

    def test_refused(self) -> None:
        """No kind, an unknown one, no port, a port that is none, an unknown argument, Twisted's own TLS."""
        for text in (
            "",
            "8080",
            "tcp",
            "tcp:",
            "tcp:http",
            "tcp:65536",
            "tcp:80:interfase=::1",
            "tcp:80:81",
            "tpc:80",
            "unix",
            "unix:",
            "ssl:443",
            "tls:certs",
        ):
            with self.subTest(text):
                self.assertRaises(Wrong, parse_listener, text)

    def test_hints(self) -> None:
        """A bare port, a misspelt kind, a misspelt argument."""
        self.assertEqual(self.assertRaises(Wrong, parse_listener, "8080").hint, "did you mean 'tcp:8080'?")
        self.assertEqual(self.assertRaises(Wrong, parse_listener, "tpc:80").hint, "did you mean 'tcp'?")
        self.assertEqual(self.assertRaises(Wrong, parse_listener, "tcp:80:interfase=1").hint, "did you mean 'interface'?")

    def test_clashes(self) -> None:
        """Same port on the same or on every interface; same socket. Port 0 is another one each time."""
        for one, other, clash in (
            ("tcp:80", "tcp:80", True),
            ("tcp:80", "tcp:80:interface=127.0.0.1", True),
            ("tls:80", "tcp:80", True),
            ("tcp:80", "tcp:81", False),
            ("tcp:80:interface=127.0.0.1", "tcp:80:interface=127.0.0.2", False),
            ("tcp:0", "tcp:0", False),
            ("unix:/a", "unix:/a", True),
            ("unix:/a", "unix:/b", False),
            ("unix:/a", "tcp:80", False),
        ):
            with self.subTest(f"{one} {other}"):
                self.assertIs(parse_listener(one).clashes_with(parse_listener(other)), clash)
