"""Who refused the connection?"""

from __future__ import annotations

from meshproxy.core.diagnosis import AdminSeen, TlsSeen

from .support.diagnosing import ENVOYS, CauseTests, answered, failed, reset, situation, verdict


class ConnectRefusedTests(CauseTests):
    """Who refused the connection?"""

    def test_our_own(self) -> None:
        """ECONNREFUSED to ourselves is proof; the hint has the service's own names and port."""
        found = self.proven("connect_refused", "nobody", verdict(failed("connect", "refused", error="111", resolved=("10.0.0.7",))))
        self.advises(found, "8080", "kubectl get endpointslices -n finance -l kubernetes.io/service-name=billing")
        self.assertIn("10.0.0.7 port 8080", found.because[0])

    def test_the_sidecars_reason(self) -> None:
        """A sidecar that tells its transport's reason proves it, in the words of any version."""
        for reason in (
            "delayed connect error: 111", "delayed connect error: Connection refused", "immediate connect error: Connection refused"):
            self.proven("connect_refused", "own-sidecar", verdict(reset(f"connection failure, transport failure reason: {reason}")))

    def test_without_a_reason(self) -> None:
        """A sidecar that hides it leaves five others, TLS all of them."""
        for words in ("connection failure", "remote connection failure", "local connection failure"):
            for retried in ("", "retried and the latest "):
                body = f"upstream connect error or disconnect/reset before headers. {retried}reset reason: {words}"
                self.likely("connect_refused", "own-sidecar", verdict(answered(503, body, ENVOYS)), "mtls_mismatch", "tls_name_mismatch",
                            "tls_unknown_ca", "tls_expired", "client_cert_required")

    def test_the_peers_sidecar(self) -> None:
        """The other side's sidecar does not reach its own container: does that listen, and not on localhost alone."""
        found = self.likely("connect_refused", "peer-sidecar", verdict(reset("remote connection failure", beyond=True)))
        self.advises(found, "container", "targetPort", "not on localhost only")

    def test_a_closed_port_in_the_tls_probe(self) -> None:
        """A ClientHello that is closed at once speaks for it, and is told."""
        found = self.likely("connect_refused", "own-sidecar", verdict(reset("connection failure"), None, TlsSeen("eof")))
        self.assertIn("closed at once", found.because[-1])

    def test_the_admin_proves_it(self) -> None:
        """A sidecar that counts handshakes and counted none that failed, but connections, has been refused."""
        admin = AdminSeen(True, "outbound|8080||billing", refused=3, encrypts=True)
        self.proven("connect_refused", "own-sidecar", verdict(reset("connection failure"), None, admin))

    def test_an_admin_that_counts_no_handshakes_proves_nothing(self) -> None:
        """Istio leaves those statistics out."""
        admin = AdminSeen(True, "outbound|8080||billing", refused=3)
        self.likely("connect_refused", "own-sidecar", verdict(reset("connection failure"), None, admin))

    def test_on_this_machine(self) -> None:
        """A service on loopback that no name puts into a cluster gets the machine's own command."""
        found = verdict(failed("connect", "refused"), situation(host="127.0.0.1"))
        self.advises(found, "ss -ltnp 'sport = :8080'")

    def test_a_socket(self) -> None:
        """A Unix socket that is not there."""
        found = self.proven("connect_refused", "nobody", verdict(failed("connect", "refused"), situation("unix", "localhost", 0)))
        self.advises(found, "ls -l")
