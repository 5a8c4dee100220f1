"""What does a ClientHello bring to light?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import SynchronousTestCase, TestCase

from meshproxy.core.diagnosis import TlsSeen
from meshproxy.core.places import Upstream
from meshproxy.doctor.talking import Port
from meshproxy.doctor.tls_hello import in_words, say_hello, server_name_for

from .support.certificates import Authority
from .support.diagnosing import certificate, workload
from .support.odd_services import TLS_ALERT, OddServices, answer, silent, then, tls_context


class HelloTests(TestCase):
    """Who speaks TLS there, and what they show."""

    def setUp(self) -> None:
        self.odd = OddServices(reactor)
        self.addCleanup(self.odd.stop)
        self.authority = Authority(Path(self.mktemp()), "acme root")

    def said(self, port: int, within: float = 5.0) -> Deferred[TlsSeen]:
        at = Port(reactor, Upstream("http", "127.0.0.1", port), None)  # type: ignore[arg-type]
        return Deferred.fromCoroutine(say_hello(at, "billing", within))

    @inlineCallbacks
    def test_a_certificate(self) -> Any:
        """Nothing is verified: an old certificate of an unknown CA is shown as it is."""
        pair = self.authority.issue("spiffe://acme/ns/a/sa/b", days=(-9, -2))
        found = yield self.said(self.odd.listen(silent, tls=tls_context(*pair)))
        self.assertEqual(("handshake", "spiffe://acme/ns/a/sa/b", False), (found.end, found.certificate.spiffe_id, found.wants_client))
        self.assertEqual(("CN=acme root",), tuple(set(found.issuers)))

    @inlineCallbacks
    def test_it_asks_for_ours(self) -> Any:
        """A CertificateRequest is seen, with the CAs that it names; none of our certificates goes out."""
        context = tls_context(*self.authority.issue("billing"), self.authority.ca_file)
        context.set_client_ca_list([])
        context.load_client_ca(str(self.authority.ca_file).encode())
        found = yield self.said(self.odd.listen(silent, tls=context))
        self.assertEqual((True, ("CN=acme root",)), (found.wants_client, found.accepts))
        self.assertFalse(found.issued_by_a_stranger)

    @inlineCallbacks
    def test_no_tls(self) -> Any:
        """Plain bytes are quoted; a close, a reset, silence and an alert are told apart."""
        plain = yield self.said(self.odd.listen(then("close", answer("400 Bad Request"))))
        self.assertEqual(("plain", b"HTTP/1.1 400"), (plain.end, plain.spoke[:12]))
        self.assertFalse(plain.shows_tls)
        for respond, end in ((then("close"), "eof"), (then("reset"), "reset"), (then("close", TLS_ALERT), "tls")):
            found = yield self.said(self.odd.listen(respond))
            self.assertEqual(end, found.end)
        found = yield self.said(self.odd.listen(silent), within=0.2)
        self.assertEqual("timeout", found.end)


class WordsTests(SynchronousTestCase):
    """For people, and for the handshake."""

    def test_in_words(self) -> None:
        """One line for each outcome."""
        self.assertIn("asks for a client certificate", in_words(TlsSeen("handshake", workload(), True)))
        self.assertTrue(in_words(TlsSeen("handshake", certificate("a"))).startswith("certificate a, issued by"))
        self.assertEqual("no TLS: 'HTTP/1.1 400'", in_words(TlsSeen("plain", spoke=b"HTTP/1.1 400")))
        for end in ("eof", "reset", "timeout", "refused", "unreachable", "dns", "tls", "handshake"):
            self.assertTrue(in_words(TlsSeen(end)).isprintable())

    def test_server_name(self) -> None:
        """The configured one, else the upstream's; none for addresses and sockets (RFC 6066 §3)."""
        self.assertEqual("a.b", server_name_for(Upstream("https", "a.b", 443), None))
        self.assertEqual("c.d", server_name_for(Upstream("https", "10.0.0.1", 443), "c.d"))
        for upstream in (Upstream("https", "10.0.0.1", 443), Upstream("https", "[::1]", 443), Upstream("unix", "localhost", 0, "/x")):
            self.assertEqual("", server_name_for(upstream, None))
