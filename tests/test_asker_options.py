"""Who asks, on a command line: :mod:`meshproxy.cli.asker_options`."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.cli.asker_options import asker_of
from meshproxy.cli.shell import Broken
from meshproxy.explain import Asker
from tests.support.command_line import run


class AskerOptions(SynchronousTestCase):
    def test_what_is_said(self) -> None:
        """Groups are a list, blanks and empty ones left out; ``--groups ''`` is nobody's group, not nothing said."""
        self.assertEqual(asker_of(None, None, None, ""), Asker())
        self.assertEqual(asker_of("a", " x, y,,", None, "corp"), Asker("a", ("x", "y"), None, "corp"))
        self.assertEqual(asker_of("a", "", None, "").groups, ())

    def test_claims(self) -> None:
        """A JSON object out of a file."""
        file = Path(self.mktemp())
        file.write_text('{"sub": "x", "n": [1]}')
        self.assertEqual(asker_of(None, None, str(file), "").claims, {"sub": "x", "n": [1]})

    def test_claims_that_are_none(self) -> None:
        """No file, no JSON, no object: one sentence that names the file."""
        file = Path(self.mktemp())
        for content in (None, "", "[1]", "{", "[" * 100_000):
            if content is not None:
                file.write_text(content)
            with self.assertRaises(Broken) as raised:
                asker_of(None, None, str(file), "")
            self.assertIn(str(file), str(raised.exception))

    def test_the_same_for_both_commands(self) -> None:
        """``explain`` and ``doctor`` take the same options."""
        for command in ("explain", "doctor"):
            text = run(command, "--help").out
            for option in ("--as USER", "--groups A,B", "--claims FILE", "--provider NAME"):
                self.assertIn(option, text)
