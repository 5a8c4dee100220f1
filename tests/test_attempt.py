"""Opening a connection: one deadline over name, TCP and TLS, and where it stopped."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionRefusedError, TimeoutError
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Upstream
from meshproxy.settings import UpstreamTls

from .support.wire import HEAD, Wire
from .test_lookups import Resolver

FOUR, OTHER = IPv4Address("TCP", "192.0.2.1", 80), IPv4Address("TCP", "192.0.2.2", 80)


class AttemptTests(SynchronousTestCase):
    def wire(self, **options: Any) -> Wire:
        wire = Wire(**options)
        self.addCleanup(wire.close)
        return wire

    def named(self) -> tuple[Wire, Resolver]:
        wire = self.wire(upstream=Upstream("http", "a.example", 80))
        resolver = Resolver()
        wire.pool.lookups._resolver = resolver
        return wire, resolver

    def test_connect_timeout(self) -> None:
        """No TCP connection within ``connect``: phase ``connect``; the attempt is given up."""
        wire = self.wire()
        receiver = wire.submit()
        wire.advance(4.75)
        self.assertEqual(receiver.calls, [])
        wire.advance(0.75)
        evidence = receiver.evidence
        self.assertEqual(
            (evidence.phase, evidence.end, evidence.resolved, evidence.timings["connect"]), ("connect", "timeout", ("127.0.0.1",), 5.25)
        )

    def test_resolve_timeout(self) -> None:
        """No answer of the resolver: phase ``resolve``; its late answer harms nobody."""
        wire, resolver = self.named()
        receiver = wire.submit()
        wire.advance(6)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end), ("resolve", "timeout"))
        resolver.answer(0, FOUR)
        self.assertEqual((wire.waiting, wire.pool.connections), (0, 0))

    def test_no_addresses(self) -> None:
        """A name without addresses: ``dns``."""
        wire, resolver = self.named()
        receiver = wire.submit()
        resolver.answer(0)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end), ("resolve", "dns"))

    def test_several_addresses(self) -> None:
        """The next address is tried while the first is silent; the first that answers serves."""
        wire, resolver = self.named()
        receiver = wire.submit()
        resolver.answer(0, FOUR, OTHER)
        self.assertEqual([client[0] for client in wire.reactor.tcpClients], ["192.0.2.1"])
        wire.advance(0.5)
        self.assertEqual([client[0] for client in wire.reactor.tcpClients], ["192.0.2.1", "192.0.2.2"])
        wire._accepted = 1
        service = wire.accept()
        self.assertEqual(service.takes(), HEAD)
        service.fin()
        self.assertEqual(receiver.evidence.resolved, ("192.0.2.1", "192.0.2.2"))
        self.assertEqual(set(receiver.evidence.timings), {"resolve", "connect", "head"})

    def test_every_address_refuses(self) -> None:
        """When all addresses refuse, that is the failure."""
        wire, resolver = self.named()
        receiver = wire.submit()
        resolver.answer(0, FOUR, OTHER)
        wire.refuse(ConnectionRefusedError(111, "refused"))
        wire.advance(0.5)
        wire.refuse(ConnectionRefusedError(111, "refused"))
        wire.advance(0.5)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end, receiver.evidence.errno), ("connect", "refused", 111))

    def test_resolved_anew(self) -> None:
        """Every connection asks the resolver again."""
        wire, resolver = self.named()
        for number, address in enumerate((FOUR, OTHER)):
            wire.submit()
            resolver.answer(number, address)
        self.assertEqual([client[0] for client in wire.reactor.tcpClients], ["192.0.2.1", "192.0.2.2"])

    def test_literal_ipv6(self) -> None:
        """An IPv6 address in brackets is connected to as it is."""
        wire = self.wire(upstream=Upstream("http", "[::1]", 8080))
        wire.submit()
        self.assertEqual(wire.reactor.tcpClients[0][:2], ("::1", 8080))

    def test_kernel_timeout(self) -> None:
        """The transport's own timeout is a timeout."""
        wire = self.wire()
        receiver = wire.submit()
        wire.refuse(TimeoutError())
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end), ("connect", "timeout"))

    def test_silent_tls(self) -> None:
        """TCP is there and TLS never comes: phase ``tls``, within the same five seconds."""
        wire = self.wire(upstream=Upstream("https", "127.0.0.1", 443), tls=UpstreamTls(verify=False))
        receiver = wire.submit()
        wire.advance(3)
        service = wire.accept()
        self.assertEqual(service.takes()[:1], b"\x16")
        wire.advance(2.5)
        evidence = receiver.evidence
        self.assertEqual((evidence.phase, evidence.end), ("tls", "timeout"))
        self.assertEqual((evidence.timings["connect"], evidence.timings["tls"], service.disconnected), (3.0, 2.25, True))

    def test_cancelled_while_connecting(self) -> None:
        """Cancelled before it is there: a connection that comes about all the same is dropped, and carries nothing."""
        wire = self.wire()
        receiver = wire.submit()
        receiver.exchange.cancel()
        wire.advance(10)
        self.assertEqual((receiver.calls, wire.pool.connections, wire.pool.active), ([], 0, 0))
