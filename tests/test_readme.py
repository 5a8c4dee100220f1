import os
import re
import tomllib
from pathlib import Path

from argon2 import PasswordHasher
from twisted.trial import unittest

from .support.readme_commands import commands

ROOT = Path(__file__).resolve().parents[1]


class ReadmeTests(unittest.SynchronousTestCase):
    """What the README says is so."""

    readme = (ROOT / "README.md").read_text("utf-8")

    def test_two_commands_on_the_first_screen(self) -> None:
        """Starting and testing are one line each, and stand within the first forty lines."""
        self.assertEqual({"start", "test"}, set(commands()))
        first_screen = "\n".join(self.readme.splitlines()[:40])
        self.assertEqual(commands(), commands(first_screen))
        self.assertIn("twistd -n meshproxy --demo", commands()["start"])
        self.assertIn("-m twisted.trial tests", commands()["test"])

    def test_ci_runs_the_second_command(self) -> None:
        """CI runs what is pasted: it reads the command out of the README. It is a program."""
        script = ROOT / ".ci" / "run"
        self.assertIn("tests/support/readme_commands.py test", script.read_text("utf-8"))
        self.assertTrue(os.access(script, os.X_OK))

    def test_links_lead_somewhere(self) -> None:
        """Every relative link of README, CONTRIBUTING and docs/ leads to a file that is there."""
        for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))):
            for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
                self.assertTrue((page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}, which is not there")

    def test_the_demo_is_as_described(self) -> None:
        """The two people, their passwords and the address that the README names are those of conf/."""
        conf = (ROOT / "conf" / "meshproxy.toml").read_text("utf-8")
        self.assertIn('public_url = "http://localhost:8080"', re.sub(r" +", " ", conf))
        users = tomllib.loads((ROOT / "conf" / "users.toml").read_text("utf-8"))
        for name in ("alice", "bob"):
            self.assertIn(f"`{name}-demo`", self.readme)
            self.assertTrue(PasswordHasher().verify(users[name]["password"], f"{name}-demo"))
