"""Tables that belong to plugins."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from .support.conf_dirs import ConfDir

SERVICE = "upstream = 'http://a.b'\n[access]\nauthenticated = true\n"


class PluginTableTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)

    def test_providers(self) -> None:
        """In the order of the file, each with its rest untouched."""
        self.conf.main(tables="[identity.corp]\ntype = 'oidc'\nissuer = 'https://a.example/x'\nscopes = ['a']\nclient_secret_env = 'S'")
        local, corp = self.conf.settings().identity
        self.assertEqual(
            (local.use, local.name, dict(local.options), local.key), ("users", "local", {"file": "users.toml"}, "identity.local")
        )
        self.assertEqual((corp.use, corp.name, corp.key, corp.file), ("oidc", "corp", "identity.corp", self.conf.path / "meshproxy.toml"))
        self.assertEqual(corp.options, {"issuer": "https://a.example/x", "scopes": ["a"], "client_secret_env": "S"})

    def test_audit(self) -> None:
        """`required` is meshproxy's, the rest is the logger's; files that it writes are not watched."""
        self.conf.main(tables="[audit.a]\ntype = 'jsonl'\npath = '-'\nrequired = true\nfile = 'out.jsonl'\n[audit.b]\ntype = 'mine'")
        settings = self.conf.settings()
        first, second = settings.audit
        self.assertEqual((first.use, first.name, first.required, first.options), ("jsonl", "a", True, {"path": "-", "file": "out.jsonl"}))
        self.assertEqual((second.required, second.options), (False, {}))
        self.assertNotIn(self.conf.path / "out.jsonl", settings.files)
        self.conf.main(tables="[audit.a]\ntype = 'jsonl'\nrequired = 'yes'")
        self.assertEqual(self.conf.problems(), ["meshproxy.toml: audit.a.required: must be true or false"])

    def test_rewriters(self) -> None:
        """In the order of the file, numbered."""
        self.conf.service(
            "orders", SERVICE + "[[rewrite]]\nuse = 'grafana'\nroles = {Admin = ['x']}\n[[rewrite]]\nuse = 'bearer'\ntoken_file = 't'"
        )
        settings = self.conf.settings()
        one, two = settings.services[0].rewrite
        self.assertEqual((one.use, one.name, one.options, one.key), ("grafana", "grafana", {"roles": {"Admin": ["x"]}}, "rewrite.0"))
        self.assertEqual((two.key, two.file), ("rewrite.1", self.conf.path / "services/orders.toml"))
        self.assertIn(self.conf.path / "t", settings.files)

    def test_files(self) -> None:
        """Files that tables name belong to the directory, there or not: a change of them is one of the configuration."""
        self.conf.main(
            tables="[identity.corp]\ntype = 'oidc'\nclient_secret_file = 'okta'\nca_file = '/etc/ca.crt'\nprofile = 'x'\nnone_file = 7"
        )
        named = {self.conf.path / "okta", Path("/etc/ca.crt"), self.conf.path / "users.toml"}
        conf_files = {self.conf.path / "meshproxy.toml", self.conf.path / "services/orders.toml"}
        self.assertEqual(self.conf.settings().files, named | conf_files)

    def test_a_table_for_nobody(self) -> None:
        """Without a type it is a problem, and no plugin is asked about it."""
        self.conf.main(tables="[identity.corp]\nissuer = 'x'")
        self.assertEqual(self.conf.problems(), ["meshproxy.toml: identity.corp.type: required, and missing"])
