"""The command line of ``twistd meshproxy``."""

from __future__ import annotations

import sys
from io import StringIO
from pathlib import Path

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.tap import Options, makeService


class OptionsTests(SynchronousTestCase):
    def test_help(self) -> None:
        """The help explains itself."""
        text = str(Options())
        for word in ("--conf", "--demo", "--workers", "meshproxy check"):
            self.assertIn(word, text)

    def test_wrong_usage(self) -> None:
        """What excludes each other, or is no number of workers, is an error."""
        for arguments in (["--demo", "--conf", "x"], ["--workers", "0"], ["--workers", "many"], ["stray"]):
            with self.assertRaises(usage.UsageError, msg=str(arguments)):
                Options().parseOptions(arguments)

    def test_log_goes_to_standard_error(self) -> None:
        """Unless twistd was told otherwise, its log leaves standard output to the access log."""
        for given, expected in (({}, "meshproxy.log.observer_factory"), ({"logfile": "x"}, None), ({"logger": "own"}, "own")):
            options = Options()
            options.parent = dict(given)  # type: ignore[assignment]
            options.parseOptions([])
            self.assertEqual(options.parent.get("logger"), expected)  # type: ignore[union-attr]

    def test_bad_directory(self) -> None:
        """Problems are printed one a line on standard error, and the program ends with 1."""
        directory = Path(self.mktemp())
        (directory / "services").mkdir(parents=True)
        (directory / "meshproxy.toml").write_text('publicurl = "x"\n')
        for conf, words in ((str(directory), "publicurl"), (str(directory / "nowhere"), "nowhere")):
            options = Options()
            options.parseOptions(["--conf", conf])
            err = StringIO()
            self.patch(sys, "stderr", err)
            with self.assertRaises(SystemExit) as caught:
                makeService(options)
            self.assertEqual(caught.exception.code, 1)
            self.assertIn(words, err.getvalue())
            self.assertTrue(all(line.startswith("meshproxy: ") for line in err.getvalue().splitlines()))
