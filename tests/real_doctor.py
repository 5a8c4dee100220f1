"""The doctor in a mesh of failures: a real Envoy on both sides, every service failing in its own way, and what is said of each."""

from __future__ import annotations

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest

from meshproxy.configured import read
from meshproxy.doctor import Report, run

from .support.failing_mesh import FailingMesh
from .support.mesh import SKIP

#: service: who answered, the cause, and what else may be named first where a client cannot tell them apart
TRUTH: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "fine": ("service", "ok", ()),
    "refused": ("own-sidecar", "connect_refused", ()),
    "refusedplain": ("own-sidecar", "connect_refused", ()),
    "wrongname": ("own-sidecar", "tls_name_mismatch", ()),
    "wrongca": ("own-sidecar", "tls_unknown_ca", ()),
    "theyexpired": ("own-sidecar", "tls_expired", ()),
    "weexpired": ("own-sidecar", "tls_expired", ("tls_name_mismatch", "client_cert_required")),
    "nocert": ("own-sidecar", "client_cert_required", ("tls_name_mismatch",)),
    "stranger": ("own-sidecar", "tls_unknown_ca", ("tls_name_mismatch", "client_cert_required")),
    "nosidecar": ("nobody", "mtls_mismatch", ()),
    "nosidecarbad": ("nobody", "mtls_mismatch", ()),
    "plaintostrict": ("own-sidecar", "mtls_mismatch", ()),
    "closes": ("own-sidecar", "closed_early", ()),
    "resets": ("own-sidecar", "closed_early", ()),
    "peercloses": ("peer-sidecar", "closed_early", ()),
    "peerrefused": ("peer-sidecar", "connect_refused", ()),
    "http2port": ("own-sidecar", "http2_only", ("closed_early",)),
    "http2told": ("own-sidecar", "protocol_mismatch", ()),
    "garbage": ("peer-sidecar", "protocol_mismatch", ()),
    "noendpoints": ("own-sidecar", "no_endpoints", ()),
    "nocluster": ("own-sidecar", "route_missing", ()),
    "noroute": ("own-sidecar", "route_missing", ()),
    "nohost": ("own-sidecar", "host_not_in_mesh", ()),
    "nohostregistry": ("own-sidecar", "host_not_in_mesh", ()),
    "slow": ("own-sidecar", "response_timeout", ()),
    "denied": ("peer-sidecar", "mesh_denied", ()),
    "deniedtcp": ("own-sidecar", "mesh_denied", ("mtls_mismatch",)),
    "fault": ("peer-sidecar", "fault_injected", ()),
    "own503": ("service", "service_error", ()),
    "quotes": ("service", "service_error", ()),
    "bare404": ("peer-sidecar", "service_refused", ("route_missing",)),
}


class DoctorInTheMesh(unittest.TestCase):
    """What the doctor says of thirty failures, each made by a real Envoy."""

    timeout = 120
    if SKIP:
        skip = SKIP

    def setUp(self) -> None:
        self.lab = FailingMesh(reactor, Path(self.mktemp()).absolute())

    def test_by_the_wire_alone(self) -> Deferred[None]:
        """Without the sidecar's admin every cause is named, or stands among those that leave the same marks."""
        return Deferred.fromCoroutine(self.examined(admin=False))

    def test_with_the_sidecars_admin(self) -> Deferred[None]:
        """With it, what only the sidecar knows is proven: whose name, who refused, that nobody listens."""
        return Deferred.fromCoroutine(self.examined(admin=True))

    async def examined(self, *, admin: bool) -> None:
        try:
            await self.lab.start()
            conf = self.lab.conf(Path(self.mktemp()).absolute(), admin=admin)
            report = await run(reactor, read(conf))
            around = await run(reactor, read(conf), ["fine", "noroute"], bypass=True)
        finally:
            await self.lab.stop()
        self.judged(report)
        found = {one.service: one.diagnosis for one in report.services}
        if admin:
            for case in ("refused", "refusedplain", "wrongname", "plaintostrict"):
                self.assertEqual("proven", found[case].confidence, case)
            self.assertEqual("client_cert_required", found["nocert"].cause)
            self.assertEqual("mesh_denied", found["deniedtcp"].cause)
        reachable = {one.service: one.bypass.reachable for one in around.services if one.bypass is not None}
        self.assertEqual({"fine": False, "noroute": True}, reachable)

    def judged(self, report: Report) -> None:
        self.assertEqual(set(TRUTH), {one.service for one in report.services})
        for one in report.services:
            who, cause, forgivable = TRUTH[one.service]
            found = one.diagnosis
            self.assertEqual(who, found.answered_by, one.service)
            self.assertIn(found.cause, (cause, *forgivable), one.service)
            if found.cause != cause:
                self.assertEqual("likely", found.confidence, one.service)
                self.assertIn(cause, found.also, one.service)
            self.assertLess(one.seconds, 10.0)
            self.assertTrue(found.because)
            self.assertEqual(cause == "ok", not found.hints)
        self.assertEqual(1, report.exit_status)
