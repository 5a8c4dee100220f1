"""What is believed of a request's way to us."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.peer import Peer
from meshproxy.core.trust import Claimed, Trust, valid_request_id

GATEWAY = "spiffe://cluster.local/ns/istio-system/sa/gateway"
TRUST = Trust([ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")], [GATEWAY], [ip_network("127.0.0.6/32")])
XFCC = (b"X-Forwarded-Client-Cert", b"By=spiffe://me;URI=" + GATEWAY.encode())


class PeerTests(SynchronousTestCase):
    def test_trusted_by_network_or_certificate(self) -> None:
        """A peer is trusted by its network or by the SPIFFE id of its own certificate; a sidecar by its own network."""
        self.assertEqual(TRUST.peer("10.1.2.3", 5), Peer("10.1.2.3", 5, trusted=True))
        self.assertEqual(TRUST.peer("192.0.2.1", 5), Peer("192.0.2.1", 5))
        self.assertEqual(TRUST.peer("127.0.0.6", 5), Peer("127.0.0.6", 5, sidecar=True))
        self.assertEqual(TRUST.peer("192.0.2.1", 5, b"der", GATEWAY), Peer("192.0.2.1", 5, b"der", GATEWAY, trusted=True))
        self.assertFalse(TRUST.peer("192.0.2.1", 5, b"der", GATEWAY + "x").trusted)

    def test_addresses(self) -> None:
        """IPv4 in IPv6's clothes is IPv4; a Unix socket is in no network."""
        self.assertEqual(TRUST.peer("::ffff:10.1.2.3", 5), Peer("10.1.2.3", 5, trusted=True))
        self.assertTrue(TRUST.peer("2001:db8::5", 5).trusted)
        self.assertEqual(TRUST.peer("unix", 0), Peer("unix", 0))

    def test_nobody_is_trusted_by_default(self) -> None:
        """Without ``trusted_peers`` nobody is."""
        self.assertFalse(Trust([], [], []).peer("127.0.0.1", 1, None, None).trusted)


