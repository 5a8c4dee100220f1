"""TLS of our own listeners: certificates by SNI, client certificates, files that change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.problems import ConfError
from meshproxy.settings import ListenCertificate, ListenTls
from meshproxy.web.downstream_tls import DownstreamTls, spiffe_id

from .support.certificates import Authority


def handshake(server: SSL.Connection, name: str = "", certificate: tuple[Path, Path] | None = None, minimum: int = 0) -> SSL.Connection:
    """Shake hands in memory; the client's side. Raises :class:`OpenSSL.SSL.Error` where the two do not come together."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_alpn_protos([b"h2", b"http/1.1"])
    if minimum:
        context.set_max_proto_version(minimum)
    if certificate is not None:
        context.use_certificate_file(str(certificate[0]))
        context.use_privatekey_file(str(certificate[1]))
    client = SSL.Connection(context, None)
    if name:
        client.set_tlsext_host_name(name.encode())
    client.set_connect_state()
    server.set_accept_state()
    for _ in range(6):
        for side, other in ((client, server), (server, client)):
            try:
                side.do_handshake()
            except SSL.WantReadError:
                pass
            try:
                other.bio_write(side.bio_read(65536))
            except SSL.WantReadError:
                pass
    client.do_handshake()
    server.do_handshake()
    return client


def names(connection: SSL.Connection) -> list[str]:
    certificate = connection.get_peer_certificate()
    assert certificate is not None
    san = certificate.to_cryptography().extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name) for name in san.get_values_for_type(x509.DNSName)]


class DownstreamTlsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.authority = Authority(self.folder)

    def tls(self, *certificates: tuple[Path, Path], **more: Any) -> DownstreamTls:
        return DownstreamTls(ListenTls(tuple(ListenCertificate(*pair) for pair in certificates), **more))

    def test_sni(self) -> None:
        """The certificate is chosen by the name that is asked for, wildcards too; without one the first is shown."""
        tls = self.tls(self.authority.issue("a.test"), self.authority.issue("*.b.test"))
        wildcard, first = "*.b.test", "a.test"
        for asked, shown in (("a.test", first), ("x.b.test", wildcard), ("B.B.TEST", wildcard), ("y.x.b.test", first), ("", first)):
            self.assertEqual(names(handshake(tls.serverConnectionForTLS(None), asked)), [shown], asked)

    def test_covers(self) -> None:
        """Hosts that no certificate names are told apart."""
        tls = self.tls(self.authority.issue("a.test"), self.authority.issue("*.b.test"))
        self.assertEqual([tls.covers(host) for host in ("a.test", "x.b.test", "b.test", "c.test")], [True, True, False, False])

    def test_http11_alone(self) -> None:
        """HTTP/1.1 is what is agreed on, TLS 1.2 the oldest that is spoken."""
        tls = self.tls(self.authority.issue("a.test"))
        self.assertEqual(handshake(tls.serverConnectionForTLS(None), "a.test").get_alpn_proto_negotiated(), b"http/1.1")
        with self.assertRaises(SSL.Error):
            handshake(tls.serverConnectionForTLS(None), "a.test", minimum=SSL.TLS1_1_VERSION)

    def test_client_certificate(self) -> None:
        """``required`` turns away who has none of this CA; ``optional`` takes them without."""
        client = self.authority.issue("spiffe://mesh.test/ns/x/sa/y")
        ca = self.authority.ca_file
        required = self.tls(self.authority.issue("a.test"), client_ca_file=ca, client_cert="required")
        with self.assertRaises(SSL.Error):
            handshake(required.serverConnectionForTLS(None), "a.test")
        server = required.serverConnectionForTLS(None)
        handshake(server, "a.test", client)
        known = server.get_peer_certificate()
        assert known is not None
        self.assertEqual(spiffe_id(known.to_cryptography()), "spiffe://mesh.test/ns/x/sa/y")
        optional = self.tls(self.authority.issue("a.test"), client_ca_file=ca, client_cert="optional")
        server = optional.serverConnectionForTLS(None)
        handshake(server, "a.test")
        self.assertIsNone(server.get_peer_certificate())
        stranger = self.folder / "stranger"
        stranger.mkdir()
        with self.assertRaises(SSL.Error):
            handshake(required.serverConnectionForTLS(None), "a.test", Authority(stranger, "Another CA").issue("x.test"))

    def test_reload(self) -> None:
        """Changed files are used by new connections; what cannot be used keeps the old, and is told."""
        first, second = self.authority.issue("a.test"), self.authority.issue("b.test")
        tls = self.tls(first)
        good = [path.read_bytes() for path in second]
        first[0].write_bytes(good[0])
        problem = tls.reload()  # the new certificate with the old key
        assert problem is not None
        self.assertIn("key_file", problem.key)
        self.assertEqual(names(handshake(tls.serverConnectionForTLS(None))), ["a.test"])
        first[1].write_bytes(good[1])
        self.assertIsNone(tls.reload())
        self.assertEqual(names(handshake(tls.serverConnectionForTLS(None))), ["b.test"])

    def test_unusable(self) -> None:
        """A file that is missing, or none, stops the start, by its key."""
        cert, key = self.authority.issue("a.test")
        missing = self.folder / "missing.pem"
        for pair, word in (((missing, key), "cert_file"), ((cert, missing), "key_file"), ((key, key), "cert_file")):
            with self.assertRaises(ConfError) as caught:
                self.tls(pair)
            self.assertIn(word, str(caught.exception))

    def test_spiffe_id(self) -> None:
        """A SPIFFE id is the only URI name there is; two of them are none."""
        for given, expected in ((("spiffe://a/b",), "spiffe://a/b"), (("spiffe://a/b", "spiffe://a/c"), None), (("a.test",), None)):
            certificate = x509.load_pem_x509_certificate(self.authority.issue(*given)[0].read_bytes())
            self.assertEqual(spiffe_id(certificate), expected)
