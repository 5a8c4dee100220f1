"""The whole conf directory."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import rmtree

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config import drafts, load, survey
from meshproxy.config.complaints import keys_of
from meshproxy.config.main_model import MainFile
from meshproxy.config.service_model import ServiceFile
from meshproxy.problems import ConfError
from meshproxy.settings import Settings

from .support.conf_dirs import MAIN, SERVICE, ConfDir, properties

ROOT = Path(__file__).resolve().parent.parent


class ReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)

    def test_a_good_directory(self) -> None:
        """No problem, no warning; services by name."""
        self.conf.service("another", SERVICE + "[route]\npath = '/a'")
        loaded = self.conf.load()
        self.assertEqual((loaded.warnings, [service.name for service in loaded.settings.services]), ((), ["another", "orders"]))
        self.assertEqual(loaded.settings.hosts, ("apps.example.com",))

    def test_every_problem_of_every_file_at_once(self) -> None:
        """Nobody fixes one, starts, and meets the next."""
        self.conf.main(
            'lissen = 1\nmesh = "no"',
            tables="[session.x]\n",
            base='public_url = "http://a.example"\n',
            identity="[identity.\"a b\"]\ntype = 'oidc'\n",
        )
        self.conf.service("orders", "upstream = 'http://u:p@a.b'\n[route]\npath = 'x'\n[acess]\n")
        self.conf.service("bad", "= 1")
        self.conf.service("Bad_Name", SERVICE + "[tls]\n")
        problems = self.conf.problems()
        self.assertEqual(
            [tuple(problem.split(": ")[:2]) for problem in problems],
            [
                ("meshproxy.toml", "public_url"),
                ("meshproxy.toml", "mesh"),
                ("meshproxy.toml", "identity.a b"),
                ("meshproxy.toml", "lissen"),
                ("meshproxy.toml", "session.x"),
                ("services/Bad_Name.toml", "the file's name is the service's"),
                ("services/Bad_Name.toml", "tls"),
                ("services/bad.toml", "is not TOML"),
                ("services/orders.toml", "upstream"),
                ("services/orders.toml", "route.path"),
                ("services/orders.toml", "acess"),
                ("services/orders.toml", "access"),
            ],
        )

    def test_one_line_a_problem(self) -> None:
        """FILE: KEY: what is wrong (did you mean …?), whatever was written."""
        self.conf.service("orders", 'upstream = "http://a\\nb"\n"x\\ny" = 1\n[access]\n"gro\\u001bups" = ["a"]')
        for problem in self.conf.problems():
            self.assertTrue(problem.isprintable(), ascii(problem))

    def test_the_files_of_a_failed_reading(self) -> None:
        """A reload that failed is tried again when one of them changes, also one that was missing."""
        self.conf.main(identity="[session]\nsecret_file = 'none.key'\n")
        error = self.assertRaises(ConfError, self.conf.load)
        self.assertTrue(
            {self.conf.path / "meshproxy.toml", self.conf.path / "none.key", self.conf.path / "services/orders.toml"} <= error.files
        )

    def test_no_directory_and_no_file(self) -> None:
        """Both are named."""
        self.assertIn("no such directory", str(self.assertRaises(ConfError, load, self.conf.path / "none")))
        (self.conf.path / "meshproxy.toml").unlink()
        self.assertIn("meshproxy.toml: meshproxy.toml: no such file", self.conf.problems()[0])

    def test_files_beside_the_services_do_not_count(self) -> None:
        """Editors' and the kubelet's leavings, and other files."""
        for name in (".orders.toml", "orders.toml~", "README.md", "..data/x.toml"):
            self.conf.write(f"services/{name}", "not toml")
        self.assertEqual([service.name for service in self.conf.settings().services], ["orders"])

    def test_no_services(self) -> None:
        """Starts, and says that there is nothing to see; a file in the directory's place is a problem."""
        (self.conf.path / "services/orders.toml").unlink()
        self.assertEqual(self.conf.warnings(), ["services: there is no service: services/NAME.toml makes one"])
        os.rmdir(self.conf.path / "services")
        self.assertEqual(len(self.conf.warnings()), 1)
        self.conf.write("services")
        self.assertIn("services: cannot be read", self.conf.problems()[0])

    def test_a_config_map_is_read_through_its_links(self) -> None:
        """As the kubelet mounts it: each file a link into ..data, which is a link itself."""
        self.conf.write("mount/..2026_1/meshproxy.toml", MAIN)
        (self.conf.path / "mount/..data").symlink_to("..2026_1")
        (self.conf.path / "mount/meshproxy.toml").symlink_to("..data/meshproxy.toml")
        settings = load(self.conf.path / "mount", environ={}).settings
        self.assertEqual(settings.files, {self.conf.path / "mount/meshproxy.toml"})

    def test_a_survey_goes_as_far_as_it_can(self) -> None:
        """Problems are returned; tables that say which plugin they are for are there for it to check, the others are not."""
        self.conf.main("lissen = 1", tables="[identity.corp]\nissuer = 'x'\n[audit.a]\ntype = 'jsonl'\n[audit.b]\n")
        self.conf.service("orders", "[[rewrite]]\nuse = 'grafana'\n[[rewrite]]\nuser = 'x'\n")
        surveyed = survey(self.conf.path, environ={})
        self.assertEqual(
            [str(problem).split(": ")[1] for problem in surveyed.problems],
            ["identity.corp.type", "audit.b.type", "lissen", "upstream", "rewrite.1.use", "access"],
        )
        settings = surveyed.settings
        tables = [*settings.identity, *settings.audit, *settings.services[0].rewrite]
        self.assertEqual([table.key for table in tables], ["identity.local", "audit.a", "rewrite.0"])

    def test_reading_twice_gives_equal_settings(self) -> None:
        """So that a reload can see what has changed."""
        self.assertEqual(self.conf.settings(), self.conf.settings())

    def test_the_contracts_samples_load(self) -> None:
        """What the documentation shows can be pasted."""
        self.conf.write("session.key", "A" * 43)
        self.conf.write("secrets/okta", "s3cret")
        (self.conf.path / "meshproxy.toml").write_text((ROOT / "tests/data/conf_full/meshproxy.toml").read_text("utf-8"))
        (self.conf.path / "services/orders.toml").unlink()
        self.conf.service("grafana", (ROOT / "tests/data/conf_full/services/grafana.toml").read_text("utf-8"))
        self.assertEqual(self.conf.problems(), [])


