"""How problems are printed."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.problems import ConfError, Problem


class ProblemTests(SynchronousTestCase):
    def test_form(self) -> None:
        """FILE: KEY: what is wrong (hint); key and hint only where there are some."""
        self.assertEqual(str(Problem("a.toml", "x.y", "is wrong", "try z")), "a.toml: x.y: is wrong (try z)")
        self.assertEqual(str(Problem(Path("a.toml"), "", "is wrong")), "a.toml: is wrong")

    def test_one_line(self) -> None:
        """What stood in the file moves no cursor and begins no line; other languages are readable."""
        self.assertEqual(str(Problem("a", "k\x1b[2J", "'x\ny\u2028' größer", None)), r"a: k\x1b[2J: 'x\ny\u2028' größer")

    def test_error(self) -> None:
        """All problems are in it and in its text, and the files that were read."""
        error = ConfError([Problem("a", "k", "one"), Problem("b", "", "two")], [Path("a")])
        self.assertEqual((str(error), len(error.problems), error.files), ("a: k: one\nb: two", 2, {Path("a")}))
        self.assertEqual(ConfError([]).files, frozenset())
