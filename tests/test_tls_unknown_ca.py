"""Who does not trust whom?"""

from __future__ import annotations

from meshproxy.core.diagnosis import AdminSeen, TlsSeen

from .support.diagnosing import CauseTests, failed, reset, situation, verdict, workload

PEER = workload(issuer="O=other")


class TlsUnknownCaTests(CauseTests):
    """Who does not trust whom?"""

    def test_we_do_not_trust_them(self) -> None:
        """OpenSSL's words are proof: ca_file."""
        for words in ("unable to get local issuer certificate", "self-signed certificate", "self signed certificate in certificate chain"):
            found = self.proven("tls_unknown_ca", "nobody", verdict(failed("tls", "tls", error=words), situation("https")))
            self.advises(found, "ca_file", "services/billing.toml")

    def test_they_do_not_trust_us(self) -> None:
        """Alert 48 is about our certificate."""
        words = "tlsv1 alert unknown ca"
        found = self.proven(
            "tls_unknown_ca", "nobody", verdict(failed("tls", "tls", error=words, tls_reasons=(words,)), situation("https"))
        )
        self.advises(found, "cert_file")

    def test_the_sidecars_reason(self) -> None:
        """Either way round in a sidecar's words: trust domain and root."""
        for reason in (
            "certificate verification error at depth 0: unable to get local issuer certificate", "TLS_error:|TLSV1_ALERT_UNKNOWN_CA"):
            found = self.proven("tls_unknown_ca", "own-sidecar", verdict(reset(f"connection failure, transport failure reason: {reason}")))
            self.advises(found, "trust domain", "root")

    def test_a_peer_that_would_not_trust_itself(self) -> None:
        """It shows a certificate of a CA that it does not accept from others: in a mesh both are the same root."""
        strange = TlsSeen("handshake", PEER, True, accepts=("O=acme",), issuers=("O=other",))
        self.likely("tls_unknown_ca", "own-sidecar", verdict(reset("connection failure"), None, strange), "tls_name_mismatch")

    def test_another_trust_domain(self) -> None:
        """Our own identity is of another trust domain than the peer's."""
        found = verdict(reset("connection failure"), situation(identity="spiffe://elsewhere/ns/a/sa/b"), TlsSeen("handshake", PEER, True))
        self.likely("tls_unknown_ca", "own-sidecar", found)

    def test_the_admin_counts_it(self) -> None:
        """The sidecar could not verify what it was shown."""
        admin = AdminSeen(True, "c", not_trusted=1, tls_failed=1, encrypts=True)
        self.likely("tls_unknown_ca", "own-sidecar", verdict(reset("connection failure"), None, admin), "tls_expired")
