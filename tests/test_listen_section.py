"""Listeners and their TLS."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from .support.conf_dirs import ConfDir
from .test_certificates import make_pair


class ListenTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)

    def test_defaults(self) -> None:
        """Port 8080 for browsers, 9901 for the platform."""
        settings = self.conf.settings()
        self.assertEqual((settings.listen, settings.admin_listen, settings.tls), (("tcp:8080",), "tcp:9901", None))

    def test_sockets_are_relative_to_the_conf_directory(self) -> None:
        """Whatever the working directory; colons are escaped again."""
        self.conf.main('listen = ["unix:run/m.sock:mode=660", "unix:/abs.sock", "unix:a\\\\:b"]\nadmin_listen = "unix:admin.sock"')
        settings = self.conf.settings()
        here = self.conf.path
        self.assertEqual(settings.listen, (f"unix:{here}/run/m.sock:mode=660", "unix:/abs.sock", f"unix:{here}/a\\:b"))
        self.assertEqual(settings.admin_listen, f"unix:{here}/admin.sock")

    def test_two_on_one_socket(self) -> None:
        """The second one is a problem; so is an admin listener that is public."""
        self.conf.main(
            'listen = ["tcp:80", "tls:80"]\nadmin_listen = "tcp:80:interface=127.0.0.1"', tables="[tls]\ncert_file = 'c'\nkey_file = 'k'"
        )
        problems = self.conf.problems()
        self.assertIn("meshproxy.toml: listen: 'tls:80' wants a socket that another listener has", problems)
        self.assertIn(
            "meshproxy.toml: admin_listen: 'tcp:80:interface=127.0.0.1' is a public listener: /metrics is not for everybody", problems
        )

    def test_no_admin_listener(self) -> None:
        """An empty string switches it off."""
        self.conf.main('admin_listen = ""')
        self.assertEqual(self.conf.settings().admin_listen, "")

    def test_tls_needs_a_certificate(self) -> None:
        """`tls:` without [tls] cannot work; [tls] without `tls:` does nothing and warns."""
        self.conf.main('listen = ["tls:8443"]')
        self.assertEqual(self.conf.problems(), ["meshproxy.toml: tls.cert_file: required, and missing: listen has a tls: listener"])
        self.write_pair("a")
        self.conf.main(tables="[tls]\ncert_file = 'a.crt'\nkey_file = 'a.key'")
        self.assertIn("meshproxy.toml: tls: nothing uses it: no listener is called tls:PORT", self.conf.warnings())

    def test_admin_has_no_tls(self) -> None:
        """`tls:` is a form of listen alone."""
        self.conf.main('admin_listen = "tls:9901"')
        self.assertEqual(self.conf.problems(), ["meshproxy.toml: admin_listen: tls: is for listen alone"])

    def write_pair(self, name: str) -> None:
        certificate, key = make_pair()
        self.conf.write(f"{name}.crt", certificate)
        self.conf.write(f"{name}.key", key)

    def tls(self, lines: str) -> None:
        self.conf.main('listen = ["tls:8443"]', tables=f"[tls]\n{lines}\n")

    def test_certificates(self) -> None:
        """The first one, further ones, and the CA of clients; all files are known."""
        self.write_pair("a")
        self.write_pair("b")
        self.tls("cert_file = 'a.crt'\nkey_file = 'a.key'\nclient_ca_file = 'b.crt'\n[[tls.more]]\ncert_file = 'b.crt'\nkey_file = 'b.key'")
        settings = self.conf.settings()
        assert settings.tls is not None
        self.assertEqual([pair.cert_file.name for pair in settings.tls.certificates], ["a.crt", "b.crt"])
        self.assertEqual([pair.key_file for pair in settings.tls.certificates], [self.conf.path / "a.key", self.conf.path / "b.key"])
        self.assertEqual((settings.tls.client_ca_file, settings.tls.client_cert), (self.conf.path / "b.crt", "required"))
        self.assertTrue({self.conf.path / name for name in ("a.crt", "a.key", "b.crt", "b.key")} <= settings.files)

    def client_cert(self) -> str:
        tls = self.conf.settings().tls
        assert tls is not None
        return tls.client_cert

    def test_client_certificates(self) -> None:
        """None by default; asked for only where somebody says whose are good."""
        self.write_pair("a")
        pair = "cert_file = 'a.crt'\nkey_file = 'a.key'\n"
        self.tls(pair)
        self.assertEqual(self.client_cert(), "none")
        self.tls(pair + "client_ca_file = 'a.crt'\nclient_cert = 'optional'")
        self.assertEqual(self.client_cert(), "optional")
        self.tls(pair + "client_cert = 'required'")
        self.assertEqual(
            self.conf.problems(), ["meshproxy.toml: tls.client_cert: 'required' needs client_ca_file: whose certificates are good?"]
        )

    def test_half_a_pair(self) -> None:
        """A certificate without its key."""
        self.write_pair("a")
        self.tls("cert_file = 'a.crt'")
        self.assertEqual(
            self.conf.problems(), ["meshproxy.toml: tls.key_file: required, and missing: a certificate and its key come together"]
        )
