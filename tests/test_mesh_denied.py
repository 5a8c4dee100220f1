"""Did a policy refuse us?"""

from __future__ import annotations

from .support.diagnosing import BEYOND, ENVOYS, CauseTests, answered, situation, verdict


class MeshDeniedTests(CauseTests):
    """Did a policy refuse us?"""

    def test_rbac(self) -> None:
        """The text is proof; the advice has our identity, where it is known, and the peer."""
        known = situation(identity="spiffe://acme.internal/ns/edge/sa/meshproxy")
        found = self.proven("mesh_denied", "peer-sidecar", verdict(answered(403, "RBAC: access denied", {**ENVOYS, **BEYOND}), known))
        self.advises(found, '"acme.internal/ns/edge/sa/meshproxy"', "istioctl x authz check deploy/billing.finance")

    def test_an_empty_403(self) -> None:
        """Our own sidecar's is an authorization server's; one from beyond may be the service's."""
        bare = {"server": "envoy", "content-length": "0"}
        self.proven("mesh_denied", "own-sidecar", verdict(answered(403, "", bare)))
        self.likely("mesh_denied", "peer-sidecar", verdict(answered(403, "", {**bare, **BEYOND})), "service_refused", "request_rejected")

    def test_who_quotes_it(self) -> None:
        """A service's own 403 with these words in a page of its own."""
        for body, fields in (
            ("RBAC: access denied", {"content-type": "text/plain; charset=utf-8"}), ("RBAC: access denied for bob", ENVOYS),
                             ('{"error": "RBAC: access denied"}', {"content-type": "application/json", "server": "envoy"})):
            self.proven("service_refused", "service", verdict(answered(403, body, fields)))
