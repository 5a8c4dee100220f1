"""Name look-ups: shared while they run, never remembered, watched."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from meshproxy.upstream.lookups import SharedLookups, WatchedReactor


@implementer(IHostnameResolver)
class Resolver:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def resolveHostName(
        self, resolutionReceiver: Any, hostName: str, portNumber: int = 0, addressTypes: Any = None, transportSemantics: str = "TCP"
    ) -> Any:
        self.asked.append((hostName, resolutionReceiver))
        resolutionReceiver.resolutionBegan(self)

    def answer(self, number: int, *addresses: Any) -> None:
        receiver = self.asked[number][1]
        for address in addresses:
            receiver.addressResolved(address)
        receiver.resolutionComplete()


@implementer(IResolutionReceiver)
class Receiver:
    def __init__(self) -> None:
        self.began = 0
        self.addresses: list[Any] = []
        self.complete = 0

    def resolutionBegan(self, resolutionInProgress: Any) -> None:
        self.began += 1

    def addressResolved(self, address: Any) -> None:
        self.addresses.append(address)

    def resolutionComplete(self) -> None:
        self.complete += 1


FOUR, SIX = IPv4Address("TCP", "192.0.2.1", 80), IPv6Address("TCP", "2001:db8::1", 80)


class LookupTests(SynchronousTestCase):
    def test_shared(self) -> None:
        """Look-ups of one name at one time are one; all who wait get all addresses."""
        resolver = Resolver()
        shared = SharedLookups(resolver)
        verifyObject(IHostnameResolver, shared)
        receivers = [Receiver() for _ in range(3)]
        for receiver in receivers:
            shared.resolveHostName(receiver, "a.example", 80)
        other = Receiver()
        shared.resolveHostName(other, "b.example", 80)
        self.assertEqual([name for name, _ in resolver.asked], ["a.example", "b.example"])
        resolver.answer(0, FOUR, SIX)
        self.assertEqual([(r.began, r.addresses, r.complete) for r in receivers], [(1, [FOUR, SIX], 1)] * 3)
        self.assertEqual(other.complete, 0)

    def test_not_remembered(self) -> None:
        """The next look-up asks anew, after an answer and after none."""
        resolver = Resolver()
        shared = SharedLookups(resolver)
        for number in range(3):
            receiver = Receiver()
            shared.resolveHostName(receiver, "a.example", 80)
            resolver.answer(number)
            self.assertEqual((receiver.addresses, receiver.complete), ([], 1))
        self.assertEqual(len(resolver.asked), 3)

    def test_resolver_that_raises(self) -> None:
        """A resolver that raises leaves nothing running: the next look-up asks anew."""

        class Broken(Resolver):
            def resolveHostName(self, *values: Any, **more: Any) -> Any:
                self.asked.append(("", None))
                raise RuntimeError

        broken = Broken()
        shared = SharedLookups(broken)
        for _ in range(2):
            self.assertRaises(RuntimeError, shared.resolveHostName, Receiver(), "a.example", 80)
        self.assertEqual(len(broken.asked), 2)

    def test_watched(self) -> None:
        """The watched reactor tells the addresses before the endpoint uses them, and is the reactor in all else."""
        resolver, receiver = Resolver(), Receiver()
        told: list[tuple[tuple[str, ...], int]] = []
        real = object.__new__(type("Reactor", (), {"seconds": lambda self: 42.0}))
        watched = WatchedReactor(real, resolver, lambda addresses: told.append((addresses, receiver.complete)))
        self.assertEqual(watched.seconds(), 42.0)
        watched.nameResolver.resolveHostName(receiver, "a.example", 80)
        resolver.answer(0, FOUR, SIX)
        self.assertEqual(told, [(("192.0.2.1", "2001:db8::1"), 0)])
        self.assertEqual((receiver.addresses, receiver.complete), ([FOUR, SIX], 1))
