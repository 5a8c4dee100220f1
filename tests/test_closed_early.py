"""What if the connection just ends?"""

from __future__ import annotations

from meshproxy.core.diagnosis import TlsSeen

from .support.diagnosing import CauseTests, failed, reset, situation, verdict


class ClosedEarlyTests(CauseTests):
    """What if the connection just ends?"""

    def test_our_own_connection(self) -> None:
        """Without a byte of an answer it is closed_early first; in a mesh TLS and policies remain."""
        for end in ("eof", "reset"):
            found = self.likely(
                "closed_early", "nobody", verdict(failed("head", end)), "mtls_mismatch", "mesh_denied", "plain_to_tls", "http2_only"
            )
            self.advises(found, "crash", "keep-alive", "kubectl logs -n finance svc/billing")

    def test_outside_a_mesh(self) -> None:
        """Where no mesh is expected, TLS and HTTP/2 on the port come before it."""
        found = verdict(failed("head", "eof"), situation(mesh=False))
        self.assertEqual(("plain_to_tls", "http2_only", "mtls_mismatch", "mesh_denied"), found.also)

    def test_beyond_the_peer(self) -> None:
        """The peer's sidecar had its connection to the container closed: the application."""
        self.likely("closed_early", "peer-sidecar", verdict(reset("connection termination", beyond=True)), "protocol_mismatch")
        self.likely("closed_early", "peer-sidecar", verdict(reset("remote reset", beyond=True)))

    def test_no_tls_on_the_port(self) -> None:
        """Our own sidecar's connection was closed, and a ClientHello shows that no STRICT port is there."""
        self.likely("closed_early", "own-sidecar", verdict(reset("connection termination"), None, TlsSeen("eof")), "mtls_mismatch")

    def test_a_reused_connection_is_told(self) -> None:
        """That it had served before points to keep-alive."""
        self.assertIn("served before", verdict(failed("head", "reset", reused=True)).because[0])
