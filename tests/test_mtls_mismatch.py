"""Do both sides agree about mutual TLS?"""

from __future__ import annotations

from meshproxy.core.diagnosis import AdminSeen, HostSeen, TlsSeen

from .support.diagnosing import CauseTests, failed, reset, verdict, workload

MESH = workload()


class MtlsMismatchTests(CauseTests):
    """Do both sides agree about mutual TLS?"""

    def test_the_right_host_and_an_end(self) -> None:
        """Today's form of the classic: 'connection termination' from our own sidecar, with the right Host."""
        found = self.likely("mtls_mismatch", "own-sidecar", verdict(reset("connection termination")), "closed_early", "mesh_denied",
                            "protocol_mismatch", "http2_only")
        self.advises(found, "PeerAuthentication", "DestinationRule", "tls.mode", "injected")

    def test_the_sidecars_reason(self) -> None:
        """WRONG_VERSION_NUMBER is proof."""
        reason = "TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end"
        self.proven("mtls_mismatch", "own-sidecar", verdict(reset(f"remote connection failure, transport failure reason: {reason}")))

    def test_no_sidecar_of_ours(self) -> None:
        """A STRICT port that we meet ourselves: our own pod is the first to look at."""
        found = self.likely("mtls_mismatch", "nobody", verdict(failed("head", "reset"), None, TlsSeen("handshake", MESH, True)))
        self.advises(found, "our own pod injected")
        self.assertIn("spiffe://acme/ns/finance/sa/billing", found.because[-1])

    def test_plaintext_works(self) -> None:
        """A sidecar that cannot connect, and a service that answers an invented Host in plaintext."""
        for reason in ("connection failure", "connection timeout"):
            self.likely("mtls_mismatch", "own-sidecar", verdict(reset(reason), None, HostSeen("invented", "200 service ", "service", 200)))

    def test_a_plain_answer_to_a_client_hello(self) -> None:
        """A service that answers a ClientHello with HTTP has no TLS; our own sidecar's 400 proves nothing."""
        plain = TlsSeen("plain", spoke=b"HTTP/1.1 400 Bad Request\r\nserver: gunicorn\r\n\r\n")
        self.likely("mtls_mismatch", "own-sidecar", verdict(reset("connection failure"), None, plain), "connect_refused")
        ours = TlsSeen("plain", spoke=b"HTTP/1.1 400 Bad Request\r\nserver: envoy\r\n\r\n")
        self.likely("connect_refused", "own-sidecar", verdict(reset("connection failure"), None, ours))

    def test_the_admin_proves_it(self) -> None:
        """Our sidecar has no TLS for that cluster, and the port is a workload's."""
        admin = AdminSeen(True, "outbound|8080||billing", encrypts=False)
        self.proven("mtls_mismatch", "own-sidecar", verdict(reset("connection termination"), None, TlsSeen("handshake", MESH, True), admin))

    def test_a_handshake_that_succeeded(self) -> None:
        """Then both agree, and a policy or the service closed."""
        admin = AdminSeen(True, "outbound|8080||billing", encrypts=True, handshakes=1)
        found = verdict(reset("connection termination"), None, TlsSeen("handshake", MESH, True), admin)
        self.likely("mesh_denied", "own-sidecar", found, "closed_early", "mtls_mismatch")
