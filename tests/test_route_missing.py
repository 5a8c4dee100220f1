"""Does an Envoy know where to send it?"""

from __future__ import annotations

from meshproxy.core.diagnosis import HostSeen

from .support.diagnosing import BEYOND, NAME, CauseTests, answered, situation, verdict

BARE = {"server": "envoy", "content-length": "0", "date": "x"}


class RouteMissingTests(CauseTests):
    """Does an Envoy know where to send it?"""

    def test_empty_404(self) -> None:
        """Our own sidecar's empty 404 is no route for the path; its VirtualService is to be looked at."""
        found = self.proven("route_missing", "own-sidecar", verdict(answered(404, "", BARE)))
        self.advises(found, "VirtualService", "subset", "-n finance")

    def test_empty_503(self) -> None:
        """Its empty 503 is a route to a cluster that does not exist: the subset."""
        found = self.proven("route_missing", "own-sidecar", verdict(answered(503, "", BARE)))
        self.advises(found, "subset", "DestinationRule")

    def test_from_beyond(self) -> None:
        """What came through our sidecar may be the service's own bare answer."""
        self.likely("route_missing", "peer-sidecar", verdict(answered(404, "", {**BARE, **BEYOND})), "service_refused")
        self.likely("route_missing", "peer-sidecar", verdict(answered(503, "", {**BARE, **BEYOND})), "service_error")

    def test_with_a_word_of_a_service(self) -> None:
        """Any field that an Envoy does not write makes it the service's."""
        for fields in ({"content-type": "text/html"}, {"set-cookie": "a=b"}, {"x-powered-by": "PHP"}, {"x-request-cost": "3"}):
            self.proven("service_refused", "service", verdict(answered(404, "", {**BARE, **BEYOND, **fields})))

    def test_without_server(self) -> None:
        """A sidecar always writes server: without it nobody of a mesh answered."""
        self.proven("service_refused", "service", verdict(answered(404, "", {"content-length": "0"})))

    def test_a_gateway(self) -> None:
        """Without a mesh it is a gateway whose hosts do not have this one."""
        found = self.proven(
            "route_missing", "gateway", verdict(answered(404, "", {**BARE, "server": "istio-envoy"}), situation(mesh=False))
        )
        self.advises(found, "gateway", NAME)

    def test_an_unknown_host(self) -> None:
        """A Host that is none of the upstream's leaves a doubt until an invented one fares otherwise."""
        odd = situation(sent="grafana.example.com")
        self.assertIn("host_not_in_mesh", (lambda found: (found.cause, *found.also))(verdict(answered(404, "", BARE), odd)))
        other = HostSeen("invented", "503 own-sidecar x", "own-sidecar", 503)
        self.proven("route_missing", "own-sidecar", verdict(answered(404, "", BARE), odd, other))
