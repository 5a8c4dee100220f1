"""What a table says to its plugin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Duration, Problem, Size, Template, TemplateText
from meshproxy.config.intake import Intake
from meshproxy.plugins.options import read_options
from meshproxy.settings import PluginTable


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    depth: int = 0


class Acme:
    """A plugin with every kind of setting."""

    name = "acme"

    class Settings(BaseModel):
        text: str = "x"
        number: int = 0
        secret: SecretStr | None = None
        ca: Path | None = None
        more: list[Path] = []
        timeout: Duration = 5.0
        cap: Size = 1024
        user: TemplateText = Template("{email}")
        inner: Inner = Inner()

    def __init__(self, settings: Any, context: Any) -> None:
        pass


class Plain:
    """A plugin that gets a dict, one of whose keys is a secret."""

    name = "plain"
    secret_fields = ("token",)

    def __init__(self, settings: Any, context: Any) -> None:
        pass


class OptionsTests(SynchronousTestCase):
    """One table."""

    def setUp(self) -> None:
        self.conf_dir = Path(self.mktemp()).absolute()
        self.conf_dir.mkdir()
        self.intake = Intake(self.conf_dir, {"ACME_SECRET": "from-env", "EMPTY": ""})

    def read(self, options: dict[str, object], cls: type = Acme) -> Any:
        return read_options(cls, PluginTable(cls.name, "corp", options, self.conf_dir / "meshproxy.toml", "identity.corp"), self.intake)  # type: ignore[attr-defined]

    def test_values(self) -> None:
        """Durations, sizes and templates as in meshproxy's own keys; defaults where nothing is said."""
        found = self.read({"number": 3, "timeout": "500ms", "cap": "64KiB", "user": "{subject}", "inner": {"depth": 2}})
        self.assertEqual((found.number, found.timeout, found.cap, found.user.text, found.inner.depth), (3, 0.5, 65536, "{subject}", 2))
        self.assertEqual(self.read({}).text, "x")
        self.assertEqual(self.intake.problems, [])

    def test_all_problems(self) -> None:
        """Unknown keys, wrong types, in tables within too: all at once, each under its own key, with a hint."""
        self.assertIsNone(self.read({
            "txt": "x", "number": "three", "timeout": 30, "cap": "64KB", "user": "{mail}", "inner": {"dept": 1}, "secret_fiel": "x",
        }))
        found = {problem.key: problem for problem in self.intake.problems}
        self.assertEqual(
            set(found), {f"identity.corp.{key}" for key in ("txt", "number", "timeout", "cap", "user", "inner.dept", "secret_fiel")}
        )
        self.assertEqual(found["identity.corp.txt"].hint, "did you mean 'text'?")
        self.assertEqual(found["identity.corp.secret_fiel"].hint, "did you mean 'secret_file'?")
        self.assertEqual({problem.file for problem in found.values()}, {"meshproxy.toml"})

    def test_secrets(self) -> None:
        """By value, by file, by environment; a file that others can read is a warning; its change will be noticed."""
        path = self.conf_dir / "secret"
        path.write_text("from-file\n")
        os.chmod(path, 0o644)
        for options, expected in (
            ({"secret": "plain"}, "plain"), ({"secret_file": "secret"}, "from-file"), ({"secret_env": "ACME_SECRET"}, "from-env"),
        ):
            self.assertEqual(self.read(options).secret.get_secret_value(), expected)
        self.assertEqual(self.intake.problems, [])
        self.assertEqual(len(self.intake.warnings), 1)
        self.assertIn(path, self.intake.files)

    def test_texts_as_secrets(self) -> None:
        """A text may come from a file or the environment too, unless the model has a key of that very name."""

        class Texts(Plain):
            class Settings(BaseModel):
                text: str
                ca: str | None = None
                ca_file: str | None = None

        found = self.read({"text_env": "ACME_SECRET", "ca_file": "ca.pem"}, Texts)
        self.assertEqual((found.text, found.ca, found.ca_file), ("from-env", None, "ca.pem"))
        self.assertIsNone(self.read({"text": "x", "number_env": "ACME_SECRET"}, Texts))
        self.assertEqual([problem.key for problem in self.intake.problems], ["identity.corp.number_env"])

    def test_secrets_that_are_not_there(self) -> None:
        """Two at once, an absent file, an unset variable, a wrong type: one problem each, and never the secret."""
        for options in ({"secret": "hunter2", "secret_file": "x"}, {"secret_file": "absent"}, {"secret_env": "UNSET"},
                        {"secret_env": "EMPTY"},
                        {"secret": 3}, {"secret_file": ["hunter2"]}):
            self.intake.problems.clear()
            self.assertIsNone(self.read(options))
            self.assertEqual(len(self.intake.problems), 1, options)
            self.assertNotIn("hunter2", str(self.intake.problems[0]))

    def test_paths(self) -> None:
        """Paths are relative to the conf directory; a change of the files is noticed."""
        found = self.read({"ca": "tls/ca.pem", "more": ["a", "/etc/b"]})
        self.assertEqual((found.ca, found.more), (self.conf_dir / "tls/ca.pem", [self.conf_dir / "a", Path("/etc/b")]))
        self.assertLessEqual({self.conf_dir / "tls/ca.pem", Path("/etc/b")}, self.intake.files)

    def test_plain_dict(self) -> None:
        """Without a model the rest of the table as it stands, named secrets found."""
        self.assertEqual(self.read({"a": [1], "token_env": "ACME_SECRET"}, Plain), {"a": [1], "token": "from-env"})
        self.assertIsNone(self.read({"token_file": "absent"}, Plain))

    def test_no_settings(self) -> None:
        """A class that takes nothing has no keys."""
        cls = type("Nothing", (), {"name": "nothing"})
        self.assertEqual(self.read({}, cls), {})
        self.assertIsNone(self.read({"x": 1}, cls))
        self.assertIn("unknown key", self.intake.problems[0].message)

    def test_open_model(self) -> None:
        """A model that allows further keys gets them."""

        class Open(Plain):
            class Settings(BaseModel):
                model_config = ConfigDict(extra="allow")

        self.assertEqual(self.read({"anything": 1}, Open).model_extra, {"anything": 1})

    def test_check_settings(self) -> None:
        """A class may look at what its settings name, and has the last word."""

        class Checks(Acme):
            @classmethod
            def check_settings(cls, settings: Any, path: Any) -> list[Problem]:
                return [Problem(path("users.toml"), settings.text, "is wrong", "mend it")]

        self.assertIsNone(self.read({"text": "alice"}, Checks))
        self.assertEqual(self.intake.problems, [Problem("users.toml", "alice", "is wrong", "mend it")])
