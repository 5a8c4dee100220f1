"""Files of the conf directory, and what is found about them."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.intake import LARGEST_FILE, Intake


class IntakeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.dir = Path(self.mktemp()).absolute()
        self.dir.mkdir()
        self.intake = Intake(self.dir, {})

    def write(self, name: str, content: bytes, mode: int = 0o600) -> None:
        (self.dir / name).write_bytes(content)
        (self.dir / name).chmod(mode)

    def findings(self) -> tuple[list[str], list[str]]:
        return [str(one) for one in self.intake.problems], [str(one) for one in self.intake.warnings]

    def test_paths_are_relative_to_the_conf_directory(self) -> None:
        """Relative ones stand in it, absolute ones where they stand."""
        self.assertEqual(self.intake.path("secrets/a"), self.dir / "secrets/a")
        self.assertEqual(self.intake.path("/etc/a"), Path("/etc/a"))

    def test_every_file_that_was_asked_for_is_known(self) -> None:
        """Also one that is not there: when it comes, that is a change."""
        self.write("a", b"x")
        self.assertEqual(self.intake.read("f", "k", "a"), b"x")
        self.assertIsNone(self.intake.read("f", "k", "b"))
        self.assertEqual(self.intake.files, {self.dir / "a", self.dir / "b"})

    def test_what_cannot_be_read_is_a_problem(self) -> None:
        """Missing, a directory, a path through a file, a name with NUL, too large: each with file and key, none raises."""
        self.write("a", b"x")
        with (self.dir / "large").open("wb") as large:
            large.truncate(LARGEST_FILE + 1)
        for name in ("missing", ".", "a/b", "a\0b", "large"):
            with self.subTest(name):
                self.intake.problems.clear()
                self.assertIsNone(self.intake.read("f.toml", "t.k", name))
                (problem,), _ = self.findings()
                self.assertTrue(problem.startswith("f.toml: t.k: "), problem)

    def test_a_secret_comes_without_blanks(self) -> None:
        """Editors end files with a line break."""
        self.write("s", b" pa ss \n")
        self.assertEqual(self.intake.read_secret("f", "k", "s"), "pa ss")
        self.assertEqual(self.findings(), ([], []))

    def test_an_empty_or_binary_secret_is_a_problem(self) -> None:
        """Both are not what was meant."""
        for content in (b"", b" \n", b"\xff\xfe"):
            with self.subTest(content):
                self.write("s", content)
                self.intake.problems.clear()
                self.assertIsNone(self.intake.read_secret("f", "k", "s"))
                self.assertEqual(len(self.intake.problems), 1)

    def test_a_secret_that_others_can_read_is_a_warning(self) -> None:
        """For the group and for everybody; the message names the mode and no content."""
        self.patch(os, "geteuid", lambda: (self.dir / ".").stat().st_uid)
        for mode in (0o640, 0o604, 0o644, 0o660):
            with self.subTest(oct(mode)):
                self.write("s", b"hunter2", mode)
                self.intake.warnings.clear()
                self.assertEqual(self.intake.read_secret("f", "k", "s"), "hunter2")
                problems, (warning,) = self.findings()
                self.assertEqual(problems, [])
                self.assertIn(f"mode {mode:04o}", warning)
                self.assertNotIn("hunter2", warning)

    def test_a_secret_that_we_read_as_its_group(self) -> None:
        """As Kubernetes mounts it: another's file, readable for our group. Everybody else is still too many."""
        self.patch(os, "geteuid", lambda: (self.dir / ".").stat().st_uid + 1)
        for mode, warned in ((0o440, False), (0o444, True)):
            with self.subTest(oct(mode)):
                self.write("s", b"hunter2", 0o600)
                (self.dir / "s").chmod(mode)
                self.intake.warnings.clear()
                self.intake.warn_if_open("f", "k", "s")
                self.assertEqual(bool(self.intake.warnings), warned)
                (self.dir / "s").unlink()
