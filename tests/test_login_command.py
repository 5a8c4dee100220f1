"""Why somebody could not log in: ``meshproxy login-report``."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.support.command_line import MemoryShell, run

STEPS = [
    {"time": "2026-11-24T08:30:00.042Z", "event": "login.started", "provider": "corp", "client": "192.0.2.7", "request_id": "r1"},
    {"time": "2026-11-24T08:30:09.000Z", "event": "login.failed", "provider": "corp", "reason": "nonce differs", "request_id": "r2"},
]


class LoginReport(SynchronousTestCase):
    def test_step_by_step(self) -> None:
        """Each event in its order with its reason; JSON as it was told."""
        shell = MemoryShell({"login-report": {"code": "K7QP2M", "steps": STEPS}})
        ran = run("login-report", "k7qp2m", shell=shell)
        self.assertEqual((ran.status, shell.asked), (0, [("login-report", {"code": "k7qp2m"})]))
        self.assertLess(ran.out.index("login.started"), ran.out.index("nonce differs"))
        self.assertEqual(json.loads(run("login-report", "x", "--json", shell=shell).out)["steps"], STEPS)
