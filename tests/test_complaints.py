"""What pydantic refuses, in the words of conf files."""

from __future__ import annotations

from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.complaints import dotted, explain, keys_of, table_at, unknown_key
from meshproxy.config.main_model import CertificateTable, ListenTlsTable, MainFile, ProviderTable, SessionTable
from meshproxy.config.service_model import RouteTable, ServiceFile

PUBLIC = {"public_url": "https://a.example"}
SERVICE = {"upstream": "http://a.example"}


class ComplaintTests(SynchronousTestCase):
    def complaints(self, model: type, said: dict) -> list[tuple[str, str, str | None]]:
        refusal = self.assertRaises(ValidationError, model.model_validate, said)
        return [(dotted(error["loc"]), *explain(model, error)) for error in refusal.errors()]

    def test_sentences(self) -> None:
        """Each kind of mistake: where, what, and what was probably meant."""
        for model, said, expected in (
            (MainFile, {}, ("public_url", "required, and missing", None)),
            (MainFile, PUBLIC | {"lisen": []}, ("lisen", "unknown key", "did you mean 'listen'?")),
            (MainFile, PUBLIC | {"mesh": "yes"}, ("mesh", "must be true or false", None)),
            (MainFile, PUBLIC | {"listen": "tcp:80"}, ("listen", 'must be a list: ["…"]', None)),
            (MainFile, PUBLIC | {"listen": []}, ("listen", "must not be an empty list", None)),
            (MainFile, PUBLIC | {"listen": [80]}, ("listen.0", "must be a string in quotes", None)),
            (
                MainFile,
                PUBLIC | {"log": {"level": "wran"}},
                ("log.level", "must be 'debug', 'info', 'warn' or 'error'", "did you mean 'warn'?"),
            ),
            (MainFile, PUBLIC | {"log": "debug"}, ("log", "must be a table", None)),
            (MainFile, PUBLIC | {"limits": {"fields": 0}}, ("limits.fields", "must be 1 or more", None)),
            (MainFile, PUBLIC | {"limits": {"fields": 1.5}}, ("limits.fields", "must be a whole number", None)),
            (MainFile, PUBLIC | {"limits": {"head": 10}}, ("limits.head", "a duration needs a unit and quotes", 'did you mean "10s"?')),
            (MainFile, PUBLIC | {"identity": {"a": {}}}, ("identity.a.type", "required, and missing", None)),
            (
                MainFile,
                PUBLIC | {"identity": {"type": "oidc"}},
                ("identity.type", "must be a table", "did you mean [identity.NAME] above it?"),
            ),
            (
                MainFile,
                PUBLIC | {"identity": {"a b": {"type": "x"}}},
                ("identity.a b", "'a b' is no name: letters, digits, '-' and '_', at most 63", None),
            ),
            (MainFile, PUBLIC | {"tls": {"more": [{"cert_file": "a"}]}}, ("tls.more.0.key_file", "required, and missing", None)),
            (ServiceFile, SERVICE | {"title": ""}, ("title", "must not be empty", None)),
            (
                ServiceFile,
                SERVICE | {"route": {"upstream": "x"}},
                ("route.upstream", "unknown key", "'upstream' stands above the first [table]"),
            ),
            (ServiceFile, SERVICE | {"groups": ["a"]}, ("groups", "unknown key", "did you mean 'access.groups'?")),
            (
                ServiceFile,
                SERVICE | {"access": {"show": "Never"}},
                ("access.show", "must be 'allowed', 'always' or 'never'", "did you mean 'never'?"),
            ),
            (
                ServiceFile,
                SERVICE | {"rewrite": {"use": "grafana"}},
                ("rewrite", "must be an array of tables", "did you mean [[rewrite]]?"),
            ),
        ):
            with self.subTest(said):
                self.assertEqual(self.complaints(model, said), [expected])

    def test_values_are_not_repeated(self) -> None:
        """A secret of the wrong type is not printed."""
        ((_, message, hint),) = self.complaints(MainFile, PUBLIC | {"session": {"secret": ["hunter2"]}})
        self.assertNotIn("hunter2", f"{message} {hint}")

    def test_unknown_keys_without_a_neighbour(self) -> None:
        """Nothing close anywhere: no guess."""
        self.assertEqual(unknown_key(ServiceFile, ("access", "zebra")), ("unknown key", None))

    def test_tables_are_found(self) -> None:
        """Through optional ones, lists, and tables by name; between them is none."""
        for location, table in (
            ((), MainFile),
            (("session",), SessionTable),
            (("tls",), ListenTlsTable),
            (("tls", "more", 0), CertificateTable),
            (("identity", "corp"), ProviderTable),
            (("identity",), None),
            (("nothing",), None),
            (("public_url",), None),
        ):
            with self.subTest(location):
                self.assertIs(table_at(MainFile, location), table)
        self.assertIs(table_at(ServiceFile, ("route",)), RouteTable)

    def test_keys_of_a_file(self) -> None:
        """All keys, dotted; with stars where a name or a number stands."""
        self.assertTrue({"public_url", "log", "log.level", "identity.type", "tls.more.cert_file"} <= set(keys_of(MainFile)))
        self.assertTrue({"identity.*.type", "tls.more.*.cert_file", "log.level"} <= set(keys_of(MainFile, stars=True)))
