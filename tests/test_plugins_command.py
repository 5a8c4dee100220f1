"""Which plugins are there: ``meshproxy plugins``."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.support.command_line import run
from tests.support.conf_dirs import ConfDir

PLUGIN = """
from meshproxy.api import hookimpl

class One:
    name = "one"
    managed_fields = [b"X-One"]
    def identity_fields(self, principal):
        return []

@hookimpl
def meshproxy_header_rewriters():
    return [One]
"""


class PluginsCommand(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)
        self.conf.write("plugins/acme.py", PLUGIN)

    def test_json(self) -> None:
        """The built-in ones and the conf directory's, each with what it registers."""
        ran = run("plugins", "--conf", str(self.conf.path), "--json")
        plugins = {plugin["name"]: plugin for plugin in json.loads(ran.out)["plugins"]}
        self.assertEqual(ran.status, 0)
        self.assertEqual(
            plugins["acme"], {"name": "acme", "source": "plugins/acme.py", "registers": [{"kind": "header_rewriter", "name": "one"}]}
        )
        self.assertEqual(plugins["grafana"]["source"], "built-in")

    def test_text(self) -> None:
        """A line a plugin."""
        out = run("plugins", "--conf", str(self.conf.path)).out
        self.assertRegex(out, r"(?m)^acme +plugins/acme.py +header rewriter one$")

    def test_a_wrong_one(self) -> None:
        """Is named, and exits 1."""
        self.conf.write("plugins/acme.py", PLUGIN.replace("header_rewriters", "header_rewritters"))
        ran = run("plugins", "--conf", str(self.conf.path))
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertIn("plugins/acme.py", ran.err)
