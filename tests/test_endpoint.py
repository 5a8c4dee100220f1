"""From an upstream to an endpoint."""

from __future__ import annotations

from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint, UNIXClientEndpoint
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Upstream
from meshproxy.upstream.endpoint import endpoint_for
from meshproxy.upstream.lookups import SharedLookups


class EndpointTests(SynchronousTestCase):
    def made(self, upstream: Upstream) -> tuple[object, list[tuple[str, ...]]]:
        reactor = MemoryReactorClock()
        told: list[tuple[str, ...]] = []
        endpoint = endpoint_for(
            reactor, upstream, timeout=5.0, sample_path="/run/sample", lookups=SharedLookups(reactor.nameResolver), resolved=told.append
        )
        return endpoint, told

    def test_kinds(self) -> None:
        """Addresses and paths are used directly and told at once; a name is resolved when it is used."""
        for upstream, kind, told in (
            (Upstream("http", "192.0.2.1", 80), TCP4ClientEndpoint, [("192.0.2.1",)]),
            (Upstream("https", "[2001:db8::1]", 443), TCP6ClientEndpoint, [("2001:db8::1",)]),
            (Upstream("http", "a.example", 80), HostnameEndpoint, []),
            (Upstream("unix", "localhost", 0, "/run/a"), UNIXClientEndpoint, [("/run/a",)]),
            (Upstream("sample", "localhost", 0), UNIXClientEndpoint, [("/run/sample",)]),
        ):
            endpoint, addresses = self.made(upstream)
            self.assertIsInstance(endpoint, kind)
            self.assertEqual(addresses, told)
