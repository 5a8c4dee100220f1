"""Plugin instances over reloads: kept, made anew, stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.configured import Configured, read
from meshproxy.instances import Instances
from meshproxy.problems import ConfError

MAIN = 'public_url = "http://localhost:8080"\nmesh = false\n[identity.local]\ntype = "users"\nfile = "users.toml"\n'
SERVICE = 'upstream = "http://127.0.0.1:9000"\n[access]\nauthenticated = true\n[[rewrite]]\nuse = "counted"\nvalue = "%s"\n'
USERS = '[%s]\npassword = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$1qeXPBwLQyzaHEs0EYaHJGGmzVKwX7MYHAEdxz2Dx8w"\n'
PLUGIN = '''
from meshproxy.api import hookimpl

MADE, STOPPED = [], []

class Counted:
    """Counts itself."""
    name = "counted"
    managed_fields = [b"X-Counted"]

    def __init__(self, settings, context):
        if settings["value"] == "bad":
            raise ValueError("bad")
        MADE.append(settings["value"])
        self.value = settings["value"]

    def identity_fields(self, principal):
        return []

    def stop(self):
        STOPPED.append(self.value)

@hookimpl
def meshproxy_header_rewriters():
    return [Counted]
'''


class InstancesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        for name, text in {"meshproxy.toml": MAIN, "users.toml": USERS % "alice", "plugins/counted.py": PLUGIN,
                           "services/app.toml": SERVICE % "1"}.items():
            self.write(name, text)
        self.configured = read(self.folder)
        self.instances = Instances(Clock(), lambda: None)
        module: Any = self.configured.plugins.classes("header_rewriter")["counted"].identity_fields.__globals__
        self.made, self.stopped = module["MADE"], module["STOPPED"]

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def reread(self) -> Configured:
        return read(self.folder, self.configured.plugins)

    def rewriting(self, configured: Configured) -> Any:
        return self.instances.rewriting(configured, configured.settings.services[0])

    def test_kept(self) -> None:
        """A table that says the same keeps its instance."""
        self.rewriting(self.configured)
        self.rewriting(self.reread())
        self.assertEqual(self.made, ["1"])

    def test_made_anew(self) -> None:
        """A table that changed gets a new one; the old is stopped when nothing uses it any more."""
        self.rewriting(self.configured)
        self.write("services/app.toml", SERVICE % "2")
        new = self.reread()
        self.rewriting(new)
        self.assertEqual((self.made, self.stopped), (["1", "2"], []))
        self.successResultOf(self.instances.stop_all_but(self.instances.used_by(new)))
        self.assertEqual(self.stopped, ["1"])

    def test_changed_file(self) -> None:
        """A file that an instance read counts as its table: new people, new provider."""
        first = self.instances.providers(self.configured)["local"]
        self.write("users.toml", USERS % "bob")
        second = self.instances.providers(self.reread())["local"]
        self.assertIsNot(first, second)
        self.assertIsNone(second.find("alice"))

    def test_failure_leaves_nothing(self) -> None:
        """What cannot be made is a problem of its table, and what was made beside it can be dropped."""
        self.rewriting(self.configured)
        before = self.instances.known()
        self.write("services/app.toml", SERVICE % "bad")
        with self.assertRaises(ConfError) as caught:
            self.rewriting(self.reread())
        self.assertIn("services/app.toml", str(caught.exception))
        self.successResultOf(self.instances.stop_all_but(before))
        self.assertEqual(self.stopped, [])

    def test_stop(self) -> None:
        """At the end all are stopped; one that fails to is logged."""
        self.rewriting(self.configured)
        self.successResultOf(self.instances.stop_all_but(set()))
        self.assertEqual(self.stopped, ["1"])
        self.assertEqual(self.instances.known(), set())

    def test_no_store(self) -> None:
        """The cookie store is no plugin."""
        self.assertIsNone(self.instances.store(self.configured))

    def test_published_keys(self) -> None:
        """The keys of all rewriters that sign, each once, by the session keys of that moment; who cannot tell its keys harms no other."""
        self.write("services/app.toml", SERVICE % "1" + '[[rewrite]]\nuse = "jwt-assertion"\n')
        self.write("services/other.toml", SERVICE % "2" + '[route]\npath = "/other"\n[[rewrite]]\nuse = "jwt-assertion"\n')
        self.configured = self.reread()
        keys = [b"a" * 32]
        instances = Instances(Clock(), lambda: None, lambda: tuple(keys))
        before = {key["kid"] for key in instances.published_keys(self.configured)["keys"]}
        self.assertEqual(len(before), 3)
        keys.insert(0, b"b" * 32)
        after = {key["kid"] for key in instances.published_keys(self.configured)["keys"]}
        self.assertEqual((len(after), before < after), (6, True))
        counted: Any = self.configured.plugins.classes("header_rewriter")["counted"]
        counted.published_keys = lambda self: 1 / 0
        self.assertEqual({key["kid"] for key in instances.published_keys(self.configured)["keys"]}, after)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
