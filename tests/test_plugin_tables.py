"""Tables that belong to plugins."""

from __future__ import annotations

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

    def test_issuers(self) -> None:
        """https, or http on this machine; nothing in the URL that could hide."""
        for kind, issuer, good in (
            ("oidc", "https://a.example", True),
            ("oidc", "http://localhost:9000/x", True),
            ("bearer", "http://127.0.0.1:1", True),
            ("oidc", "http://[::1]:1", True),
            ("oidc", "http://a.example", False),
            ("bearer", "http://10.0.0.1", False),
            ("oidc", "https://u:p@a.example", False),
            ("oidc", "https://a.example?x", False),
            ("oidc", "a.example", False),
            ("acme", "http://a.example", True),
        ):
            with self.subTest(f"{kind} {issuer}"):
                self.conf.main(tables=f"[identity.corp]\ntype = '{kind}'\nissuer = '{issuer}'")
                problems = self.conf.problems()
                self.assertEqual(problems == [], good, problems)
                if not good:
                    self.assertTrue(problems[0].startswith("meshproxy.toml: identity.corp.issuer: "), problems)

    def test_files_and_open_secrets(self) -> None:
        """Files that tables name are watched; secrets among them that others can read are a warning."""
        for name in ("okta", "ca.crt"):
            self.conf.write(name, "x", mode=0o644)
        self.conf.main(tables="[identity.corp]\ntype = 'oidc'\nissuer = 'https://a'\nclient_secret_file = 'okta'\nca_file = 'ca.crt'")
        loaded = self.conf.load()
        self.assertTrue({self.conf.path / name for name in ("okta", "ca.crt", "users.toml")} <= loaded.settings.files)
        self.assertEqual(
            [warning.key for warning in loaded.warnings if "others can read" in warning.message], ["identity.corp.client_secret_file"]
        )
