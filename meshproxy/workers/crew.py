"""How are several workers kept at work, alike, and as one? What the parent does with them; it stands where one process has its own serving.

The rules: a worker that ends is replaced, ever later if its successors keep ending; all take a new configuration or none does; a worker
that does not answer any more is ended; when meshproxy ends, first nobody accepts, then all drain, then none is left.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, FirstError, gatherResults, maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..configured import Configured
from ..control import Handler
from ..observe.admin import Readiness
from ..observe.catalogue import CATALOGUE
from ..observe.metrics import Sample, merged
from ..problems import ConfError, Problem
from ..sessions.shared_state import SharedState
from . import parents_state, questions
from .inside import from_json
from .member import ENDED_WELL, Member, Task, WorkerEnded
from .messages import Link, Unanswered
from .restarts import Restarts
from .sockets import open_socket
from .turns import Tally, open_tally

LOOK_EVERY = 10.0
HUNG_AFTER = 60.0
"""Seconds without an answer (or, at first, without serving) after which a worker is ended."""

_LOOK_WITHIN = 2.0
_PREPARE_WITHIN = 30.0
_CLOSE_WITHIN = 2.0
_END_WITHIN = 3.0


class Crew:
    """The workers of one meshproxy.

    :param workers: how many.
    :param shared: what must hold once, everywhere: kept in this process.
    """

    log = Logger()

    def __init__(self, reactor: Any, configured: Configured, workers: int, shared: SharedState) -> None:
        self._reactor = reactor
        self._configured = configured
        self._workers = workers
        self._shared = shared
        self._store = configured.settings.session.store
        self._run_key = base64.b64encode(os.urandom(32)).decode("ascii")
        self._ports: list[Any] = []
        self._tally = Tally(open_tally(workers), workers)
        self._members: dict[int, Member] = {}
        self._restarts = {number: Restarts() for number in range(1, workers + 1)}
        self._due: dict[int, Any] = {}
        self._generation = 0
        self._retired: list[Sample] = []
        self._ending = False
        self._all_gone: list[Deferred[None]] = []
        self._watching = LoopingCall(self._watch)
        self._watching.clock = reactor

    @property
    def serving(self) -> int:
        """How many serve now."""
        return sum(member.serving for member in self._members.values())

    @property
    def replaced(self) -> int:
        """How many ended by themselves."""
        return sum(restarts.total for restarts in self._restarts.values())

    # ---------------------------------------------------------------- beginning

    async def start(self, listen: Iterable[str]) -> None:
        """Open the sockets and have all workers serve. Raises what opening one raises, :class:`ConfError`, :class:`WorkerEnded`."""
        texts = tuple(listen)
        for text in texts:
            self._ports.append(await open_socket(self._reactor, text))
        sockets = tuple((text, port.fileno()) for text, port in zip(texts, self._ports, strict=True))
        answers = parents_state.answers(self._shared)
        task = Task(self._configured.settings.conf_dir, self._tally.descriptor, sockets, self._hello, answers, self._kept)
        parents_state.pass_on(self._shared, self._introduced)
        begun = [self._start_member(number, task) for number in self._restarts]
        try:
            await gatherResults(begun, consumeErrors=True)
        except FirstError as error:
            error.subFailure.raiseException()
        self._watching.start(LOOK_EVERY, now=False).addErrback(lambda failure: self.log.failure("workers are not watched", failure))

    def _hello(self) -> dict[str, Any]:
        return {
            "workers": self._workers,
            "run_key": self._run_key,
            "store": self._store,
            "revoked": parents_state.known_revocations(self._shared),
        }

    def _kept(self, origin: int, record: dict[str, Any]) -> None:
        """One worker's inspector kept a request: the others' want to know."""
        for member in self._members.values():
            if member.serving and member.number != origin and not member.link.congested:
                member.link.tell("kept", record=record)

    def _introduced(self) -> list[Link]:
        return [member.link for member in self._members.values() if member.introduced]

    def _start_member(self, number: int, task: Task) -> Deferred[None]:
        self._due.pop(number, None)
        self._members[number] = member = Member(self._reactor, number, self._generation, task, self._ended)
        return member.start()

    # ---------------------------------------------------------------- ends and successors

    def _ended(self, member: Member) -> None:
        """A worker's process is gone."""
        number = member.number
        del self._members[number]
        self._tally.leave(number)
        self._retired = merged([self._retired, (sample for sample in member.figures if CATALOGUE[sample[0]].kind != "gauge")])
        if self._ending:
            if not self._members:
                waiting, self._all_gone = self._all_gone, []
                for gone in waiting:
                    gone.callback(None)
            return
        restarts = self._restarts[number]
        wait = restarts.wait_after(self._reactor.seconds() - member.started_at)
        again = f" ({restarts.quick} times in a row)" if restarts.looping else ""
        say = self.log.info if member.ending == ENDED_WELL else self.log.error
        say(
            "worker {number} ended: {how}{again}; another one starts in {wait:g} s",
            number=number, how=member.ending, again=again, wait=wait,
        )
        self._due[number] = self._reactor.callLater(wait, self._replace, number, member.task)

    def _replace(self, number: int, task: Task) -> None:
        self._start_member(number, task).addCallbacks(
            lambda _: self._bring_up_to_date(number), self._not_replaced, errbackArgs=(number,)
        ).addErrback(lambda failure: self.log.failure("worker {number} could not be brought up to date", failure, number=number))

    def _not_replaced(self, failure: Failure, number: int) -> None:
        """It has ended, or will at once: :meth:`_ended` sees to the next one."""
        error = failure.value
        if isinstance(error, ConfError):
            for problem in error.problems:
                self.log.error("worker {number} cannot start: {problem}", number=number, problem=str(problem))
        else:
            failure.trap(WorkerEnded)

    def _bring_up_to_date(self, number: int) -> Any:
        """What was reloaded while it started may have passed it by."""
        member = self._members[number]
        self.log.info("worker {number} serves", number=number)
        if member.generation == self._generation:
            return None
        member.generation = self._generation
        return Deferred.fromCoroutine(self._take([member]))

    # ---------------------------------------------------------------- reload

    async def reload(self, configured: Configured) -> None:
        """Have all take a new configuration. Raises :class:`ConfError`, and all keep the old one then."""
        await self._take([member for member in self._members.values() if member.serving], configured)
        self._configured = configured
        self._generation += 1
        for member in self._members.values():
            if member.serving:
                member.generation = self._generation

    async def _take(self, members: list[Member], configured: Configured | None = None) -> None:
        files = () if configured is None else configured.settings.files
        answers = await _all(member.link.ask("prepare", within=_PREPARE_WITHIN) for member in members)
        problems: list[Problem] = []
        for member, answer in zip(members, answers, strict=True):
            if not isinstance(answer, Failure):
                problems += from_json(answer)
            elif member.link.connected:  # one that is gone will have a successor, which reads the conf directory itself
                problems.append(Problem(f"worker {member.number}", "", str(answer.value)))
        if problems:
            for member in members:
                member.link.tell("discard")
            raise ConfError(dict.fromkeys(problems), files)
        for member, answer in zip(members, await _all(member.link.ask("take") for member in members), strict=True):
            if isinstance(answer, Failure) and member.link.connected:
                why = answer.getErrorMessage()
                self.log.error("worker {number} did not take what it had prepared: {why}", number=member.number, why=why)
                member.kill()

    # ---------------------------------------------------------------- how they are

    def look(self) -> Deferred[None]:
        """Bring :meth:`readiness` and :meth:`figures` up to date."""
        members = [member for member in self._members.values() if member.serving]
        looked = [Deferred.fromCoroutine(member.look(_LOOK_WITHIN)) for member in members]
        return DeferredList(looked, consumeErrors=True).addCallback(lambda _: None)

    def _watch(self) -> Deferred[None]:
        return self.look().addCallback(self._end_the_hung)

    def _end_the_hung(self, _: object) -> None:
        for member in list(self._members.values()):
            if self._reactor.seconds() - member.answered_at > HUNG_AFTER:
                self.log.error("worker {number} has not answered for {seconds:g} s: it is ended", number=member.number, seconds=HUNG_AFTER)
                member.kill()

    def readiness(self) -> Readiness:
        """Whether requests should be sent here: some worker serves, and none of those that do has a reason why not."""
        serving = [member for member in self._members.values() if member.serving]
        reasons = [] if serving else ["no worker is serving"]
        if why := self._shared.ready():
            reasons.append(why)
        for reason in dict.fromkeys(reason for member in serving for reason in member.reasons):
            concerned = [member for member in serving if reason in member.reasons]
            reasons.append(reason if len(concerned) == len(serving) else f"{_names(concerned)}: {reason}")
        warnings = list(dict.fromkeys(warning for member in serving for warning in member.warnings))
        for number, restarts in self._restarts.items():
            if restarts.looping and not any(member.number == number for member in serving):
                warnings.append(f"worker {number} keeps ending, {restarts.quick} times in a row")
            elif not any(member.number == number for member in serving):
                warnings.append(f"worker {number} is starting")
        return Readiness(reasons, warnings)

    def figures(self) -> list[list[Sample]]:
        """The metrics of all, those of workers that are gone as far as they still count."""
        return [self._retired, *(member.figures for member in self._members.values())]

    # ---------------------------------------------------------------- questions for workers

    def questions(self) -> Mapping[str, Handler]:
        """What the command line may ask."""
        return questions.handlers(self.ask_all, self.ask_one, server_side=self._store != "cookie")

    async def ask_one(self, name: str, /, **about: Any) -> Any:
        """Ask any one worker. Raises :class:`Unanswered` and :class:`meshproxy.api.StoreDown`."""
        for member in self._members.values():
            if member.serving:
                return await member.link.ask(name, **about)
        raise Unanswered("no worker is serving")

    async def ask_all(self, name: str, /, **about: Any) -> list[Any]:
        """Ask every worker that serves; the answers of those that gave one. Raises what they fail of when none does."""
        answers = await _all(member.link.ask(name, **about) for member in self._members.values() if member.serving)
        given = [answer for answer in answers if not isinstance(answer, Failure)]
        if not given:
            raise answers[0].value if answers else Unanswered("no worker is serving")
        return given

    # ---------------------------------------------------------------- the end

    async def drain(self, seconds: float) -> None:
        """Accept no more; come back when the last worker has ended, after so many seconds at the latest."""
        self._end()
        members = list(self._members.values())
        await _all(member.link.ask("close", within=_CLOSE_WITHIN) for member in members if member.serving)
        await self._close_sockets()  # not before: it shuts them for everybody
        for member in members:
            # it ends instead of answering
            member.link.ask("drain", within=seconds, seconds=seconds).addErrback(lambda failure: failure.trap(Unanswered))
        await self._gone(seconds + _END_WITHIN)

    async def stop(self) -> None:
        """End all that are left, and close the sockets."""
        self._end()
        for member in self._members.values():
            member.link.tell("end")
        await self._gone(_END_WITHIN)
        await self._close_sockets()
        self._tally.close()

    def _end(self) -> None:
        self._ending = True
        if self._watching.running:
            self._watching.stop()
        due, self._due = self._due, {}
        for restart in due.values():
            restart.cancel()

    async def _gone(self, seconds: float) -> None:
        """Wait until no worker is left; after so many seconds see to it."""
        if not self._members:
            return
        gone: Deferred[None] = Deferred()
        self._all_gone.append(gone)
        killing = self._reactor.callLater(seconds, self._kill_all)
        await gone
        if killing.active():
            killing.cancel()

    def _kill_all(self) -> None:
        for member in self._members.values():
            self.log.warn("worker {number} did not end in time", number=member.number)
            member.kill()

    async def _close_sockets(self) -> None:
        ports, self._ports = self._ports, []
        await _all(maybeDeferred(port.stopListening) for port in ports)


async def _all(waiting: Iterable[Deferred[Any]]) -> list[Any]:
    """What each came to: a result, or the failure."""
    return [result for _, result in await DeferredList(list(waiting), consumeErrors=True)]


def _names(members: Iterable[Member]) -> str:
    return ", ".join(f"worker {member.number}" for member in members)
