"""What happens in a worker process? It asks its parent what to do, reads the conf directory itself, serves, and ends when told to.

The rules: a worker takes a new configuration in two steps, so that all of them take it or none does; it drains when the parent says so or
on SIGTERM; it does not outlive its parent: what it listened on is free at once, what is under way has a few seconds.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..configured import Configured, read
from ..log import set_level
from ..observing import Observing
from ..plugins import Plugins
from ..problems import ConfError, Problem
from ..serving import DRAIN_FOR, Serving
from . import questions
from .messages import Link, Unanswered
from .parents_state import ParentsState
from .passing_on import PassingOn
from .share import share_of
from .sockets import inherited_endpoint
from .turns import Tally, Turns

ORPHAN_FOR = 3.0
"""Seconds for requests under way when the parent is gone."""

_HELLO_WITHIN = 30.0
_LAST_WORDS_WITHIN = 2.0


class Inside:
    """A worker process.

    :ivar link: the link to the parent, to be connected before :meth:`start`.
    :ivar status: the exit status, once the reactor was stopped.
    """

    log = Logger()

    def __init__(self, reactor: Any, conf_dir: Path) -> None:
        self._reactor = reactor
        self._conf_dir = conf_dir
        self._workers = 1
        self._observing: Observing | None = None
        self._passing_on: PassingOn | None = None
        self._serving: Serving | None = None
        self._configured: Configured | None = None
        self._prepared: Configured | None = None
        self._ending = False
        self._leaving = False
        self._stopped = False
        self.status = 0
        self.link = Link(
            reactor,
            {
                "revoked": lambda known: self._shared.learn(known),
                "kept": self.kept,
                "look": self.look,
                "question": self.question,
                "prepare": self.prepare,
                "discard": self.discard,
                "take": self.take,
                "close": self.close,
                "drain": self.drain,
                "end": self.end,
            },
            self._link_ended,
        )
        self._shared = ParentsState(reactor, self.link)

    # ---------------------------------------------------------------- beginning

    def start(self) -> Deferred[None]:
        """Serve, and say so; or say why not, and end with status 1."""
        return Deferred.fromCoroutine(self._start()).addErrback(self._start_failed)

    async def _start(self) -> None:
        task = await self.link.ask("hello", within=_HELLO_WITHIN)
        self._workers = task["workers"]
        self._shared.learn(task["revoked"])
        self._configured = configured = self._read(None)
        if configured.settings.session.store != task["store"]:  # those that run keep their sessions elsewhere
            raise ConfError([Problem("meshproxy.toml", "session.store", f"was {task['store']!r} at the start; that takes a restart")])
        set_level(configured.settings.log.level)
        self._observing = Observing(self._reactor, configured)
        self._passing_on = PassingOn(self._reactor, self.link, self._observing.inspector)
        self._serving = Serving(
            self._reactor, configured, self._shared, self._observing, run_key=base64.b64decode(task["run_key"]))
        sockets: dict[str, int] = task["sockets"]
        channels = self._serving.worker.gateway.channels
        turns = Turns(Tally(task["tally"], self._workers), task["number"], lambda: len(channels))
        await self._serving.start(
            list(sockets), lambda text, tls: inherited_endpoint(self._reactor, text, tls, sockets[text], turns))
        self._observing.ready()
        self.link.tell("serving")

    def _start_failed(self, failure: Any) -> None:
        if self._ending:
            return
        self._ending = True
        if failure.check(ConfError):
            self.link.tell("refused", problems=as_json(failure.value.problems))
        elif failure.check(Unanswered):
            self.log.error("this worker cannot start: {why}", why=failure.getErrorMessage())
        else:
            self.log.failure("this worker cannot start", failure)
        self._begin(self._close_and_leave(1))

    def _read(self, plugins: Plugins | None) -> Configured:
        """The conf directory as it is now, and this worker's share of its limits."""
        configured = read(self._conf_dir, plugins)
        return replace(configured, settings=share_of(configured.settings, self._workers))

    # ---------------------------------------------------------------- what the parent asks

    def look(self) -> dict[str, Any]:
        """How it is: readiness and figures."""
        observing = self._observing
        if observing is None:
            return {"reasons": ["starting"], "warnings": [], "figures": []}
        found = observing.readiness()
        return {"reasons": list(found.reasons), "warnings": list(found.warnings), "figures": observing.metrics.snapshot()}

    def kept(self, record: dict[str, Any]) -> None:
        """Another worker kept a request for operators to see."""
        if self._passing_on is not None:
            self._passing_on.keep(record)

    async def question(self, name: str, question: dict[str, Any]) -> dict[str, Any]:
        """What the command line wants to know of this process."""
        return await questions.answered({} if self._serving is None else self._serving.questions(), name, question)

    def prepare(self) -> list[dict[str, Any]]:
        """Read the conf directory again and make what it needs; the problems."""
        if self._configured is None or self._serving is None or self._observing is None:
            return []  # it has not begun: what it will read is new enough
        self.discard()
        try:
            new = self._read(self._configured.plugins)
            self._observing.prepare(new)
            self._serving.prepare(new)
        except ConfError as error:
            return as_json(error.problems)
        self._prepared = new
        return []

    def discard(self) -> None:
        """Another worker cannot: nobody takes it."""
        if self._prepared is not None and self._serving is not None:
            self._serving.discard()
        self._prepared = None

    def take(self) -> None:
        """Use what was prepared."""
        new, self._prepared = self._prepared, None
        if new is None or self._serving is None or self._observing is None:
            return
        self._configured = new
        self._serving.take(new)
        self._observing.reconfigure(new)
        set_level(new.settings.log.level)

    # ---------------------------------------------------------------- the end

    async def close(self) -> None:
        """Accept no more connections: the others do, or nobody."""
        if self._observing is not None:
            self._observing.draining()
        if self._serving is not None:
            await self._serving.close()

    async def drain(self, seconds: float) -> None:
        """Finish what is under way, then end with status 0."""
        if not self._ending:
            self._ending = True
            await self._finish(seconds)
            await self._close_and_leave(0)

    def end(self) -> None:
        """End now, whatever is under way."""
        self._ending = True
        self._begin(self._close_and_leave(0))

    def terminated(self) -> None:
        """SIGTERM to this process alone: as if the parent had said so; it will start another one."""
        self._begin(self.drain(DRAIN_FOR))

    def _link_ended(self) -> None:
        if self._leaving:
            self._stop_reactor()
        elif not self._ending:
            self._ending = True
            self.log.error("the parent process is gone: this worker ends")
            self._begin(self._end_as_orphan())

    async def _end_as_orphan(self) -> None:
        await self._finish(ORPHAN_FOR)
        await self._close_and_leave(1)

    async def _finish(self, seconds: float) -> None:
        await self.close()
        if self._serving is not None:
            await self._serving.drain(seconds)

    async def _close_and_leave(self, status: int) -> None:
        try:
            if self._serving is not None:
                await self._serving.stop()
            if self._observing is not None:
                await self._observing.stop()
        finally:
            self._leave(status)

    def _begin(self, coroutine: Any) -> None:
        Deferred.fromCoroutine(coroutine).addErrback(lambda failure: self.log.failure("the worker did not end well", failure))

    def _leave(self, status: int) -> None:
        """Stop once the last words have gone out: what was counted, why it did not start."""
        if self._leaving:
            return
        self._leaving = True
        self.status = status
        if not self.link.connected:
            self._stop_reactor()
            return
        self.link.tell("leaving", figures=self.look()["figures"])
        self.link.close()
        self._reactor.callLater(_LAST_WORDS_WITHIN, self._stop_reactor)

    def _stop_reactor(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._reactor.stop()


def as_json(problems: Any) -> list[dict[str, Any]]:
    """Problems as a message carries them."""
    return [{"file": str(one.file), "key": one.key, "message": one.message, "hint": one.hint} for one in problems]


def from_json(problems: list[dict[str, Any]]) -> list[Problem]:
    """Problems out of a message."""
    return [Problem(**one) for one in problems]
