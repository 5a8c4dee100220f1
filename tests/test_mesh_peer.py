"""``mesh``."""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from meshproxy.api import Authenticated, ConfError, Peer, Principal
from meshproxy.api.testing import context, make, request_head, run_authenticate
from meshproxy.builtin.mesh_peer import MeshPeer

ORDERS = "spiffe://cluster.local/ns/shop/sa/orders"
GATEWAY = "spiffe://cluster.local/ns/istio-system/sa/gateway"


class MeshPeerTests(TestCase):
    """Who calls through the mesh."""

    async def test_principal(self) -> None:
        """The SPIFFE id of the peer is the subject, `mesh` the issuer; it has no groups."""
        found = await run_authenticate(make(MeshPeer, given=context("workloads")), peer=Peer("127.0.0.6", spiffe_id=ORDERS, sidecar=True))
        self.assertEqual(found, Authenticated(Principal("mesh", ORDERS, provider="workloads")))

    async def test_nobody(self) -> None:
        """A peer without an id is none of ours, whatever the request says."""
        head = request_head(fields={"X-Forwarded-Client-Cert": f"URI={ORDERS}", "Authorization": "Bearer x"})
        self.assertIsNone(await run_authenticate(make(MeshPeer), head, Peer("192.0.2.1")))

    async def test_ignored(self) -> None:
        """A gateway's own identity says nothing about whose request it brings."""
        provider = make(MeshPeer, {"ignore": [GATEWAY]})
        self.assertIsNone(await run_authenticate(provider, peer=Peer("127.0.0.6", spiffe_id=GATEWAY)))
        self.assertIsNotNone(await run_authenticate(provider, peer=Peer("127.0.0.6", spiffe_id=ORDERS)))

    def test_settings(self) -> None:
        """What is no SPIFFE id is refused; no field of the request carries the identity."""
        for bad in ("cluster.local/ns/x", "spiffe://", "spiffe://a", "spiffe:///x"):
            self.assertRaises(ConfError, make, MeshPeer, {"ignore": [bad]})
        self.assertEqual(MeshPeer.consumes, ())
