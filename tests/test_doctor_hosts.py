"""Which other Hosts does the doctor try?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.doctor.hosts import INVENTED, host_forms

from .support.diagnosing import NAME, situation


class HostFormTests(SynchronousTestCase):
    """Each once, never the one that was sent."""

    def test_the_upstreams_own_name(self) -> None:
        """Sent with its port: without it, and an invented one."""
        self.assertEqual({"invented": INVENTED, "without-port": NAME}, host_forms(situation()))
        self.assertEqual({"invented": INVENTED}, host_forms(situation(port=80)))

    def test_a_literal(self) -> None:
        """The upstream's own, with and without port."""
        forms = host_forms(situation(sent="a.example.com"))
        self.assertEqual({"invented": INVENTED, "upstream": f"{NAME}:8080", "without-port": NAME}, forms)

    def test_a_short_name(self) -> None:
        """The full name of the cluster too."""
        forms = host_forms(situation(host="billing.finance"))
        self.assertEqual("billing.finance.svc.cluster.local:8080", forms["full"])

    def test_the_public_name(self) -> None:
        """What browsers send, unless it is the upstream's own."""
        self.assertEqual("b.example.com", host_forms(situation(public_host="b.example.com"))["public"])
        self.assertNotIn("public", host_forms(situation(sent="b.example.com", public_host="b.example.com")))

    def test_a_socket(self) -> None:
        """Behind a socket nobody routes by Host."""
        self.assertEqual({"invented"}, set(host_forms(situation("unix", "localhost", 0))))

    def test_none_twice(self) -> None:
        """Whatever coincides is asked once."""
        for about in (situation(host="localhost", public_host="localhost"), situation(host="a.b", port=80, sent="a.b")):
            hosts = [*host_forms(about).values(), about.sent_host]
            self.assertEqual(len(hosts), len(set(hosts)))
