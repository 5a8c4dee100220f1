"""The public listener's factory."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.ssl import CertificateOptions
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory

from meshproxy.settings import LimitSettings
from meshproxy.web.channel import MeshChannel

from .test_channel import ChannelCase


class MeshSiteTests(ChannelCase):
    def test_builds_our_channel(self) -> None:
        """A connection gets our channel, with the peer's address; one over a Unix socket has none."""
        house = self.house()
        channel = house.site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 5))
        assert isinstance(channel, MeshChannel)
        self.assertEqual((channel.peer.address, channel.peer.port), ("192.0.2.1", 5))
        self.assertIs(channel.site, house.site)
        unix = house.site.buildProtocol(UNIXAddress("/x"))
        assert unix is not None
        self.assertEqual(unix.peer.address, "unix")

    def test_too_many(self) -> None:
        """A connection over one of the limits is closed at once, and does not count."""
        for limits, address in ((LimitSettings(connections=1), "192.0.2.2"), (LimitSettings(connections_per_peer=1), "192.0.2.7")):
            house = self.house(limits=limits)
            first = house.browser()
            self.assertTrue(house.browser(address).disconnected)
            self.assertEqual(len(house.gateway.channels), 1)
            first.lost()
            self.assertFalse(house.browser(address).disconnected)

    def test_too_many_under_tls(self) -> None:
        """Under TLS too: what is built for a connection over the limit can be wrapped."""
        house = self.house(limits=LimitSettings(connections=1))
        house.browser()
        wrapped = TLSMemoryBIOFactory(CertificateOptions(), False, house.site)
        protocol = wrapped.buildProtocol(IPv4Address("TCP", "192.0.2.2", 5))
        transport = StringTransport()
        protocol.makeConnection(transport)
        self.assertTrue(transport.disconnected)

    def test_resource(self) -> None:
        """The site's root is the tree of the running configuration, whatever ``Site`` was given."""
        house = self.house()
        self.assertIs(house.site.resource, house.tree)
        other = object()
        house.gateway.tree = other
        self.assertIs(house.site.resource, other)
