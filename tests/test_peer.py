from twisted.trial import unittest

from meshproxy.core.peer import Peer


class PeerTests(unittest.SynchronousTestCase):
    def test_nobody_is_trusted_by_default(self) -> None:
        """A peer of which nothing is known is neither trusted nor our sidecar, and has no identity."""
        peer = Peer("192.0.2.1")
        self.assertEqual((False, False, None, None), (peer.trusted, peer.sidecar, peer.spiffe_id, peer.certificate))
