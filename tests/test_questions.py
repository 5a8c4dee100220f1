"""meshproxy.workers.questions"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.control import ControlError
from meshproxy.workers import questions
from meshproxy.workers.messages import Unanswered

from .support.sessions import result_of


class PlayedCrew:
    """Workers that answer by tables; no worker is no answer."""

    def __init__(self, *workers: dict[str, Any]) -> None:
        self.workers = workers
        self.asked: list[int] = []

    async def one(self, name: str, /, **about: Any) -> Any:
        if not self.workers:
            raise Unanswered("no worker is serving")
        return await self._ask(0, about)

    async def all(self, name: str, /, **about: Any) -> list[Any]:
        if not self.workers:
            raise Unanswered("no worker is serving")
        return [await self._ask(number, about) for number in range(len(self.workers))]

    async def _ask(self, number: int, about: dict[str, Any]) -> Any:
        self.asked.append(number)

        async def handler(question: Mapping[str, Any]) -> Any:
            found = self.workers[number][about["name"]]
            if isinstance(found, Exception):
                raise found
            return found

        return await questions.answered({about["name"]: handler}, about["name"], about["question"])

    def ask(self, name: str, *, server_side: bool = False, **question: Any) -> Any:
        handler = questions.handlers(self.all, self.one, server_side=server_side)[name]
        return result_of(handler(question))


class QuestionsTests(SynchronousTestCase):
    def test_sessions_in_a_store(self) -> None:
        """What a store knows, one worker tells, and one ends: nothing is counted or recorded twice."""
        crew = PlayedCrew({"sessions.list": {"sessions": [1]}, "sessions.revoke": {"revoked": 2}}, {})
        self.assertEqual({"sessions": [1]}, crew.ask("sessions.list", server_side=True))
        self.assertEqual({"revoked": 2}, crew.ask("sessions.revoke", server_side=True, subject="alice"))
        self.assertEqual([0, 0], crew.asked)

    def test_sessions_in_cookies(self) -> None:
        """Sessions in cookies end in every worker that has met them: one by its id is one, those of a subject add up."""
        crew = PlayedCrew({"sessions.revoke": {"revoked": 1}}, {"sessions.revoke": {"revoked": 1}})
        self.assertEqual({"revoked": 1}, crew.ask("sessions.revoke", id="x"))
        self.assertEqual({"revoked": 2}, crew.ask("sessions.revoke", subject="alice"))
        self.assertEqual([0, 1, 0, 1], crew.asked)

    def test_a_refusal(self) -> None:
        """What no worker can is one sentence: a worker's own."""
        crew = PlayedCrew({"sessions.list": ControlError("nobody can list cookies")})
        error = self.assertRaises(ControlError, crew.ask, "sessions.list")
        self.assertEqual("nobody can list cookies", str(error))

    def test_login_report(self) -> None:
        """An attempt that two workers saw is one report, in the order of time; who knows nothing of it does not count."""
        crew = PlayedCrew(
            {"login-report": {"code": "ABC", "steps": [{"time": "10:00:01"}, {"time": "10:00:03"}]}},
            {"login-report": ControlError("not known")},
            {"login-report": {"code": "ABC", "steps": [{"time": "10:00:02"}]}},
        )
        told = crew.ask("login-report", code="ABC")
        self.assertEqual(("ABC", ["10:00:01", "10:00:02", "10:00:03"]), (told["code"], [step["time"] for step in told["steps"]]))

    def test_request(self) -> None:
        """A recorded request is told by whichever worker served it; by nobody it is refused."""
        unknown = ControlError("no such request is recorded")
        self.assertEqual({"request_id": "x"}, PlayedCrew({"request": unknown}, {"request": {"request_id": "x"}}).ask("request", id="x"))
        self.assertRaises(ControlError, PlayedCrew({"request": unknown}, {"request": unknown}).ask, "request", id="x")

    def test_without_workers(self) -> None:
        """Without a worker there is an answer nevertheless: that none answers."""
        for name in ("sessions.list", "sessions.revoke", "login-report", "request"):
            error = self.assertRaises(ControlError, PlayedCrew().ask, name)
            self.assertIn("no worker is serving", str(error))
