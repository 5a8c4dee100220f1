"""What do the counters of our sidecar's admin tell of one request?"""

from __future__ import annotations

import json

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import AdminSeen
from meshproxy.core.evidence import Evidence
from meshproxy.doctor.admin import observe, read_clusters

CLUSTER = "outbound|80||billing.finance.svc.cluster.local"
CERTS = json.dumps({"certificates": [{"ca_cert": [], "cert_chain": [{
    "subject_alt_names": [{"uri": "spiffe://acme/ns/edge/sa/meshproxy"}], "expiration_time": "2026-11-24T00:00:00Z"}]}]})


def clusters(**counts: int) -> str:
    """The text of ``/clusters`` with one cluster of two endpoints, and one that never moves."""
    lines = [f"{CLUSTER}::10.0.0.1:80::{name}::{value}" for name, value in counts.items()]
    lines += [f"{CLUSTER}::10.0.0.1:80::health_flags::healthy", f"{CLUSTER}::10.0.0.2:80::health_flags::/failed_outlier_check",
              f"{CLUSTER}::default_priority::max_connections::1024", "PassthroughCluster::10.9.9.9:80::rq_total::7"]
    return "\n".join(lines)


class Admin:
    """An admin that counts one request."""

    def __init__(self, before: str, after: str, stats_before: str = "", stats_after: str = "", certs: str = CERTS) -> None:
        self.pages = {"/clusters": [before, after], "/stats": [stats_before, stats_after], "/certs": [certs, certs]}
        self.asked = 0

    async def get(self, path: str) -> bytes | None:
        page = self.pages[path.partition("?")[0]][self.asked]
        return page.encode() if page else None

    async def request(self) -> Evidence:
        self.asked += 1
        return Evidence()


class AdminTests(SynchronousTestCase):
    """Before, one request, after."""

    def seen(self, admin: Admin) -> AdminSeen:
        return self.successResultOf(Deferred.fromCoroutine(observe(admin.get, admin.request, "billing.finance.svc.cluster.local")))

    def test_which_cluster(self) -> None:
        """The one whose counters moved; its endpoints and their health are known."""
        found = self.seen(Admin(clusters(rq_total=4, cx_connect_fail=1), clusters(rq_total=5, cx_connect_fail=3)))
        self.assertEqual((True, CLUSTER, 2, 1, 2), (found.reachable, found.cluster, found.endpoints, found.healthy, found.refused))
        self.assertIsNone(found.encrypts)
        self.assertFalse(found.passthrough)

    def test_with_statistics(self) -> None:
        """What Istio leaves out and Envoy has: handshakes, by why they failed."""
        counts = ("upstream_cx_connect_fail: 0", "ssl.fail_verify_san: 1", "ssl.handshake: 9")
        before = "\n".join(f"cluster.{CLUSTER}.{count}" for count in counts)
        after = before.replace("fail: 0", "fail: 1").replace("san: 1", "san: 2")
        found = self.seen(Admin(clusters(rq_total=1), clusters(rq_total=2), before, after))
        self.assertEqual((1, 1, 1, 0, True), (found.refused, found.wrong_name, found.tls_failed, found.handshakes, found.encrypts))

    def test_plaintext(self) -> None:
        """A cluster with statistics and none of handshakes has no TLS."""
        stats = f"cluster.{CLUSTER}.upstream_cx_total: 1"
        self.assertFalse(self.seen(Admin(clusters(rq_total=1), clusters(rq_total=2), stats, stats)).encrypts)

    def test_passthrough(self) -> None:
        """The request went where nobody is known."""
        found = self.seen(Admin(clusters(rq_total=1), clusters(rq_total=1).replace("rq_total::7", "rq_total::8")))
        self.assertEqual(("PassthroughCluster", True), (found.cluster, found.passthrough))

    def test_others_are_busy_too(self) -> None:
        """Where several clusters moved the expected one counts; where none of them is it, none does."""
        after = clusters(rq_total=2).replace("rq_total::7", "rq_total::8")
        self.assertEqual(CLUSTER, self.seen(Admin(clusters(rq_total=1), after)).cluster)
        other = after.replace("billing.finance", "other.place")
        self.assertEqual("", self.seen(Admin(clusters(rq_total=1).replace("billing.finance", "other.place"), other)).cluster)

    def test_our_identity(self) -> None:
        """The SPIFFE id and the end of its certificate."""
        found = self.seen(Admin(clusters(rq_total=1), clusters(rq_total=2)))
        self.assertEqual(("spiffe://acme/ns/edge/sa/meshproxy", 1795478400.0), (found.identity, found.identity_ends))

    def test_what_is_no_admin(self) -> None:
        """Nothing answers, or something else: that is no error, and nothing is known."""
        for page in ("", "<html>hello</html>"):
            self.assertEqual(AdminSeen(False), self.seen(Admin(page, page)))
        for certs in ("", "[]", "{", '{"certificates": [{"cert_chain": [{"subject_alt_names": [{"uri": "spiffe://a"}]}]}]}'):
            self.assertEqual("", self.seen(Admin(clusters(rq_total=1), clusters(rq_total=2), certs=certs)).identity)

    def test_odd_lines(self) -> None:
        """IPv6, sockets and whatever else stands there break nothing."""
        found = read_clusters("a::[::1]:80::rq_total::3\nb::/run/x.sock::rq_total::4\nc::::\nnonsense\nd::1.2.3.4:5::rq_total::many\n")
        self.assertEqual({"a": {"rq_total": 3}, "b": {"rq_total": 4}}, {name: dict(counts) for name, counts in found.counts.items()})
