"""Does our sidecar know the Host that is sent?"""

from __future__ import annotations

from meshproxy.core.diagnosis import AdminSeen, HostSeen

from .support.diagnosing import NAME, CauseTests, answered, failed, reset, situation, verdict

SAME = HostSeen("invented", "503 own-sidecar connection termination", "own-sidecar", 503)


class HostNotInMeshTests(CauseTests):
    """Does our sidecar know the Host that is sent?"""

    def test_a_closed_registry(self) -> None:
        """Its empty 502 is proof."""
        found = self.proven("host_not_in_mesh", "own-sidecar", verdict(answered(502, "", {"server": "envoy", "content-length": "0"})))
        self.assertIn("REGISTRY_ONLY", found.because[-1])

    def test_a_foreign_host(self) -> None:
        """A Host that is not the upstream's name comes first, whatever the sidecar's reason was."""
        for reason in ("connection termination", "connection failure", "connection timeout"):
            found = self.likely("host_not_in_mesh", "own-sidecar", verdict(reset(reason), situation(sent="grafana.example.com")))
            self.advises(found, '[request] host = "upstream"', "services/billing.toml")

    def test_the_short_names_are_known(self) -> None:
        """``name.namespace`` and ``name.namespace.svc`` are names of the service as well."""
        for name in ("billing.finance:8080", "billing.finance.svc", NAME + ".", NAME.upper()):
            self.likely("mtls_mismatch", "own-sidecar", verdict(reset("connection termination"), situation(sent=name)))

    def test_an_invented_host_fares_the_same(self) -> None:
        """Proof: the upstream's own name has another outcome than the Host sent, which fares like an invented one."""
        better = HostSeen("upstream", "200 service ", "service", 200)
        found = verdict(reset("connection termination"), situation(sent="grafana.example.com"), SAME, better)
        self.assertIn("(200)", self.proven("host_not_in_mesh", "own-sidecar", found).because[-1])

    def test_an_invented_host_fares_otherwise(self) -> None:
        """Then the sidecar knows the Host that is sent."""
        other = HostSeen("invented", "404 own-sidecar empty", "own-sidecar", 404)
        found = verdict(reset("connection termination"), situation(sent="grafana.example.com"), other)
        self.assertNotIn("host_not_in_mesh", (found.cause, *found.also))

    def test_the_passthrough_cluster(self) -> None:
        """Proof: the sidecar's admin saw it go there."""
        admin = AdminSeen(True, "PassthroughCluster", passthrough=True)
        self.proven("host_not_in_mesh", "own-sidecar", verdict(reset("connection termination"), None, admin))

    def test_a_pods_address(self) -> None:
        """An address is no name of a mesh: the full name is advised."""
        found = self.likely("host_not_in_mesh", "own-sidecar", verdict(reset("connection termination"), situation(host="10.1.2.3")))
        self.advises(found, "svc.cluster.local", "namespace")

    def test_never_without_a_sidecar(self) -> None:
        """Nobody else routes by Host like that."""
        for evidence in (failed("head", "eof"), answered(502, "", {"server": "nginx"}), reset("connection termination", beyond=True)):
            found = verdict(evidence, situation(sent="grafana.example.com"))
            self.assertNotEqual("host_not_in_mesh", found.cause)
