"""What does the parent know of one worker process? Its link, what it said last, and how it ended.

A member is one process: when it ends its successor is another member with the same number.
"""

from __future__ import annotations

import os
import signal
import socket
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import Factory, ProcessProtocol
from twisted.logger import Logger

from ..problems import ConfError
from . import process, relayed_log
from .inside import from_json
from .messages import Handler, Link, Unanswered

_FIRST = 3
"""The first descriptor that is not a standard stream: the link; the tally and the sockets follow."""

_LAST_WORDS_WITHIN = 2.0

ENDED_WELL = "exit status 0"
"""How a worker ends that was told to."""


class WorkerEnded(Exception):
    """A worker ended before it served."""


@dataclass(frozen=True, slots=True)
class Task:
    """What every worker of a run is to do.

    :ivar conf_dir: what it reads.
    :ivar tally: the descriptor of the connections' tally.
    :ivar sockets: the parent's listening sockets: ``listen`` string and descriptor.
    :ivar hello: what it is told when it asks, beside the sockets.
    :ivar answers: what the parent answers it.
    :ivar kept: takes the worker's number and a record of its inspector, for the others.
    """

    conf_dir: Path
    tally: int
    sockets: tuple[tuple[str, int], ...]
    hello: Callable[[], dict[str, Any]]
    answers: Mapping[str, Handler]
    kept: Callable[[int, dict[str, Any]], None]


class Member(ProcessProtocol):
    """One worker process.

    :param ended: called with the member once its process has ended.
    :ivar number: 1 for the first worker.
    :ivar generation: how many reloads there had been when it was started.
    :ivar introduced: whether it knows the revocations so far, and is to be told of every further one.
    :ivar serving: whether it serves requests.
    :ivar ending: how it ended, in words; "" while it runs.
    :ivar figures: its metrics, as it said last.
    :ivar reasons: why it is not ready, as it said last; :ivar warnings: likewise.
    :ivar answered_at: when it last said anything.
    """

    log = Logger()

    def __init__(self, reactor: Any, number: int, generation: int, task: Task, ended: Callable[[Member], None]) -> None:
        self._reactor = reactor
        self.task = task
        self._ended = ended
        self.number = number
        self.generation = generation
        self.introduced = False
        self.serving = False
        self._begun: Deferred[None] | None = None
        self.ending = self._status = ""
        self.figures: list[Any] = []
        self.reasons: list[str] = []
        self.warnings: list[str] = []
        self.started_at = self.answered_at = reactor.seconds()
        self.link = Link(
            reactor,
            {
                **task.answers,
                "hello": self._hello,
                "serving": self._serves,
                "refused": self._refused,
                "leaving": self._leaving,
                "kept": lambda record: task.kept(number, record),
                "log": lambda level, namespace, text: relayed_log.write(number, level, namespace, text),
            },
            self._link_ended,
        )

    def start(self) -> Deferred[None]:
        """Start the process; fires when it serves. Fails with :class:`meshproxy.problems.ConfError` or :class:`WorkerEnded`."""
        self._begun = begun = Deferred[None]()
        try:
            self._spawn()
        except OSError as error:
            self._status = f"it cannot be started: {error.strerror}"
            self._reactor.callLater(0, self._over)
        return begun

    def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            inherited = {0: nothing, 1: 1, 2: 2, _FIRST: theirs.fileno(), _FIRST + 1: self.task.tally}
            inherited |= {place: descriptor for place, (_, descriptor) in enumerate(self.task.sockets, _FIRST + 2)}
            command = process.arguments(type(self._reactor).__module__, _FIRST, self.task.conf_dir)
            self._reactor.spawnProcess(self, command[0], command, env=_environment(), childFDs=inherited)
            ours.setblocking(False)
            self._reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, Factory.forProtocol(lambda: self.link))
        finally:
            os.close(nothing)
            theirs.close()
            ours.close()

    # ---------------------------------------------------------------- what it says

    def _hello(self) -> dict[str, Any]:
        self.introduced = True
        sockets = {text: place for place, (text, _) in enumerate(self.task.sockets, _FIRST + 2)}
        return {**self.task.hello(), "number": self.number, "tally": _FIRST + 1, "sockets": sockets}

    def _serves(self) -> None:
        self.serving = True
        self.answered_at = self._reactor.seconds()
        self._has_begun(None)

    def _refused(self, problems: list[dict[str, Any]]) -> None:
        self._has_begun(ConfError(from_json(problems)))

    def _leaving(self, figures: list[Any]) -> None:
        self.serving = False
        self.figures = figures

    def _has_begun(self, outcome: Exception | None) -> None:
        begun, self._begun = self._begun, None
        if begun is not None and outcome is None:
            begun.callback(None)
        elif begun is not None:
            begun.errback(outcome)

    # ---------------------------------------------------------------- what it is asked

    async def look(self, within: float) -> None:
        """Bring what is known of it up to date, if it answers."""
        try:
            found = await self.link.ask("look", within=within)
        except CancelledError:
            raise
        except Unanswered as error:
            self.reasons = [str(error)]
            return
        self.answered_at = self._reactor.seconds()
        self.figures, self.reasons, self.warnings = found["figures"], found["reasons"], found["warnings"]

    def kill(self) -> None:
        """End the process, whatever it does."""
        try:
            if self.transport is not None:
                self.transport.signalProcess(signal.SIGKILL)
        except ProcessExitedAlready:
            pass

    # ---------------------------------------------------------------- its end

    def processEnded(self, reason: Any) -> None:
        """See :class:`twisted.internet.interfaces.IProcessProtocol`."""
        number = reason.value.signal
        self._status = f"killed by {signal.Signals(number).name}" if number else f"exit status {reason.value.exitCode or 0}"
        if self.link.connected:  # its last words may still be on their way
            self._reactor.callLater(_LAST_WORDS_WITHIN, self.link.close)
        else:
            self._over()

    def _link_ended(self) -> None:
        self.serving = self.introduced = False
        if self._status:
            self._over()

    def _over(self) -> None:
        self.ending = self._status
        self._has_begun(WorkerEnded(f"worker {self.number} ended before it served: {self.ending}"))
        self._ended(self)


def _environment() -> dict[str, str]:
    """Ours, in which this package is found although the working directory is not looked at."""
    root = str(Path(__file__).resolve().parents[2])
    if root in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        return dict(os.environ)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
