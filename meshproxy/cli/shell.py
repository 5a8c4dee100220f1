"""What do all commands share? The conf directory, the way to print, the reactor, and exit statuses that are ours.

The rule: a report goes to standard output and nothing else does; with ``--json`` it is one JSON document. What is wrong goes to
standard error, one line each. Wrong usage exits 1, whatever the argument library does; no error ends in a traceback.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from twisted.internet.defer import Deferred
from twisted.logger import globalLogBeginner
from twisted.python.failure import Failure

from ..config import default_conf_dir, survey
from ..configured import Configured, read
from ..control import ControlError
from ..control_client import ask
from ..log import observer_factory, set_level
from ..problems import ConfError, Problem

conf_option = click.option("--conf", "conf", metavar="DIR", help="The conf directory. Default: ./conf, else /etc/meshproxy.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")


_PIPE_WIDTH = 20_000  # characters: nothing is broken into lines where no terminal says how wide it is


class Shell:
    """Where a command runs.

    :param reactor: gives the reactor; asked only by commands that need one.
    """

    def __init__(self, reactor: Callable[[], Any]) -> None:
        self._reactor = reactor

    def wait_for(self, ask: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine with the reactor to its end; its result, or what it raised."""
        _quiet_log()
        reactor = self._reactor()
        outcome: list[Any] = []

        def ended(result: Any) -> None:
            outcome.append(result)
            reactor.stop()

        reactor.callWhenRunning(lambda: Deferred.fromCoroutine(ask(reactor)).addBoth(ended))
        reactor.run()
        if not outcome:
            raise click.Abort
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    def ask_running(self, conf: str | None, name: str, **arguments: Any) -> Any:
        """Ask the meshproxy that runs with the conf directory (:mod:`meshproxy.control`)."""
        conf_dir = default_conf_dir(conf)
        control = survey(conf_dir).settings.control
        try:
            return self.wait_for(lambda reactor: ask(reactor, control, conf_dir, name, **arguments))
        except ControlError as error:
            raise Broken(str(error)) from None


class Commands(click.Group):
    """The group of all commands, with our exit statuses.

    :param version: for ``--version``.
    """

    def __init__(self, name: str, *, help: str, version: str, commands: Iterable[click.Command]) -> None:
        settings = {"help_option_names": ["-h", "--help"]}
        super().__init__(name, help=help, commands=list(commands), context_settings=settings, no_args_is_help=False)
        click.version_option(version, prog_name=name, message="%(prog)s %(version)s")(self)

    def run(self, arguments: list[str], shell: Shell) -> int:
        """Run a command; the exit status."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # whatever stands in a field or a file can be shown
        try:
            status = self.main(arguments, prog_name=self.name, obj=shell, standalone_mode=False)
        except click.ClickException as error:
            error.show()
            return 1
        except click.Abort:
            complain("aborted")
            return 1
        except ConfError as error:
            for problem in error.problems:
                complain(str(problem))
            return 1
        except BrokenPipeError:  # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        return status if isinstance(status, int) else 0

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In our order: the usual ones first."""
        return list(self.commands)


class Broken(click.ClickException):
    """Something that the command needs is not there: one sentence, exit 1."""

    def show(self, file: Any = None) -> None:
        """On standard error."""
        complain(self.message)


def complain(sentence: str) -> None:
    """Say on standard error what is wrong."""
    print(f"meshproxy: {sentence}", file=sys.stderr)


def _quiet_log() -> None:
    """What the request path logs goes to standard error, from warnings on: reports stand alone on standard output."""
    set_level("warn")
    globalLogBeginner.beginLoggingTo([observer_factory()], redirectStandardIO=False, discardBuffer=True)


def read_conf(conf: str | None) -> Configured:
    """The conf directory that is meant. Raises :class:`ConfError` with all problems."""
    return read(default_conf_dir(conf))


def console() -> Console:
    """For reports to people: colour on a terminal, plain text in a pipe, as wide as it needs to be; nothing is taken for markup."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=width is not None, width=width)


def shown(text: str) -> str:
    """Text as it may stand on a terminal: what strangers wrote must not move its cursor."""
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def print_table(out: Console, headings: Iterable[str], rows: Iterable[Iterable[str | Text]]) -> None:
    """Columns of text, without lines between them and without blanks at the ends."""
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(shown(cell) if isinstance(cell, str) else cell for cell in row))
    if out.width != _PIPE_WIDTH:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    out.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def print_json(value: object) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def problem_json(problem: Problem) -> dict[str, str]:
    """A problem as ``check --json`` has it (contract §4)."""
    told = {"file": str(problem.file), "key": problem.key, "message": problem.message}
    return {**told, "hint": problem.hint} if problem.hint else told
