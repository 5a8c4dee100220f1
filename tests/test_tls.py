"""TLS towards a service: whom we trust, what we prove, and what is kept of a handshake that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, load_pem_private_key
from OpenSSL import SSL
from twisted.internet import defer, reactor
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from meshproxy.core.places import Upstream
from meshproxy.problems import ConfError
from meshproxy.settings import PoolSettings, TimeoutSettings, UpstreamTls
from meshproxy.upstream.pool import Pool
from meshproxy.upstream.tls import TlsContext
from meshproxy.wheel import Wheel

from .support.certificates import Authority
from .support.wire import HEAD, KEY, SWITCHING, Recorder, ServiceTransport, Wire

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SPIFFE = "spiffe://acme.internal/ns/shop/sa/shop"


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """The service's side."""

    def __init__(
        self, files: tuple[Path, Path], *, client_ca: Path | None = None, highest: int = SSL.TLS1_3_VERSION, alpn: bool = False
    ) -> None:
        self.context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self.context.use_certificate_chain_file(str(files[0]))
        self.context.use_privatekey_file(str(files[1]))
        self.context.set_max_proto_version(highest)
        if client_ca is not None:
            self.context.load_verify_locations(str(client_ca))
            self.context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *values: bool(values[-1]))
        self.names: list[bytes | None] = []
        self.offered: list[list[bytes]] = []
        self.context.set_tlsext_servername_callback(lambda connection: self.names.append(connection.get_servername()))

        def choose(connection: SSL.Connection, offered: list[bytes]) -> Any:
            self.offered.append(offered)
            return offered[0]

        if alpn:
            self.context.set_alpn_select_callback(choose)

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        connection = SSL.Connection(self.context, None)
        connection.set_accept_state()
        return connection


class Plain(Protocol):
    """What the service decrypts."""

    def __init__(self) -> None:
        self.data = b""
        self.lost: Any = None

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = reason


class SecureService:
    """A TLS server in memory at the other end of a wire."""

    def __init__(self, wire: Wire, tls: ServerTls) -> None:
        self.wire = wire
        self.outer = wire.accept()
        factory = TLSMemoryBIOFactory(tls, False, Factory.forProtocol(Plain), clock=wire.reactor)
        self.protocol: Any = factory.buildProtocol(None)
        self.transport = ServiceTransport(wire.reactor, self.protocol)
        self.protocol.makeConnection(self.transport)
        self.plain: Any = self.protocol.wrappedProtocol
        self.pump()

    def pump(self) -> None:
        """Carry bytes until both are silent."""
        while True:
            self.wire.reactor.advance(0)
            up, down = self.outer.takes(), self.transport.takes()
            if not up and not down:
                return
            if up and not self.transport.gone:
                self.protocol.dataReceived(up)
            if down and not self.outer.gone:
                self.outer.answers(down)

    def answers(self, data: bytes) -> None:
        self.plain.transport.write(data)
        self.pump()

    def closes(self) -> None:
        """In order: close_notify, then FIN."""
        self.plain.transport.loseConnection()
        self.pump()
        self.outer.lost()
        self.wire.reactor.advance(0)


class TlsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))

    def wire(self, host: str = "shop.example", **tls: Any) -> Wire:
        tls.setdefault("ca_file", self.authority.ca_file)
        wire = Wire(upstream=Upstream("https", "127.0.0.1" if host == "127.0.0.1" else host, 443), tls=UpstreamTls(**tls))
        # A name would be resolved; the in-memory reactor has no network.
        wire.pool.upstream = Upstream("https", "127.0.0.1", 443)
        self.addCleanup(wire.close)
        return wire

    def handshake(
        self, wire: Wire, *names: str, files: tuple[Path, Path] | None = None, **server: Any
    ) -> tuple[Recorder, SecureService, ServerTls]:
        tls = ServerTls(files or self.authority.issue(*names), **server)
        receiver = wire.submit()
        return receiver, SecureService(wire, tls), tls

    def refused(self, wire: Wire, *names: str, **server: Any) -> Any:
        receiver, service, _ = self.handshake(wire, *names, **server)
        self.assertEqual(service.plain.data, b"", "the request went out all the same")
        return receiver.evidence

    def test_good(self) -> None:
        """A trusted certificate for the name: SNI sent, HTTP/1.1 alone offered, request and answer pass, connection kept."""
        wire = self.wire()
        receiver, service, tls = self.handshake(wire, "shop.example", alpn=True)
        self.assertEqual((service.plain.data, tls.names, tls.offered), (HEAD, [b"shop.example"], [[b"http/1.1"]]))
        service.answers(EMPTY)
        self.assertEqual((receiver.names()[-1], wire.pool.idle), ("answer_finished", 1))
        wire.submit()
        service.pump()
        self.assertEqual((service.plain.data, wire.pool.opened_total), (HEAD * 2, 1))

    def test_wrong_name(self) -> None:
        """Another name: refused inside the handshake, with both names and the certificate as evidence."""
        evidence = self.refused(self.wire(), "other.example", "*.example.org")
        self.assertEqual((evidence.phase, evidence.end), ("tls", "tls"))
        self.assertIn("certificate verify failed", evidence.tls_reasons)
        self.assertIn("other.example", evidence.error)
        self.assertIn("not for shop.example", evidence.tls_reasons[-1])
        self.assertIn("other.example", str(x509.load_der_x509_certificate(evidence.peer_certificate).extensions[1].value))

    def test_no_names(self) -> None:
        """A certificate that only has a common name is for nobody."""
        self.assertIn("no name at all", self.refused(self.wire()).error)

    def test_server_name(self) -> None:
        """``server_name`` replaces the host as SNI and as the name to prove."""
        _, service, tls = self.handshake(self.wire("10.0.0.1", server_name="inner.example"), "inner.example")
        self.assertEqual((service.plain.data, tls.names), (HEAD, [b"inner.example"]))
        self.assertEqual(self.refused(self.wire("shop.example", server_name="inner.example"), "shop.example").end, "tls")

    def test_address(self) -> None:
        """An address must stand in the certificate as an address, and is no SNI."""
        _, service, tls = self.handshake(self.wire("127.0.0.1"), "127.0.0.1")
        self.assertEqual((service.plain.data, tls.names), (HEAD, [None]))
        self.assertEqual(self.refused(self.wire("127.0.0.1"), "127.0.0.2", "localhost").end, "tls")

    def test_unknown_authority(self) -> None:
        """Another authority: OpenSSL's words, and the certificate that shows whose."""
        other = Authority(Path(self.mktemp()), "Other CA")
        evidence = self.refused(self.wire(), files=other.issue("shop.example"))
        self.assertEqual((evidence.tls_reasons[-1], evidence.error), ("unable to get local issuer certificate",) * 2)
        self.assertIn("Other CA", x509.load_der_x509_certificate(evidence.peer_certificate).issuer.rfc4514_string())

    def test_system_trust(self) -> None:
        """Without ``ca_file`` the system's authorities count, and ours is none of them."""
        self.assertEqual(self.refused(self.wire(ca_file=None), "shop.example").end, "tls")

    def test_dates(self) -> None:
        """Expired and not yet valid, told apart."""
        self.assertEqual(
            self.refused(self.wire(), files=self.authority.issue("shop.example", days=(-3, -1))).tls_reasons[-1], "certificate has expired"
        )
        self.assertEqual(
            self.refused(self.wire(), files=self.authority.issue("shop.example", days=(1, 3))).tls_reasons[-1],
            "certificate is not yet valid",
        )

    def test_spiffe(self) -> None:
        """``spiffe_id``: the one URI name, exactly, and no other name counts."""
        _, service, _ = self.handshake(self.wire(spiffe_id=SPIFFE), SPIFFE)
        self.assertEqual(service.plain.data, HEAD)
        for names in ((SPIFFE + "2",), (SPIFFE[:-1],), ("shop.example",), (SPIFFE, "spiffe://acme.internal/ns/b/sa/b"), (SPIFFE.upper(),)):
            self.assertIn("name mismatch", self.refused(self.wire(spiffe_id=SPIFFE), *names).error)

    def test_unverified(self) -> None:
        """``verify = false``: anything goes, and the certificate is known all the same."""
        receiver, service, _ = self.handshake(self.wire(verify=False, ca_file=None), "nobody.example")
        self.assertEqual(service.plain.data, HEAD)
        service.outer.lost()
        self.assertIsNotNone(receiver.evidence.peer_certificate)

    def test_min_version(self) -> None:
        """``min_version``: 1.2 by default, 1.3 where wanted; below there is no handshake."""
        _, service, _ = self.handshake(self.wire(), "shop.example", highest=SSL.TLS1_2_VERSION)
        self.assertEqual(service.plain.data, HEAD)
        self.assertEqual(self.refused(self.wire(min_version="1.3"), "shop.example", highest=SSL.TLS1_2_VERSION).end, "tls")

    def test_client_certificate(self) -> None:
        """Our certificate is shown where it is asked for."""
        cert_file, key_file = self.authority.issue(SPIFFE)
        _, service, _ = self.handshake(self.wire(cert_file=cert_file, key_file=key_file), "shop.example", client_ca=self.authority.ca_file)
        self.assertEqual(service.plain.data, HEAD)
        self.assertIsNotNone(service.plain.transport.getPeerCertificate())

    def test_client_certificate_missing(self) -> None:
        """Where it is wanted and we have none: a TLS failure with the alert's words, under 1.2 and under 1.3."""
        for highest in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION):
            receiver, service, _ = self.handshake(self.wire(), "shop.example", client_ca=self.authority.ca_file, highest=highest)
            service.outer.lost()
            evidence = receiver.evidence
            self.assertEqual((evidence.phase, evidence.end, evidence.received_bytes), ("tls", "tls", 0))
            self.assertRegex(" ".join(evidence.tls_reasons), "alert (handshake failure|certificate required)")

    def test_plain_service(self) -> None:
        """A port without TLS: OpenSSL's ``wrong version number``."""
        wire = self.wire()
        receiver = wire.submit()
        service = wire.accept()
        service.answers(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        wire.reactor.advance(0)
        evidence = receiver.evidence
        self.assertEqual((evidence.phase, evidence.end), ("tls", "tls"))
        self.assertRegex(" ".join(evidence.tls_reasons), "wrong version number|packet length too long")

    def test_closed_in_the_handshake(self) -> None:
        """Closed without a word in the handshake: ``eof`` or ``reset`` in phase ``tls``."""
        for clean, end in ((True, "eof"), (False, "reset")):
            wire = self.wire()
            receiver = wire.submit()
            wire.accept().lost(clean=clean)
            self.assertEqual((receiver.evidence.phase, receiver.evidence.end), ("tls", end))

    def test_end_needs_close_notify(self) -> None:
        """A body that ends with the connection is whole only after close_notify: a FIN alone may be an attacker's cut."""
        for orderly in (True, False):
            receiver, service, _ = self.handshake(self.wire(), "shop.example")
            service.answers(b"HTTP/1.1 200 OK\r\n\r\nhalf a page")
            if orderly:
                service.closes()
                self.assertEqual((receiver.body, receiver.names()[-1]), (b"half a page", "answer_finished"))
            else:
                service.outer.lost()
                self.assertEqual(
                    (receiver.evidence.phase, receiver.evidence.end, receiver.evidence.error),
                    ("body", "eof", "closed without close_notify"),
                )

    def test_tunnel(self) -> None:
        """A tunnel through TLS; the browser's end becomes close_notify, what the service still says arrives."""
        wire = self.wire()
        receiver = wire.submit(websocket_key=KEY)
        service = SecureService(wire, ServerTls(self.authority.issue("shop.example")))
        service.answers(SWITCHING)
        receiver.exchange.write_tunnel(b"ping")
        service.pump()
        service.answers(b"pong")
        self.assertEqual((service.plain.data, receiver.tunnelled), (HEAD + b"ping", b"pong"))
        receiver.exchange.finish_tunnel()
        service.pump()
        service.closes()
        self.assertEqual((receiver.calls[-1], wire.pool.tunnels), (("tunnel_closed", True), 0))

    def test_idle_close_is_orderly(self) -> None:
        """An idle connection is ended with close_notify."""
        wire = self.wire()
        _, service, _ = self.handshake(wire, "shop.example")
        service.answers(EMPTY)
        wire.pool.close()
        service.pump()
        self.assertTrue(service.transport.disconnecting)


class Files(SynchronousTestCase):
    def setUp(self) -> None:
        self.authority = Authority(Path(self.mktemp()))

    def test_files(self) -> None:
        """All files that were read are named, for whoever watches them."""
        cert_file, key_file = self.authority.issue("a.example")
        settings = UpstreamTls(ca_file=self.authority.ca_file, cert_file=cert_file, key_file=key_file)
        self.assertEqual(TlsContext(settings, "a.example").files, (self.authority.ca_file, cert_file, key_file))
        self.assertEqual(TlsContext(UpstreamTls(), "a.example").files, ())

    def test_bad_files(self) -> None:
        """A file that is missing, no PEM, of another key, or encrypted stops the start, with file and key named."""
        cert_file, key_file = self.authority.issue("a.example")
        _, other_key = self.authority.issue("b.example")
        junk = self.authority.directory / "junk.pem"
        junk.write_text("no PEM")
        locked = self.authority.directory / "locked.key"
        key: Any = load_pem_private_key(key_file.read_bytes(), None)
        locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
        missing = self.authority.directory / "missing.pem"
        for tls, file, key_name in (
            (UpstreamTls(ca_file=missing), missing, "tls.ca_file"),
            (UpstreamTls(ca_file=junk), junk, "tls.ca_file"),
            (UpstreamTls(cert_file=junk, key_file=key_file), junk, "tls.cert_file"),
            (UpstreamTls(cert_file=cert_file, key_file=other_key), other_key, "tls.key_file"),
            (UpstreamTls(cert_file=cert_file, key_file=locked), locked, "tls.key_file"),
        ):
            problem = self.assertRaises(ConfError, TlsContext, tls, "a.example").problems[0]
            self.assertEqual((problem.file, problem.key), (file, key_name))
            self.assertNotIn("secret", problem.message)
        self.assertIn("No such file", self.assertRaises(ConfError, TlsContext, UpstreamTls(ca_file=missing), "a").problems[0].message)

    def test_no_host_name(self) -> None:
        """A ``server_name`` that can be none is found at once."""
        problem = self.assertRaises(ConfError, TlsContext, UpstreamTls(server_name="a" * 70 + ".example"), "a").problems[0]
        self.assertEqual(problem.key, "tls.server_name")

    def test_reload(self) -> None:
        """A changed file counts for new connections; one that cannot be used keeps the old and is told."""
        cert_file, key_file = self.authority.issue("a.example")
        context = TlsContext(UpstreamTls(ca_file=self.authority.ca_file, cert_file=cert_file, key_file=key_file), "a.example")
        old = context._context
        good = cert_file.read_bytes()
        cert_file.write_text("half a fi")
        problem = context.reload()
        self.assertEqual((problem.file if problem else None, context._context), (cert_file, old))
        cert_file.write_bytes(good)
        self.assertIsNone(context.reload())
        self.assertIsNot(context._context, old)


class RealTls(TestCase):
    """Once over real TCP."""

    def test_keep_alive(self) -> defer.Deferred[None]:
        """Three requests over one TLS connection; nothing is left behind."""
        return defer.Deferred.fromCoroutine(self._three())

    async def _three(self) -> None:
        authority = Authority(Path(self.mktemp()))
        received: list[bytes] = []

        class Service(Protocol):
            def dataReceived(self, data: bytes) -> None:
                received.append(data)
                self.transport.write(EMPTY)

        factory = TLSMemoryBIOFactory(ServerTls(authority.issue("127.0.0.1")), False, Factory.forProtocol(Service))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(port.stopListening)
        pool = Pool(
            reactor,
            Wheel(reactor),
            Upstream("https", "127.0.0.1", port.getHost().port),
            TimeoutSettings(),
            PoolSettings(),  # type: ignore[arg-type]
            UpstreamTls(ca_file=authority.ca_file),
        )
        for _ in range(3):
            done: defer.Deferred[None] = defer.Deferred()
            receiver = Recorder(
                answer_finished=lambda _, done=done: done.callback(None), upstream_failed=lambda _, done=done: done.callback(None)
            )
            pool.submit(receiver, HEAD, b"GET", body=False, chunked=False)
            await done
            self.assertEqual(receiver.names()[-1], "answer_finished", receiver.calls)
        self.assertEqual((received, pool.opened_total, pool.reused_total), ([HEAD] * 3, 1, 2))
        pool.close()
        while pool.connections:
            turn: defer.Deferred[None] = defer.Deferred()
            reactor.callLater(0.01, turn.callback, None)  # type: ignore[attr-defined]
            await turn
