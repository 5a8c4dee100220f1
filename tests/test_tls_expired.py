"""Whose certificate is outside its dates?"""

from __future__ import annotations

from meshproxy.core.diagnosis import AdminSeen, TlsSeen

from .support.diagnosing import NOW, CauseTests, failed, reset, situation, verdict, workload

OLD = workload(ends_in=-86400.0)
FINE = workload()


class TlsExpiredTests(CauseTests):
    """Whose certificate is outside its dates?"""

    def test_theirs(self) -> None:
        """OpenSSL's words are proof: theirs is to be renewed."""
        for words in ("certificate has expired", "certificate is not yet valid"):
            found = self.proven("tls_expired", "nobody", verdict(failed("tls", "tls", error=words), situation("https")))
            self.advises(found, "Renew the service's certificate", "openssl")

    def test_ours(self) -> None:
        """Alert 45 is about ours."""
        words = "sslv3 alert certificate expired"
        found = self.proven("tls_expired", "nobody", verdict(failed("tls", "tls", error=words, tls_reasons=(words,)), situation("https")))
        self.advises(found, "Renew our certificate", "cert_file")

    def test_the_sidecars_reason(self) -> None:
        """Either way round in a sidecar's words; a restart renews it."""
        for reason in ("verify cert failed: X509_verify_cert: certificate verification error at depth 0: certificate has expired",
                       "TLS_error:|268436501:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED:TLS_error_end"):
            found = self.proven(
                "tls_expired", "own-sidecar", verdict(reset(f"remote connection failure, transport failure reason: {reason}"))
            )
            self.advises(found, "restart", "istioctl proxy-config secret")

    def test_the_dates_themselves(self) -> None:
        """A peer that shows an old certificate, or our own sidecar that carries one, comes before the rest of the group."""
        found = self.likely("tls_expired", "own-sidecar", verdict(reset("connection failure"), None, TlsSeen("handshake", OLD, True)))
        self.assertIn("it ended on", found.because[-1])
        admin = AdminSeen(True, "c", tls_failed=1, encrypts=True, identity_ends=NOW - 10)
        found = verdict(reset("connection failure"), None, TlsSeen("handshake", FINE, True), admin)
        self.assertIn("our own certificate ended", self.likely("tls_expired", "own-sidecar", found).because[-1])
