"""Is there anybody to send to?"""

from __future__ import annotations

from meshproxy.core.diagnosis import AdminSeen

from .support.diagnosing import BEYOND, ENVOYS, CauseTests, answered, situation, verdict


class NoEndpointsTests(CauseTests):
    """Is there anybody to send to?"""

    def test_the_text(self) -> None:
        """Envoy's text is proof, from either sidecar and from a gateway."""
        found = self.proven("no_endpoints", "own-sidecar", verdict(answered(503, "no healthy upstream", ENVOYS)))
        self.advises(found, "kubectl get endpointslices -n finance -l kubernetes.io/service-name=billing", "ready", "subset")
        self.proven("no_endpoints", "peer-sidecar", verdict(answered(503, "no healthy upstream", {**ENVOYS, **BEYOND})))
        self.proven("no_endpoints", "gateway", verdict(answered(503, "no healthy upstream", ENVOYS), situation(mesh=False)))

    def test_who_quotes_it(self) -> None:
        """A service that quotes the words is the service."""
        for fields in ({"content-type": "text/plain; charset=utf-8", "server": "envoy"}, {"content-type": "text/html", "server": "envoy"},
                       {"content-type": "text/plain"}, {**ENVOYS, "set-cookie": "a=b"}, {**ENVOYS, "x-powered-by": "Express"}):
            self.proven("service_error", "service", verdict(answered(503, "no healthy upstream", fields)))
        self.proven("service_error", "service", verdict(answered(503, "Error: no healthy upstream", ENVOYS)))
        self.proven("service_refused", "service", verdict(answered(404, "no healthy upstream", ENVOYS)))

    def test_what_the_admin_counts(self) -> None:
        """The sidecar's own numbers are told."""
        found = verdict(answered(503, "no healthy upstream", ENVOYS), None, AdminSeen(True, "c", endpoints=3, healthy=0))
        self.assertIn("0 healthy of 3", found.because[-1])
