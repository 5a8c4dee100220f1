"""The ``meshproxy`` command as people run it, in this process: arguments in, exit status and output out."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from meshproxy.cli import commands
from meshproxy.cli.shell import Shell

DEMO = str(Path(__file__).resolve().parents[2] / "conf")


@dataclass
class Ran:
    """What came of a command."""

    status: int
    out: str
    err: str


class MemoryShell(Shell):
    """A shell whose reactor is a memory reactor: what does not end at once fails.

    :param answers: what a running meshproxy would say, by what is asked; an exception is raised.
    """

    def __init__(self, answers: dict[str, Any] | None = None) -> None:
        super().__init__(MemoryReactorClock)
        self._answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def wait_for(self, ask: Callable[[Any], Any]) -> Any:
        ended: list[Any] = []
        Deferred.fromCoroutine(ask(MemoryReactorClock())).addBoth(ended.append)
        if not ended:
            raise AssertionError("the command waits for something")
        if isinstance(ended[0], Failure):
            ended[0].raiseException()
        return ended[0]

    def ask_running(self, conf: str | None, name: str, **arguments: Any) -> Any:
        if self._answers is None:
            return super().ask_running(conf, name, **arguments)
        self.asked.append((name, arguments))
        answer = self._answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer


def run(*arguments: str, shell: Shell | None = None, stdin: str = "") -> Ran:
    """Run a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _input(stdin):
        status = commands.run(list(arguments), shell or MemoryShell())
    return Ran(status, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _input(text: str) -> Any:
    import sys

    before, sys.stdin = sys.stdin, io.StringIO(text)
    try:
        yield
    finally:
        sys.stdin = before
