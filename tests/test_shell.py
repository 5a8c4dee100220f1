"""What all commands share: :mod:`meshproxy.cli.shell`, and the way in (:mod:`meshproxy.cli`)."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from rich.text import Text
from twisted.trial.unittest import SynchronousTestCase

from meshproxy import __version__
from meshproxy.cli import commands, main
from meshproxy.cli.shell import console, print_table, problem_json
from meshproxy.problems import Problem
from tests.support.command_line import DEMO, run

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = ("check", "explain", "doctor", "mesh-policy", "plugins", "sessions", "login-report", "new-key", "hash-password")


class TheCommand(SynchronousTestCase):
    def test_every_promised_command_is_there(self) -> None:
        """In the order of the contract, each with a sentence of help."""
        self.assertEqual(tuple(commands.commands), COMMANDS)
        ran = run("--help")
        self.assertEqual(ran.status, 0)
        for name in COMMANDS:
            self.assertIn(f"  {name} ", ran.out)
            ran_help = run(name, "--help")
            self.assertEqual(ran_help.status, 0)
            self.assertIn("Usage:", ran_help.out)

    def test_reports_take_conf_and_json(self) -> None:
        """Every command that reads a conf directory takes ``--conf``, every one that prints a report ``--json``."""
        for names in (
            ("check",),
            ("explain",),
            ("mesh-policy",),
            ("plugins",),
            ("sessions", "list"),
            ("sessions", "revoke"),
            ("login-report",),
        ):
            text = run(*names, "--help").out
            self.assertIn("--conf DIR", text, names)
            self.assertIn("--json", text, names)

    def test_the_version(self) -> None:
        """On standard output, exit 0."""
        ran = run("--version")
        self.assertEqual((ran.status, ran.out), (0, f"meshproxy {__version__}\n"))

    def test_wrong_usage_exits_1(self) -> None:
        """Whatever the argument library does, and nothing on standard output."""
        for arguments in ((), ("nonsense",), ("check", "--nonsense"), ("check", "extra"), ("login-report",), ("sessions",), ("--conf",)):
            ran = run(*arguments)
            self.assertEqual((ran.status, ran.out), (1, ""), arguments)
            self.assertTrue(ran.err, arguments)

    def test_a_conf_directory_that_is_none(self) -> None:
        """Every command says it in one line and exits 1."""
        for arguments in (
            ("check",),
            ("plugins",),
            ("mesh-policy",),
            ("explain", "http://a/"),
            ("sessions", "list"),
            ("login-report", "X"),
        ):
            ran = run(*arguments, "--conf", "/nowhere")
            self.assertEqual(ran.status, 1, arguments)
            self.assertIn("/nowhere: no such directory", ran.out + ran.err, arguments)

    def test_main_returns_the_status(self) -> None:
        """For the entry point of the package."""
        with redirect_stdout(io.StringIO()):
            self.assertEqual(main(["--version"]), 0)

    def test_a_reader_that_has_seen_enough(self) -> None:
        """A closed pipe ends the command without a word."""
        code = "import sys; from meshproxy.cli import main; sys.exit(main())"
        ran = subprocess.run(
            f'{sys.executable} -c "{code}" plugins --json --conf {DEMO} | true',
            shell=True,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))


class Printing(SynchronousTestCase):
    def test_plain_in_a_pipe(self) -> None:
        """No colour, nothing cut or broken into lines, no blanks at ends; square brackets are text."""
        out = io.StringIO()
        with redirect_stdout(out):
            console().print("[red]not markup[/red] " + "x" * 500, style="red")
            print_table(console(), ("A", "B"), [("y" * 300, Text("1", style="green")), ("2", "")])
        first, _, long, short = out.getvalue().splitlines()
        self.assertEqual(first, "[red]not markup[/red] " + "x" * 500)
        self.assertEqual(long, "y" * 300 + "  1")
        self.assertEqual(short, "2")

    def test_problems_as_json(self) -> None:
        """``hint`` stands there only where there is one."""
        self.assertEqual(problem_json(Problem("a.toml", "k", "is wrong")), {"file": "a.toml", "key": "k", "message": "is wrong"})
        self.assertEqual(problem_json(Problem("a.toml", "", "is wrong", "x?"))["hint"], "x?")
