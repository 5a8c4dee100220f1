"""What do probes see, as facts?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import AdminSeen, TlsSeen

from .support.diagnosing import workload


class SightingTests(SynchronousTestCase):
    """Facts and what follows from them alone."""

    def test_somebody_speaks_tls(self) -> None:
        """A certificate, a handshake or an alert; not a close, not plain bytes."""
        self.assertTrue(all(seen.shows_tls for seen in (TlsSeen("eof", workload()), TlsSeen("handshake"), TlsSeen("tls"))))
        self.assertFalse(any(TlsSeen(end).shows_tls for end in ("eof", "reset", "timeout", "plain", "refused")))

    def test_a_stranger_to_itself(self) -> None:
        """It accepts other CAs than those its own chain names; where it names none nothing follows."""
        self.assertTrue(TlsSeen("handshake", accepts=("O=a",), issuers=("O=b",)).issued_by_a_stranger)
        for accepts, issuers in ((("O=a",), ("O=b", "O=a")), ((), ("O=b",)), (("O=a",), ())):
            self.assertFalse(TlsSeen("handshake", accepts=accepts, issuers=issuers).issued_by_a_stranger)

    def test_who_broke_off(self) -> None:
        """A handshake that failed, and not by our sidecar's judgement, was refused by the peer."""
        self.assertTrue(AdminSeen(True, tls_failed=1).peer_refused)
        for seen in (AdminSeen(True), AdminSeen(True, tls_failed=1, wrong_name=1), AdminSeen(True, tls_failed=1, not_trusted=1)):
            self.assertFalse(seen.peer_refused)
