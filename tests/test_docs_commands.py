"""docs/commands.md says every command and option, and shows what they really print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.cli import commands
from tests.support.command_line import DEMO, run

TEXT = (Path(__file__).resolve().parent.parent / "docs/commands.md").read_text("utf-8")
BLOCK = re.compile(r"^```console\n\$ (meshproxy .+)\n((?:.*\n)*?)```$", re.MULTILINE)


def all_commands(group: click.Group = commands) -> Iterator[click.Command]:
    for command in group.commands.values():
        yield command
        if isinstance(command, click.Group):
            yield from all_commands(command)


class CommandsDocs(SynchronousTestCase):
    def test_every_command_and_option(self) -> None:
        """Each stands in the text by its name."""
        for command in all_commands():
            self.assertIn(command.name or "", TEXT)
            for parameter in command.params:
                if isinstance(parameter, click.Option):
                    self.assertTrue(any(f"{option}" in TEXT for option in parameter.opts), (command.name, parameter.opts))

    def test_what_is_shown_is_what_is_printed(self) -> None:
        """Every example, run against the embedded default."""
        examples = BLOCK.findall(TEXT)
        self.assertGreaterEqual(len(examples), 4)
        for command, shown in examples:
            ran = run(*shlex.split(command)[1:], "--conf", DEMO)
            self.assertEqual((ran.out + ran.err).replace(DEMO, "/etc/meshproxy"), shown, command)