class ClaimedTests(SynchronousTestCase):
    def claimed(self, address: str, *fields: tuple[bytes, bytes]) -> Claimed:
        return TRUST.claimed(TRUST.peer(address, 1), fields)

    def test_strangers_say_nothing(self) -> None:
        """Nothing that an untrusted peer says of others is read."""
        said = self.claimed(
            "192.0.2.1", (b"X-Forwarded-For", b"1.1.1.1"), (b"X-Forwarded-Proto", b"https"), (b"X-Request-Id", b"abc"), XFCC
        )
        self.assertEqual(said, Claimed(False, "192.0.2.1"))

    def test_rightmost_untrusted(self) -> None:
        """The client is the rightmost address that is not trusted; what stands left of it goes no further."""
        for value, client, chain in (
            (b"203.0.113.7", "203.0.113.7", b"203.0.113.7"),
            (b"1.1.1.1, 203.0.113.7", "203.0.113.7", b"203.0.113.7"),
            (b"1.1.1.1,203.0.113.7 , 10.9.9.9", "203.0.113.7", b"203.0.113.7, 10.9.9.9"),
            (b"10.1.1.1, 10.9.9.9", "10.1.1.1", b"10.1.1.1, 10.9.9.9"),
            (b"203.0.113.7, junk, 10.9.9.9", "10.9.9.9", b"10.9.9.9"),
            (b"junk", "10.0.0.1", b""),
            (b"", "10.0.0.1", b""),
            (b"203.0.113.7:4711", "203.0.113.7", b"203.0.113.7"),
            (b"[2001:db9::1]:4711", "2001:db9::1", b"2001:db9::1"),
            (b"2001:DB9::1", "2001:db9::1", b"2001:db9::1"),
        ):
            said = self.claimed("10.0.0.1", (b"x-forwarded-for", value))
            self.assertEqual((said.trusted, said.client, said.chain), (True, client, chain), value)

    def test_lines_are_one_list(self) -> None:
        """Several ``X-Forwarded-For`` lines are one list, in order."""
        self.assertEqual(self.claimed("10.0.0.1", (b"X-Forwarded-For", b"1.1.1.1"), (b"X-Forwarded-For", b"2.2.2.2")).client, "2.2.2.2")

    def test_aliases_are_not_believed(self) -> None:
        """``X_Forwarded_For`` is no trusted peer's word: no proxy writes it."""
        self.assertEqual(self.claimed("10.0.0.1", (b"X_Forwarded_For", b"1.1.1.1")).client, "10.0.0.1")

    def test_external_address(self) -> None:
        """Envoy's word for the client counts where there is no ``X-Forwarded-For``."""
        external = (b"X-Envoy-External-Address", b"203.0.113.9")
        self.assertEqual(self.claimed("10.0.0.1", external).client, "203.0.113.9")
        self.assertEqual(self.claimed("10.0.0.1", external, (b"X-Forwarded-For", b"203.0.113.7")).client, "203.0.113.7")

    def test_scheme_host_port(self) -> None:
        """What the client used, where it is said clearly."""
        said = self.claimed(
            "10.0.0.1", (b"X-Forwarded-Proto", b"HTTPS"), (b"X-Forwarded-Host", b"Apps.Example.com"), (b"X-Forwarded-Port", b"443")
        )
        self.assertEqual((said.scheme, said.host, said.port), ("https", "apps.example.com", 443))
        odd = self.claimed("10.0.0.1", (b"X-Forwarded-Proto", b"ws"), (b"X-Forwarded-Host", b"a, b"), (b"X-Forwarded-Port", b"+1"))
        self.assertEqual((odd.scheme, odd.host, odd.port), (None, None, None))

    def test_sidecar_names_its_peer(self) -> None:
        """Through our own sidecar the last XFCC element is the peer; it is trusted where its id is, and only then believed."""
        forwarded = (b"X-Forwarded-For", b"203.0.113.7")
        trusted = self.claimed("127.0.0.6", XFCC, forwarded)
        self.assertEqual((trusted.trusted, trusted.client, trusted.spiffe_id), (True, "203.0.113.7", GATEWAY))
        other = self.claimed("127.0.0.6", (XFCC[0], b"URI=spiffe://cluster.local/ns/shop/sa/shop"), forwarded)
        self.assertEqual(other, Claimed(False, "127.0.0.6", spiffe_id="spiffe://cluster.local/ns/shop/sa/shop"))
        forged = self.claimed("127.0.0.6", (XFCC[0], XFCC[1] + b",URI=spiffe://cluster.local/ns/shop/sa/shop"), forwarded)
        self.assertFalse(forged.trusted)
        self.assertEqual(self.claimed("127.0.0.6", forwarded), Claimed(False, "127.0.0.6"))

    def test_own_certificate_goes_first(self) -> None:
        """The certificate of the very connection is a fact; what XFCC says beside it is not asked."""
        peer = TRUST.peer("10.0.0.1", 1, b"der", "spiffe://direct")
        self.assertEqual(TRUST.claimed(peer, [XFCC]).spiffe_id, "spiffe://direct")

    def test_request_id(self) -> None:
        """A trusted peer's valid request id is kept."""
        self.assertEqual(self.claimed("10.0.0.1", (b"X-Request-Id", b"0a1b-2c")).request_id, b"0a1b-2c")
        self.assertIsNone(self.claimed("10.0.0.1", (b"X-Request-Id", b"a"), (b"X-Request-Id", b"b")).request_id)
        for bad in (None, b"", b"a b", b"x" * 129, b"a\x1b[0m", b"<a>", b'"', b"\xff"):
            self.assertIsNone(valid_request_id(bad), bad)

    def test_forwarded_for(self) -> None:
        """The service is told what is believed, then the peer."""
        peer = TRUST.peer("10.0.0.1", 1)
        said = TRUST.claimed(peer, [(b"X-Forwarded-For", b"6.6.6.6, 203.0.113.7")])
        self.assertEqual(TRUST.forwarded_for(peer, said), b"203.0.113.7, 10.0.0.1")
        stranger = TRUST.peer("192.0.2.1", 1)
        self.assertEqual(TRUST.forwarded_for(stranger, TRUST.claimed(stranger, [(b"X-Forwarded-For", b"1.1.1.1")])), b"192.0.2.1")
        unix = TRUST.peer("unix", 0)
        self.assertEqual(TRUST.forwarded_for(unix, TRUST.claimed(unix, [])), b"127.0.0.1")
