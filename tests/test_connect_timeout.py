"""When was there no connection in time?"""

from __future__ import annotations

from meshproxy.core.diagnosis import HostSeen, PlainSeen

from .support.diagnosing import CauseTests, failed, reset, situation, verdict


class ConnectTimeoutTests(CauseTests):
    """When was there no connection in time?"""

    def test_our_own(self) -> None:
        """Our timer while connecting, or no route, is proof; a NetworkPolicy comes first."""
        found = self.proven("connect_timeout", "nobody", verdict(failed("connect", "timeout")))
        self.advises(found, "NetworkPolicy", "wrong", "networkpolicies -n finance")
        self.proven("connect_timeout", "nobody", verdict(failed("connect", "unreachable")))

    def test_the_sidecars_words(self) -> None:
        """A sidecar's timer covers the handshake as well, so that TLS remains."""
        self.likely("connect_timeout", "own-sidecar", verdict(reset("connection timeout")), "mtls_mismatch")

    def test_the_sidecars_reason(self) -> None:
        """110 and 113 are proof."""
        for reason in ("delayed connect error: 110", "delayed connect error: 113", "delayed connect error: No route to host"):
            self.proven("connect_timeout", "own-sidecar", verdict(reset(f"connection failure, transport failure reason: {reason}")))

    def test_plaintext_is_understood(self) -> None:
        """Where an invented Host reaches the service unencrypted, the sidecar waits for TLS that never comes."""
        found = verdict(reset("connection timeout"), None, HostSeen("invented", "200 service ", "service", 200))
        self.likely("mtls_mismatch", "own-sidecar", found, "connect_timeout")

    def test_a_handshake_that_hangs(self) -> None:
        """Towards https nobody knows at first whether there is TLS at all; a port that speaks no HTTP either settles it."""
        https = situation("https")
        self.likely("connect_timeout", "nobody", verdict(failed("tls", "timeout"), https), "tls_to_plain")
        self.proven("connect_timeout", "nobody", verdict(failed("tls", "timeout"), https, PlainSeen(False)))
