import re
from pathlib import Path

from twisted.trial import unittest

from meshproxy.observe.catalogue import CATALOGUE, DURATION_BUCKETS

ROOT = Path(__file__).resolve().parents[1]


class CatalogueTests(unittest.SynchronousTestCase):
    def test_names(self) -> None:
        """Every name begins with ours; counters end in _total, a sum of seconds or bytes says its unit."""
        for name, metric in CATALOGUE.items():
            self.assertRegex(name, r"^meshproxy_[a-z_]+[a-z]$")
            self.assertEqual(metric.kind == "counter", name.endswith("_total"), name)

    def test_no_label_of_a_person_or_path(self) -> None:
        """Labels are of closed, small sets: a figure never names who asked or for what."""
        allowed = {"service", "status", "event", "answered_by", "cause", "provider", "outcome", "logger", "file"}
        allowed |= {"version", "python", "twisted"}
        self.assertEqual(set(), {label for metric in CATALOGUE.values() for label in metric.labels} - allowed)

    def test_buckets_rise(self) -> None:
        """The bounds of durations rise."""
        self.assertEqual(sorted(set(DURATION_BUCKETS)), list(DURATION_BUCKETS))

    def test_documented(self) -> None:
        """Every metric stands in the documentation, and no metric stands there that is none."""
        text = (ROOT / "docs" / "running.md").read_text("utf-8")
        self.assertEqual(set(CATALOGUE), set(re.findall(r"`(meshproxy_[a-z_]+)", text)))
