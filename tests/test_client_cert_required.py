"""Does the other side want a certificate of ours?"""

from __future__ import annotations

from meshproxy.core.diagnosis import AdminSeen, TlsSeen

from .support.diagnosing import CauseTests, failed, reset, situation, verdict, workload

PEER = workload()


class ClientCertRequiredTests(CauseTests):
    """Does the other side want a certificate of ours?"""

    def test_it_says_so(self) -> None:
        """Alert 116 is proof."""
        words = "tlsv13 alert certificate required"
        found = self.proven(
            "client_cert_required", "nobody", verdict(failed("tls", "tls", error=words, tls_reasons=(words,)), situation("https"))
        )
        self.advises(found, "cert_file", "services/billing.toml")

    def test_other_alerts(self) -> None:
        """Alerts 40 and 42 are, once a CertificateRequest was seen."""
        for words in ("sslv3 alert handshake failure", "ssl/tls alert handshake failure", "ssl/tls alert bad certificate"):
            evidence = failed("tls", "tls", error=words, tls_reasons=(words,))
            self.likely("client_cert_required", "nobody", verdict(evidence, situation("https")))
            self.proven("client_cert_required", "nobody", verdict(evidence, situation("https"), TlsSeen("handshake", PEER, True)))

    def test_a_close_after_the_request_for_one(self) -> None:
        """TLS 1.3 judges after the handshake: a close without a byte, on a port that asks for a certificate."""
        found = verdict(failed("head", "reset"), situation("https"), TlsSeen("handshake", PEER, True))
        self.likely("client_cert_required", "nobody", found, "closed_early")

    def test_the_sidecars_reason(self) -> None:
        """A sidecar that sent none: its DestinationRule."""
        reason = "TLS_error:|268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end"
        found = self.proven(
            "client_cert_required", "own-sidecar", verdict(reset(f"remote connection failure, transport failure reason: {reason}"))
        )
        self.advises(found, "DestinationRule", "ISTIO_MUTUAL")

    def test_the_peer_broke_off(self) -> None:
        """The sidecar's handshake failed, and not because of what it was shown."""
        admin = AdminSeen(True, "c", tls_failed=2, encrypts=True)
        found = verdict(reset("connection failure"), None, TlsSeen("handshake", PEER, True), admin)
        self.likely("client_cert_required", "own-sidecar", found, "tls_unknown_ca", "tls_expired")
