"""Which names are the upstream's, and which are foreign?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis.values import Probe, cluster_parts, name_of

from .support.diagnosing import NAME, situation


class NameTests(SynchronousTestCase):
    """Authorities and names of Kubernetes."""

    def test_name_of(self) -> None:
        """Port, final dot and case are no part of a name; brackets are."""
        for authority, name in (("A.B:80", "a.b"), ("a.", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("a", "a")):
            self.assertEqual(name, name_of(authority))

    def test_cluster_parts(self) -> None:
        """Two labels, or more with svc in third place; no address."""
        for name, parts in (("a.b", ("a", "b")), ("a.b.svc", ("a", "b")), (NAME, ("billing", "finance")), ("a", None),
                            ("www.example.com", None),
                            ("10.0.0.1", None), ("a..svc", None)):
            self.assertEqual(parts, cluster_parts(name))


class SituationTests(SynchronousTestCase):
    """Whether a sidecar can know the Host that is sent."""

    def test_the_upstreams_names(self) -> None:
        """Its own in every form of the cluster."""
        for sent in (NAME, f"{NAME}:8080", "billing.finance", "billing.finance.svc:1", NAME.upper()):
            self.assertTrue(situation(sent=sent).names_upstream)
            self.assertFalse(situation(sent=sent).foreign_host)

    def test_foreign_names(self) -> None:
        """Anything else is; so is the address of a pod."""
        for sent in ("grafana.example.com", "orders.shop", "billing"):
            self.assertTrue(situation(sent=sent).foreign_host)
        self.assertTrue(situation(host="10.0.0.1").foreign_host)
        self.assertFalse(situation(host="10.0.0.1", sent=NAME).foreign_host)

    def test_through_a_tunnel(self) -> None:
        """Towards loopback a name of the cluster is believed, the public one is not."""
        self.assertFalse(situation(host="127.0.0.1", sent=NAME).foreign_host)
        self.assertFalse(situation(host="127.0.0.1").foreign_host)
        self.assertTrue(situation(host="127.0.0.1", sent="grafana.example.com").foreign_host)
        self.assertTrue(situation(host="127.0.0.1", sent="a.b", public_host="a.b").foreign_host)

    def test_who_it_is(self) -> None:
        """Service and namespace from the upstream's name, else from the Host, else the conf directory's name."""
        self.assertEqual(("billing", "finance"), (situation().workload, situation().namespace))
        about = situation(host="127.0.0.1", sent="orders.shop.svc")
        self.assertEqual(("orders", "shop"), (about.workload, about.namespace))
        self.assertEqual(("billing", ""), (situation(host="127.0.0.1").workload, situation(host="127.0.0.1").namespace))


class ProbeTests(SynchronousTestCase):
    """A probe in the report."""

    def test_as_dict(self) -> None:
        """Host and who answered only where there is such a thing; times in milliseconds."""
        self.assertEqual({"probe": "tls", "outcome": "refused", "ms": 12}, Probe("tls", "refused", seconds=0.0123).as_dict())
        told = Probe("host", "503", "a.b", "own-sidecar", 0.2).as_dict()
        self.assertEqual({"probe": "host", "host": "a.b", "outcome": "503", "answered_by": "own-sidecar", "ms": 200}, told)
