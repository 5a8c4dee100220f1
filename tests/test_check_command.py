"""Can this conf directory be run: ``meshproxy check``."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.support.command_line import DEMO, run
from tests.support.conf_dirs import ConfDir


class Check(SynchronousTestCase):
    def test_the_embedded_default(self) -> None:
        """A summary: each service with its URL, upstream and who may enter; what will surprise as warnings; exit 0."""
        ran = run("check", "--conf", DEMO)
        self.assertEqual((ran.status, ran.err), (0, ""))
        self.assertIn("headers  http://localhost:8080/headers  sample:   group devs", ran.out)
        self.assertIn("Identity providers: local (users)", ran.out)
        self.assertIn("warning: meshproxy.toml: session.secret_file: ", ran.out)
        self.assertIn("can be run", ran.out)

    def test_json(self) -> None:
        """The contract's keys; a service with what an operator asks for first."""
        document = json.loads(run("check", "--conf", DEMO, "--json").out)
        self.assertEqual(set(document), {"ok", "problems", "warnings", "services", "providers", "plugins"})
        self.assertEqual((document["ok"], document["problems"], document["providers"]), (True, [], [{"name": "local", "type": "users"}]))
        admin = next(one for one in document["services"] if one["name"] == "admin")
        self.assertEqual((admin["url"], admin["upstream"], admin["access"]), ("http://localhost:8080/admin", "sample:", ["group admins"]))
        self.assertEqual({plugin["source"] for plugin in document["plugins"]}, {"built-in"})
        self.assertLessEqual({"file", "key", "message"}, set(document["warnings"][0]))

    def test_all_problems_at_once(self) -> None:
        """Of every file, plugins' and templates' too; one a line as FILE: KEY: what; exit 1."""
        conf = ConfDir(self)
        conf.main("public_ur = 'x'\n")
        conf.service("orders", 'upstream = "http://orders.shop.svc"\n[acess]\ngroups = ["shop"]\n')
        conf.write("plugins/bad.py", "import nothing_of_that_name\n")
        ran = run("check", "--conf", str(conf.path))
        self.assertEqual((ran.status, ran.err), (1, ""))
        lines = ran.out.splitlines()
        self.assertTrue(
            any(line.startswith("meshproxy.toml: public_ur: unknown key (did you mean 'public_url'?") for line in lines), ran.out
        )
        self.assertTrue(any(line.startswith("services/orders.toml: acess: unknown key") for line in lines), ran.out)
        self.assertTrue(any(line.startswith("plugins/bad.py: cannot be imported") for line in lines), ran.out)
        document = json.loads(run("check", "--conf", str(conf.path), "--json").out)
        self.assertEqual((document["ok"], len(document["problems"])), (False, len(lines)))
        self.assertIn(
            {"file": "meshproxy.toml", "key": "public_ur", "message": "unknown key", "hint": "did you mean 'public_url'?"},
            document["problems"],
        )

    def test_templates_too(self) -> None:
        """A template that does not compile would stop a start: it is a problem here."""
        conf = ConfDir(self)
        conf.write(
            "users.toml",
            '[alice]\npassword = "$argon2id$v=19$m=65536,t=3,p=4$W40PBJgVGEgh6M/NnmoQig$TPboZvNGKXDvzgy+rvUa8ivfDU7u8rdJvdSAA9pSFNw"\n',
        )
        self.assertEqual(run("check", "--conf", str(conf.path)).status, 0)
        conf.write("templates/home.html", "{% if %}")
        ran = run("check", "--conf", str(conf.path))
        self.assertEqual(ran.status, 1)
        self.assertIn("home.html", ran.out)

    def test_the_schema(self) -> None:
        """One JSON Schema document, whatever the conf directory says."""
        document = json.loads(run("check", "--schema", "--conf", "/nowhere").out)
        self.assertLessEqual({"meshproxy", "service"}, set(document["$defs"]))
