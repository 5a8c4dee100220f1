"""What does the request path tell the diagnosis, and what is asked of answers that pass?"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.diagnosing import Diagnosing, situation_of

from .support.conf_dirs import ConfDir
from .support.diagnosing import failed, reset


class SituationTests(SynchronousTestCase):
    """What is meant, from settings and the request's own record."""

    def setUp(self) -> None:
        self.settings = ConfDir(self).settings()
        (self.service,) = self.settings.services
        self.diagnosing = Diagnosing(self.settings)

    def relay(self, host: str = "orders.shop.svc.cluster.local:8080", method: bytes = b"GET", upgrade: bool = False) -> Any:
        exchange = SimpleNamespace(upstream_authority=host, started_at=1.0)
        return SimpleNamespace(
            service=SimpleNamespace(settings=self.service), exchange=exchange, method=method, facts=SimpleNamespace(upgrade=upgrade))

    def test_names_and_host(self) -> None:
        """The service's own names stand in the advice, and the Host that really went up decides."""
        found = self.diagnosing(failed("connect", "refused"), self.relay())
        self.assertEqual(("nobody", "connect_refused"), (found.answered_by, found.cause))
        self.assertIn("-n shop", found.hints[0])
        self.assertEqual("host_not_in_mesh", self.diagnosing(reset("connection termination"), self.relay("www.example.com")).cause)

    def test_what_passes_is_judged_by_its_head(self) -> None:
        """For the record: a bare 404 that came through the sidecar is doubtful, anything with a word of the service is its own."""
        bare = [(b"server", b"envoy"), (b"content-length", b"0"), (b"x-envoy-upstream-service-time", b"2")]
        passed = self.diagnosing.passed
        self.assertEqual(("peer-sidecar", "route_missing"), passed(self.relay(), 404, bare, 0, False))
        self.assertEqual(("service", "service_refused"), passed(self.relay(), 404, [*bare, (b"content-type", b"text/html")], 900, False))
        self.assertEqual(("service", "service_refused"), passed(self.relay(method=b"HEAD"), 404, [(b"server", b"envoy")], 9, True))
        self.assertEqual(("service", "service_error"), passed(self.relay(), 500, [(b"content-type", b"text/html")], None, False))
        self.assertEqual(("gateway", "gateway_error"), passed(self.relay(), 502, [(b"l5d-proxy-error", b"refused")], 0, False))
        self.assertEqual(("service", "ok"), passed(self.relay(), 304, bare, None, True))

    def test_an_upgrade_is_known(self) -> None:
        """The situation has what the request was."""
        about = self.diagnosing.situation(self.relay(upgrade=True))
        self.assertEqual(("GET", True, 1.0, True), (about.method, about.upgrade, about.now, about.mesh))

    def test_the_host_by_policy(self) -> None:
        """Where nothing went up yet: the upstream's, the browser's, or a literal."""
        for policy, host in (("upstream", "orders.shop.svc.cluster.local:8080"), ("preserve", "apps.example.com"), ("a.b", "a.b")):
            about = situation_of(replace(self.service, request=replace(self.service.request, host=policy)), True)
            self.assertEqual(host, about.sent_host)
        self.assertEqual("x.y", situation_of(self.service, True, "x.y").sent_host)
