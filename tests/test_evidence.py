from twisted.trial import unittest

from meshproxy.core.evidence import Evidence


class EvidenceTests(unittest.SynchronousTestCase):
    def test_each_attempt_has_its_own(self) -> None:
        """Two pieces of evidence share nothing that one of them could change."""
        one, other = Evidence(), Evidence()
        one.timings["connect"] = 1.0
        self.assertEqual({}, other.timings)

    def test_nothing_is_claimed_at_first(self) -> None:
        """Before anything was seen it says so: no end, no bytes, no status."""
        evidence = Evidence()
        self.assertEqual(("", 0, b"", None, False), (
            evidence.end, evidence.received_bytes, evidence.first_bytes, evidence.status, evidence.body_complete))
