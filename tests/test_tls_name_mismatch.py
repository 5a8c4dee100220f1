"""Whose certificate is it?"""

from __future__ import annotations

from meshproxy.core.diagnosis import AdminSeen, TlsSeen

from .support.diagnosing import CauseTests, failed, reset, situation, verdict, workload

PEER = workload()


class TlsNameMismatchTests(CauseTests):
    """Whose certificate is it?"""

    def test_our_own_check(self) -> None:
        """Our own judgement of the names is proof, and quotes them; the advice names both keys."""
        words = "name mismatch: the certificate is for other.example, not for billing"
        found = self.proven("tls_name_mismatch", "nobody", verdict(failed("tls", "tls", error=words), situation("https")))
        self.advises(found, "server_name", "spiffe_id")
        self.assertIn("other.example", found.because[0])

    def test_an_unknown_name(self) -> None:
        """A server that knows no such name says so in alert 112."""
        found = failed("tls", "tls", error="tlsv1 unrecognized name", tls_reasons=("tlsv1 unrecognized name",))
        self.proven("tls_name_mismatch", "nobody", verdict(found, situation("https")))

    def test_the_sidecars_reason(self) -> None:
        """A sidecar that tells it proves it: then it is the service account."""
        reason = ("TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: SAN matcher, "
                  "certificate SANs are [spiffe://acme/ns/finance/sa/old]:TLS_error_end")
        found = self.proven(
            "tls_name_mismatch", "own-sidecar", verdict(reset(f"remote connection failure, transport failure reason: {reason}"))
        )
        self.advises(found, "service account", "subjectAltNames")

    def test_a_reason_that_says_little(self) -> None:
        """Some versions print CERTIFICATE_VERIFY_FAILED alone."""
        reason = "TLS error: 268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED"
        found = verdict(reset(f"connection failure, transport failure reason: {reason}"))
        self.likely("tls_name_mismatch", "own-sidecar", found, "tls_unknown_ca", "tls_expired")

    def test_the_peer_shows_itself(self) -> None:
        """A peer that speaks TLS has been reached: the handshake failed, and nobody was refused."""
        found = verdict(reset("connection failure"), None, TlsSeen("handshake", PEER, True))
        self.likely("tls_name_mismatch", "own-sidecar", found, "tls_unknown_ca", "client_cert_required")
        self.assertEqual("connect_refused", found.also[-1])

    def test_the_admin_proves_it(self) -> None:
        """The sidecar counts certificates of the wrong name."""
        admin = AdminSeen(True, "c", wrong_name=1, tls_failed=1, encrypts=True)
        self.proven("tls_name_mismatch", "own-sidecar", verdict(reset("connection failure"), None, admin))
