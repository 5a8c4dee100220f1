"""What does the command line's question come to when several workers serve? One answer, out of what each of them knows.

The rule: what a store knows, any worker tells; what each worker knows for itself (cookie sessions that were in use there, steps of a login,
recorded requests) is asked of all and put together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.internet.defer import CancelledError

from ..control import ControlError, Handler
from .messages import Unanswered

AskAll = Callable[..., Awaitable[list[Any]]]
"""``ask_all(name, **about)`` of :class:`meshproxy.workers.crew.Crew`."""


def handlers(ask_all: AskAll, ask_one: Callable[..., Awaitable[Any]], *, server_side: bool) -> Mapping[str, Handler]:
    """The parent's handlers of a :class:`~meshproxy.control.ControlServer`: as :func:`meshproxy.control_handlers.handlers` names them.

    :param server_side: whether a store keeps the sessions.
    """

    async def of_one(name: str, question: Mapping[str, Any]) -> Any:
        return _answer(await _reached(ask_one("question", name=name, question=dict(question))))

    async def of_all(name: str, question: Mapping[str, Any]) -> list[Any]:
        told = await _reached(ask_all("question", name=name, question=dict(question)))
        answers = [one["answer"] for one in told if "answer" in one]
        return answers or [_answer(told[0])]

    async def list_sessions(question: Mapping[str, Any]) -> Any:
        return await of_one("sessions.list", question)

    async def revoke(question: Mapping[str, Any]) -> Any:
        if server_side:
            return await of_one("sessions.revoke", question)
        counts = [one["revoked"] for one in await of_all("sessions.revoke", question)]
        # one session that several workers knew is one session
        return {"revoked": max(counts) if question.get("id") else sum(counts)}

    async def login_report(question: Mapping[str, Any]) -> Any:
        reports = await of_all("login-report", question)
        steps = sorted((step for report in reports for step in report["steps"]), key=lambda step: str(step["time"]))
        return {**reports[0], "steps": steps}

    async def request(question: Mapping[str, Any]) -> Any:
        return (await of_all("request", question))[0]

    return {"sessions.list": list_sessions, "sessions.revoke": revoke, "login-report": login_report, "request": request}


async def answered(known: Mapping[str, Handler], name: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """A worker's answer, as a message carries it: what its handler says, or the sentence why not."""
    try:
        return {"answer": await known[name](question)}
    except ControlError as error:
        return {"error": str(error)}


async def _reached(asking: Awaitable[Any]) -> Any:
    try:
        return await asking
    except CancelledError:
        raise
    except Unanswered as error:
        raise ControlError(f"no worker answers: {error}") from error


def _answer(told: dict[str, Any]) -> Any:
    if "error" in told:
        raise ControlError(told["error"])
    return told["answer"]
