"""The plugin host: what is registered, reported, checked and made."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api.testing import context, principal
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.plugins import Plugins
from meshproxy.plugins.host import store_table
from meshproxy.problems import ConfError, Problem
from meshproxy.settings import PluginTable, ServiceSettings, SessionSettings, Settings

ACME = '''
from meshproxy.api import hookimpl

class AcmeUser:
    """Tells ACME's legacy tools who is there.   [[rewrite]] use = "acme-user" """
    name = "acme-user"
    managed_fields = [b"X-Acme-User"]

    def __init__(self, settings, context):
        self.settings = settings

    def identity_fields(self, principal):
        return [(b"X-Acme-User", principal.subject.encode())]

@hookimpl
def meshproxy_header_rewriters():
    return [AcmeUser]
'''
EVERY_MISTAKE = {
    "a_import.py": "import no_such_module",
    "b_misspelt.py": "from meshproxy.api import hookimpl\n@hookimpl\ndef meshproxy_header_rewriter():\n    return []",
    "c_unmarked.py": "def meshproxy_audit_loggers():\n    return []",
    "d_lacks.py": ACME.replace("identity_fields", "identity_field").replace("acme-user", "d"),
    "e_nameless.py": ACME.replace('name = "acme-user"', ""),
    "f_taken.py": ACME.replace("acme-user", "grafana"),
    "g_arguments.py": ACME.replace("rewriters():", "rewriters(settings):").replace("acme-user", "g"),
    "h_raises.py": ACME.replace("return [AcmeUser]", "return [AcmUser]").replace("acme-user", "h"),
    "i_no_list.py": ACME.replace("return [AcmeUser]", "return AcmeUser").replace("acme-user", "i"),
    "j_nothing.py": "x = 1",
    "k_first.py": ACME,
    "l_twice.py": ACME,
    "m_protected.py": ACME.replace('b"X-Acme-User"', 'b"Host"').replace("acme-user", "m"),
    "n_wrapper.py": ACME.replace("@hookimpl", "@hookimpl(wrapper=True)").replace("[AcmeUser]", "(yield)").replace("acme-user", "n"),
}


class LoadTests(SynchronousTestCase):
    """From a conf directory."""

    def setUp(self) -> None:
        self.conf_dir = Path(self.mktemp()).absolute()
        (self.conf_dir / "plugins").mkdir(parents=True)

    def write(self, name: str, text: str) -> None:
        (self.conf_dir / "plugins" / name).write_text(text)

    def problems(self) -> list[Problem]:
        with self.assertRaises(ConfError) as caught:
            Plugins.load(self.conf_dir)
        return list(caught.exception.problems)

    def test_the_contracts_example(self) -> None:
        """One file of fifteen lines is a working rewriter, reported with where it came from."""
        self.write("acme.py", ACME)
        plugins = Plugins.load(self.conf_dir)
        table = PluginTable("acme-user", "acme-user", {"greeting": "hi"}, self.conf_dir / "services/x.toml", "rewrite.0")
        rewriter = plugins.make(table, "header_rewriter", context(conf_dir=self.conf_dir))
        self.assertEqual(rewriter.identity_fields(principal()), [(b"X-Acme-User", b"alice")])
        self.assertEqual(rewriter.settings, {"greeting": "hi"})
        self.assertIn(
            {"name": "acme", "source": "plugins/acme.py", "registers": [{"kind": "header_rewriter", "name": "acme-user"}]}, plugins.report()
        )
        json.dumps(plugins.report())

    def test_built_ins(self) -> None:
        """What the contract names is there, as plugins whose source is built-in."""
        plugins = Plugins.load(None)
        self.assertLessEqual(
            {"forwarded-user", "grafana", "remote-user", "bearer", "basic", "kubernetes-impersonation", "fields"},
            set(plugins.classes("header_rewriter")),
        )
        self.assertLessEqual({"users", "mesh"}, set(plugins.classes("identity_provider")))
        self.assertIn("jsonl", plugins.classes("audit_logger"))
        self.assertIn("memory", plugins.classes("session_store"))
        self.assertEqual({each["source"] for each in plugins.report()}, {"built-in"})

    def test_every_mistake_at_once(self) -> None:
        """Each wrong plugin is one problem, naming its file and the reason; right ones among them do not help."""
        for name, text in EVERY_MISTAKE.items():
            self.write(name, text)
        found = {str(problem.file).removeprefix("plugins/"): problem.message for problem in self.problems()}
        self.assertEqual(sorted(found), sorted(set(EVERY_MISTAKE) - {"k_first.py"}))
        for name, words in {
            "a_import.py": "line 1: ModuleNotFoundError", "b_misspelt.py": "did you mean 'meshproxy_header_rewriters'?",
            "c_unmarked.py": "lacks @hookimpl", "d_lacks.py": "it has 'identity_field'", "e_nameless.py": "has no name",
            "f_taken.py": "the name 'grafana' is taken by a built-in", "g_arguments.py": "settings", "h_raises.py": "line 17: NameError",
            "i_no_list.py": "not a list", "j_nothing.py": "registers nothing", "l_twice.py": "taken by plugins/k_first.py",
            "m_protected.py": "Host is meshproxy's own", "n_wrapper.py": "wrapper",
        }.items():
            self.assertIn(words, found[name])
        self.assertEqual(len(self.problems()), len(found))

    def test_one_name_two_kinds(self) -> None:
        """A name is taken within its kind; a rewriter may be called as an audit logger is."""
        self.write("acme.py", ACME.replace("acme-user", "jsonl"))
        self.assertIn("jsonl", Plugins.load(self.conf_dir).classes("header_rewriter"))

    def test_of(self) -> None:
        """A host of given classes knows those alone, and judges them."""

        class Bad:
            name = "bad"

            def verify(self, username: str) -> None:
                pass

        with self.assertRaises(ConfError):
            Plugins.of(Bad)
        with self.assertRaises(ConfError):
            Plugins.of(int)
        self.assertEqual(Plugins.of().classes("audit_logger"), {})


class TableTests(SynchronousTestCase):
    """Tables that use plugins."""

    def setUp(self) -> None:
        self.conf_dir = Path(self.mktemp()).absolute()
        self.conf_dir.mkdir()
        self.plugins = Plugins.load(None)

    def table(self, use: str, key: str, **options: object) -> PluginTable:
        return PluginTable(use, key.rpartition(".")[2], options, self.conf_dir / "meshproxy.toml", key)

    def test_unknown_plugin(self) -> None:
        """The key that says which, and what was probably meant."""
        for kind, key, use, shown, hint in (
            ("header_rewriter", "rewrite.0", "grafna", "rewrite.0.use", "grafana"),
            ("identity_provider", "identity.x", "user", "identity.x.type", "users"),
            ("audit_logger", "audit.x", "json", "audit.x.type", "jsonl"),
            ("session_store", "session", "memroy", "session.store", "memory"),
        ):
            (problem,) = self.plugins.check(self.table(use, key), kind, self.conf_dir)
            self.assertEqual((problem.file, problem.key, problem.hint), ("meshproxy.toml", shown, f"did you mean '{hint}'?"))

    def test_make(self) -> None:
        """What is wrong with a table stops it before anything is made; what __init__ raises names plugin and table."""
        with self.assertRaises(ConfError) as caught:
            self.plugins.make(self.table("grafana", "rewrite.0", rols={}), "header_rewriter", context(conf_dir=self.conf_dir))
        self.assertEqual([problem.key for problem in caught.exception.problems], ["rewrite.0.rols"])
        (self.conf_dir / "plugins").mkdir()
        (self.conf_dir / "plugins" / "acme.py").write_text(ACME.replace("self.settings = settings", "self.x = settings['absent']"))
        with self.assertRaises(ConfError) as caught:
            Plugins.load(self.conf_dir).make(self.table("acme-user", "rewrite.0"), "header_rewriter", context(conf_dir=self.conf_dir))
        self.assertEqual(str(caught.exception), "meshproxy.toml: rewrite.0: rewriter 'acme-user' cannot be made: "
                                                "plugins/acme.py: line 10: KeyError: 'absent'")
        (self.conf_dir / "plugins" / "acme.py").write_text(ACME.replace("self.settings = settings", "self.managed_fields = ['X']"))
        with self.assertRaises(ConfError) as caught:
            Plugins.load(self.conf_dir).make(self.table("acme-user", "rewrite.0"), "header_rewriter", context(conf_dir=self.conf_dir))
        self.assertIn("not bytes", str(caught.exception))

    def test_fingerprint(self) -> None:
        """It changes with the table, with the content of a file that the table names, and with a secret; with nothing else."""
        (self.conf_dir / "users.toml").write_text("[alice]")
        users = self.table("users", "identity.local", file="users.toml")
        basic = self.table("basic", "rewrite.0", password_env="SECRET")

        def both(secret: str = "one") -> tuple[bytes, bytes]:
            found = [
                self.plugins.fingerprint(table, kind, self.conf_dir, {"SECRET": secret, "OTHER": str(len(secret))})
                for table, kind in ((users, "identity_provider"), (basic, "header_rewriter"))
            ]
            return found[0], found[1]

        before = both()
        self.assertEqual(before, both())
        self.assertNotEqual(before[1], both("three")[1])
        self.assertEqual(before[0], both("three")[0])
        (self.conf_dir / "users.toml").write_text("[bobby]")
        self.assertNotEqual(before[0], both()[0])
        self.assertNotEqual(before[1], self.plugins.fingerprint(self.table("basic", "rewrite.0"), "header_rewriter", self.conf_dir, {}))

    def settings(self, *, store: str = "cookie", users: str = "users.toml") -> Settings:
        service = ServiceSettings(
            "app", "App", Upstream("http", "app", 80), RouteSettings("localhost"), AccessSettings(public=True),
            rewrite=(self.table("basic", "rewrite.0", password_env="SECRET"), self.table("grafana", "rewrite.1")),
        )
        return Settings(
            self.conf_dir, Origin("http", "localhost", 8080), (service,), (self.table("users", "identity.local", file=users),),
            (self.table("jsonl", "audit.file"),), session=SessionSettings(store=store), trusted_networks=(ip_network("10.0.0.0/8"),),
        )

    def test_examine(self) -> None:
        """All tables of a conf directory: problems, and the files whose change matters."""
        found = self.plugins.examine(self.settings(store="memroy"), {})
        self.assertEqual([problem.key for problem in found.problems], ["", "rewrite.0.password_env", "session.store"])
        self.assertEqual(found.problems[0].file, "users.toml")
        self.assertIn(self.conf_dir / "users.toml", found.files)

    def test_examine_nothing_wrong(self) -> None:
        """The cookie store is no plugin; a session table's own keys are a store's."""
        (self.conf_dir / "users.toml").write_text(
            "[alice]\npassword = '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG'\n"
        )
        self.assertEqual(self.plugins.examine(self.settings(), {"SECRET": "x"}).problems, ())
        self.assertEqual(self.plugins.examine(self.settings(store="memory"), {"SECRET": "x"}).problems, ())

    def test_the_redis_store(self) -> None:
        """``store = "redis"`` reads where the Redis is from keys of ``[session]`` that are meshproxy's own."""
        settings = self.settings()
        session = SessionSettings(store="redis", redis_url="redis://cache.example:6379/0", redis_ca_file=self.conf_dir / "ca.pem")
        table = store_table(replace(settings, session=session))
        self.assertEqual(table.options, {"redis_url": "redis://cache.example:6379/0", "redis_ca_file": str(self.conf_dir / "ca.pem")})
        self.assertEqual(self.plugins.check(table, "session_store", self.conf_dir), [])
