"""Login attempts, step by step: :mod:`meshproxy.observe.login_reports`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.observe.login_reports import LoginReports


class LoginReportTests(SynchronousTestCase):
    def test_the_steps_of_an_attempt(self) -> None:
        """In their order, without what is empty; events of no login are not kept."""
        reports = LoginReports()
        reports.audited({"time": "1", "event": "login.started", "attempt": "A2", "provider": "corp", "principal": None, "reason": ""})
        reports.audited({"time": "2", "event": "request.forwarded"})
        reports.audited({"time": "3", "event": "login.failed", "attempt": "A2", "reason": "state", "request_id": "r"})
        self.assertEqual(reports.find(" a2 "), [
            {"time": "1", "event": "login.started", "provider": "corp"},
            {"time": "3", "event": "login.failed", "reason": "state", "request_id": "r"},
        ])
        self.assertIsNone(reports.find("B2"))

    def test_what_was_asked(self) -> None:
        """Steps stand between the events, with their time; however many there are, there is room for how the attempt ended."""
        reports = LoginReports()
        reports.audited({"time": "1", "event": "login.started", "attempt": "A2"})
        for _ in range(100):
            reports.step("a2", "token endpoint: invalid_grant", 1_800_000_000.0)
        reports.audited({"time": "3", "event": "login.failed", "attempt": "A2", "reason": "refused"})
        found = reports.find("A2") or []
        self.assertEqual(found[1], {"time": "2027-01-15T08:00:00.000Z", "event": "step", "words": "token endpoint: invalid_grant"})
        self.assertEqual((len(found), found[0]["event"], found[-1]["reason"]), (41, "login.started", "refused"))

    def test_it_is_bounded(self) -> None:
        """So many attempts, the oldest goes first; so many steps of each."""
        reports = LoginReports(attempts=2)
        for code in ("A", "B", "A", "C"):
            reports.audited({"time": "1", "event": "login.started", "attempt": code})
        self.assertIsNone(reports.find("B"))
        self.assertEqual(len(reports.find("A") or ()), 2)
        for _ in range(100):
            reports.audited({"time": "1", "event": "login.failed", "attempt": "C"})
        self.assertEqual(len(reports.find("C") or ()), 60)
