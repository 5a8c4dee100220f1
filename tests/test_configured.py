"""A conf directory that can be run: conf files and plugins are judged together."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.configured import read
from meshproxy.problems import ConfError

MAIN = 'public_url = "http://localhost:8080"\nmesh = false\n[identity.local]\ntype = "users"\nfile = "users.toml"\n'
SERVICE = 'upstream = "http://127.0.0.1:9000"\n[access]\nauthenticated = true\n'
USERS = '[alice]\npassword = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$1qeXPBwLQyzaHEs0EYaHJGGmzVKwX7MYHAEdxz2Dx8w"\n'


class ReadTests(SynchronousTestCase):
    def conf(self, **files: str) -> Path:
        directory = Path(self.mktemp())
        for name, text in {"meshproxy.toml": MAIN, "services/app.toml": SERVICE, "users.toml": USERS, **files}.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            path.chmod(0o600)
        return directory

    def test_good(self) -> None:
        """A good directory gives settings and plugins; every file that was read is known, the plugins' files too."""
        configured = read(self.conf())
        self.assertEqual([service.name for service in configured.settings.services], ["app"])
        self.assertIn("users.toml", {path.name for path in configured.settings.files})
        self.assertIn("grafana", configured.plugins.classes("header_rewriter"))

    def test_everything_at_once(self) -> None:
        """Mistakes in a conf file, a plugin's table, a plugin file and a template are told in one go."""
        directory = self.conf(**{
            "services/app.toml": SERVICE + "gruops = 1\n",
            "services/other.toml": SERVICE + '[route]\npath = "/other"\n[[rewrite]]\nuse = "grafanna"\n',
            "plugins/broken.py": "import nothing_of_that_name\n",
            "templates/home.html": "{% if %}",
        })
        with self.assertRaises(ConfError) as caught:
            read(directory)
        told = "\n".join(map(str, caught.exception.problems))
        for words in ("gruops", "plugins/broken.py", "nothing_of_that_name", "templates/home.html: line 1"):
            self.assertIn(words, told)

    def test_plugin_tables(self) -> None:
        """A rewriter that nobody registered is a problem of the file that uses it, with what was probably meant."""
        directory = self.conf(**{"services/app.toml": SERVICE + '[[rewrite]]\nuse = "grafanna"\n'})
        with self.assertRaises(ConfError) as caught:
            read(directory)
        (problem,) = caught.exception.problems
        self.assertIn("services/app.toml", str(problem))
        self.assertIn("grafana", str(problem))

    def test_running_plugins_stay(self) -> None:
        """A reload keeps the plugins of the running process."""
        directory = self.conf()
        first = read(directory)
        self.assertIs(read(directory, first.plugins).plugins, first.plugins)

    def test_beside_the_files(self) -> None:
        """An audit file in no directory is a problem of its table; a template that no page has is a warning; icons are watched."""
        directory = self.conf(**{
            "meshproxy.toml": MAIN + '[audit.trail]\ntype = "jsonl"\npath = "nowhere/audit.jsonl"\n', "templates/hoem.html": "x",
            "services/app.toml": 'icon = "app.svg"\n' + SERVICE, "app.svg": "<svg/>",
        })
        with self.assertRaises(ConfError) as caught:
            read(directory)
        (problem,) = caught.exception.problems
        self.assertEqual((problem.file, problem.key), ("meshproxy.toml", "audit.trail.path"))
        (directory / "nowhere").mkdir()
        configured = read(directory)
        self.assertIn("templates/hoem.html", {str(warning.file) for warning in configured.warnings})
        self.assertIn("app.svg", {path.name for path in configured.settings.files})
