"""Secrets, and the keys that seal sessions."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.intake import Intake
from meshproxy.config.secret_values import find_secret, parse_key, parse_session_keys
from meshproxy.config.wrong import Wrong

from .support.conf_dirs import ConfDir, properties

ONE, TWO = bytes(range(32)), b"\xfb\xff" * 16


def text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


class FindSecretTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)
        self.intake = Intake(self.conf.path, {"TOKEN": " from-env\n", "EMPTY": ""})
        self.conf.write("secret", "from-file\n")

    def find(self, value: str | None = None, file: str | None = None, env: str | None = None) -> tuple[str | None, list[str]]:
        found = find_secret(self.intake, "meshproxy.toml", "session", "secret", value, file, env)
        return found, [str(problem) for problem in self.intake.problems]

    def test_three_ways(self) -> None:
        """By value, by file, by environment variable, or not at all."""
        self.assertEqual(self.find(value="direct"), ("direct", []))
        self.assertEqual(self.find(file="secret"), ("from-file", []))
        self.assertEqual(self.find(env="TOKEN"), ("from-env", []))
        self.assertEqual(self.find(), (None, []))

    def test_two_ways_at_once(self) -> None:
        """Nobody knows which one counts: a problem that names both and repeats neither."""
        found, (problem,) = self.find(value="hunter2", env="TOKEN")
        self.assertIsNone(found)
        self.assertEqual(problem, "meshproxy.toml: session.secret_env: give exactly one of 'secret' or 'secret_env'")

    def test_missing(self) -> None:
        """A file or a variable that is not there, or is empty."""
        for way, words in (({"file": "no"}, "no such file"), ({"env": "NO"}, "NO is not set"), ({"env": "EMPTY"}, "EMPTY is empty")):
            with self.subTest(way):
                self.intake.problems.clear()
                found, (problem,) = self.find(**way)
                self.assertIsNone(found)
                self.assertIn(words, problem)


class SessionKeyTests(SynchronousTestCase):
    def test_one_a_line_newest_first(self) -> None:
        """Order is kept; empty lines and remarks do not count; a key that stands twice counts once."""
        self.assertEqual(parse_session_keys(f"# new\n{text(TWO)}\n\n {text(ONE)} \n{text(TWO)}"), (TWO, ONE))

    def test_both_alphabets_with_and_without_padding(self) -> None:
        """`openssl rand -base64 32` makes keys too."""
        standard = base64.b64encode(TWO).decode()
        self.assertIn("/", standard)
        for word in (standard, standard.rstrip("="), base64.urlsafe_b64encode(TWO).decode(), text(TWO)):
            with self.subTest(word):
                self.assertEqual(parse_key(word), TWO)

    def test_every_wrong_line_is_named(self) -> None:
        """By number and reason, never by content."""
        refusal = self.assertRaises(Wrong, parse_session_keys, f"hunter2!\n{text(ONE)}\n{text(ONE[:31])}\n{'A' * 41}")
        self.assertEqual(str(refusal), "line 1: is not base64url; line 3: is 31 bytes long, a key is 32; line 4: is not base64url")
        self.assertIn("new-key", refusal.hint or "")

    def test_no_key_at_all(self) -> None:
        """Remarks alone are no secret."""
        self.assertRaises(Wrong, parse_session_keys, "# later\n\n")

    @properties
    @given(st.binary(min_size=32, max_size=32))
    def test_every_key_of_32_bytes(self, key: bytes) -> None:
        """What `meshproxy new-key` prints comes back."""
        self.assertEqual(parse_key(text(key)), key)

    @properties
    @given(st.binary(max_size=64).filter(lambda key: len(key) != 32))
    def test_no_key_of_another_length(self, key: bytes) -> None:
        """Shorter ones are weak, longer ones are something else."""
        self.assertRaises(Wrong, parse_key, text(key))
