"""Does a sidecar understand what the service speaks?"""

from __future__ import annotations

from .support.diagnosing import CauseTests, reset, verdict


class ProtocolMismatchTests(CauseTests):
    """Does a sidecar understand what the service speaks?"""

    def test_protocol_error(self) -> None:
        """Envoy's 502 is proof; the port's name decides what it expects."""
        for beyond, who in ((False, "own-sidecar"), (True, "peer-sidecar")):
            found = self.proven("protocol_mismatch", who, verdict(reset("protocol error", beyond=beyond, status=502)))
            self.advises(found, "appProtocol", "port's name")

    def test_a_port_that_closes(self) -> None:
        """Some ports just close: then it is one of several."""
        self.assertIn("protocol_mismatch", verdict(reset("connection termination")).also)
