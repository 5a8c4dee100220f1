"""What does the doctor say in the end?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.doctor.bypass import Bypass
from meshproxy.doctor.report import Report, ServiceReport

from .support.diagnosing import answered, failed, reset, verdict

GOOD = ServiceReport("grafana", "http://grafana:80", 0.04, verdict(answered(200)))
BAD = ServiceReport("billing", "http://billing:80", 1.26, verdict(reset("connection failure")))
WORSE = ServiceReport("orders", "http://orders:80", 0.5, verdict(failed("connect", "refused")))


class ReportTests(SynchronousTestCase):
    """For machines and for people."""

    def test_as_dict(self) -> None:
        """The keys of diagnosis.md §1, in its order."""
        (told,) = Report((BAD,)).as_dict()["services"]  # type: ignore[misc]
        keys = ("service", "upstream", "seconds", "status", "answered_by", "cause", "confidence", "also", "because", "hints", "probes")
        self.assertEqual(keys, tuple(told))
        self.assertEqual(("billing", 1.3, 503), (told["service"], told["seconds"], told["status"]))

    def test_exit_status(self) -> None:
        """0 when every cause is ok."""
        self.assertEqual((0, 1, 0), tuple(Report(services).exit_status for services in ((GOOD,), (GOOD, BAD), ())))

    def test_two_sentences(self) -> None:
        """What is wrong, in words, and what to do first."""
        said = Report((GOOD, BAD)).in_two_sentences()
        self.assertIn("billing: our own sidecar answered 503; most likely the next hop refuses the connection (connect_refused).", said)
        self.assertIn("What to do first: Is a pod of billing ready", said)
        self.assertIn("2 of 3 services have trouble; billing:", Report((GOOD, BAD, WORSE)).in_two_sentences())
        self.assertIn("orders: nobody answered; the next hop", Report((WORSE,)).in_two_sentences())

    def test_when_all_is_well(self) -> None:
        """Says so, and that is all."""
        self.assertEqual("grafana answers. Nothing needs to be done.", Report((GOOD,)).in_two_sentences())
        self.assertEqual("All 2 services answer. Nothing needs to be done.", Report((GOOD, GOOD)).in_two_sentences())
        self.assertEqual("There is no service to examine.", Report(()).in_two_sentences())

    def test_a_way_around(self) -> None:
        """A service that answers strangers is trouble although it answers us."""
        open_ = ServiceReport("grafana", "http://grafana:80", 0.1, verdict(answered(200)), Bypass(True, "it answers", ("Make it STRICT",)))
        self.assertEqual((False, "grafana can be reached around meshproxy. What to do first: Make it STRICT"),
                         (open_.ok, Report((open_,)).in_two_sentences()))
        self.assertTrue(open_.as_dict()["bypass"]["reachable"])  # type: ignore[index]
        shut = ServiceReport("grafana", "http://grafana:80", 0.1, verdict(answered(200)), Bypass(None, "unknown"))
        self.assertTrue(shut.ok)