#: Values that are right somewhere, and wrong everywhere else.
SCRAPS = st.sampled_from(
    [
        "https://a.example",
        "http://localhost",
        "http://a:80",
        "unix:x",
        "sample:",
        "/",
        "/x",
        "a.example",
        "tcp:80",
        "tls:81",
        "unix:s",
        "redis",
        "cookie",
        "etcd",
        "30s",
        "2h",
        "64KiB",
        "*",
        "",
        "preserve",
        "users",
        "oidc",
        "spiffe://td/a",
        "10.0.0.0/8",
        "a@b",
        "redis://:p@h",
        "missing.file",
        "services",
        "\0",
        "none",
        0,
        1,
        -1,
        True,
        False,
        1.5,
    ]
)
KEYS = st.sampled_from(sorted({key.rpartition(".")[2] for model in (MainFile, ServiceFile) for key in keys_of(model)} | {"corp", "x", ""}))
TABLES = st.dictionaries(
    KEYS, st.recursive(SCRAPS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)
)


class AnythingTests(SynchronousTestCase):
    @properties
    @given(TABLES, TABLES, st.dictionaries(KEYS, st.dictionaries(KEYS, SCRAPS, max_size=6), max_size=4))
    def test_whatever_files_say(self, main: dict, service: dict, more: dict) -> None:
        """There are settings and a list of problems, each one line; nothing else is ever raised."""
        conf = ConfDir(self)
        raw = {
            "meshproxy.toml": main | {"public_url": "https://a.example"} | more,
            "services/orders.toml": service | {"upstream": "https://a"} | more,
        }
        self.patch(drafts, "read_toml", lambda intake, file: raw[file])
        surveyed = survey(conf.path, environ={})
        self.assertIsInstance(surveyed.settings, Settings)
        for finding in (*surveyed.problems, *surveyed.warnings):
            self.assertTrue(str(finding).isprintable(), finding)
        rmtree(conf.path)


class EmbeddedDefaultTests(SynchronousTestCase):
    def test_it_loads(self) -> None:
        """The repository's own conf directory: no problem, and the one warning that it explains itself."""
        loaded = load(ROOT / "conf", environ={})
        self.assertEqual([warning.key for warning in loaded.warnings], ["session.secret_file"])
        self.assertEqual([service.upstream.scheme for service in loaded.settings.services], ["sample", "sample"])
        self.assertTrue(all(service.icon for service in loaded.settings.services))

    def test_it_listens_on_this_machine_alone(self) -> None:
        """Whoever tries it out opens nothing to the network."""
        settings = load(ROOT / "conf", environ={}).settings
        self.assertTrue(all("interface=127.0.0.1" in listener for listener in (*settings.listen, settings.admin_listen)))
        self.assertEqual(str(settings.public_url), "http://localhost:8080")

    def test_the_passwords_are_those_it_names(self) -> None:
        """Each hash in users.toml is that of the password in the remark above it."""
        import re
        import tomllib

        from argon2 import PasswordHasher

        text = (ROOT / "conf/users.toml").read_text("utf-8")
        said = dict(re.findall(r"^# +(\w+) +password: (\S+)$", text, re.MULTILINE))
        users = tomllib.loads(text)
        self.assertEqual(set(said), set(users))
        for name, user in users.items():
            self.assertTrue(PasswordHasher().verify(user["password"], said[name]))
