"""Who would be asking: :mod:`meshproxy.explain.asker`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.configured import Configured
from meshproxy.core.places import Origin
from meshproxy.core.principal import Principal, SignedIn
from meshproxy.explain.asker import Asker
from meshproxy.plugins import Plugins
from meshproxy.problems import ConfError
from meshproxy.settings import PluginTable, Settings

ALICE = Principal("users:local", "alice", "alice@example.com", groups=("sre",), provider="local", email_verified=True)


class UsersFile:
    def find(self, name: str) -> Principal | None:
        return ALICE if name == "alice" else None


def table(use: str, name: str, **options: object) -> PluginTable:
    return PluginTable(use, name, options, Path("meshproxy.toml"), f"identity.{name}")


LOCAL = table("users", "local", file="users.toml")
CORP = table("oidc", "corp", issuer="https://corp.example", groups_claim=["roles", "realm.groups"], email_claim="mail", trust_email=True)


class AskerTests(SynchronousTestCase):
    def ask(self, asker: Asker, *tables: PluginTable) -> SignedIn | None:
        settings = Settings(Path("conf"), Origin("https", "apps.example.com", 443), identity=tables or (LOCAL, CORP))
        instances: Mapping[str, Any] = {"local": UsersFile()}
        return asker.signed_in(Configured(settings, Plugins.of()), instances, 1000.0)

    def principal(self, asker: Asker, *tables: PluginTable) -> Principal:
        signed_in = self.ask(asker, *tables)
        assert signed_in is not None
        return signed_in.principal

    def test_nobody(self) -> None:
        """Nothing is said: nobody is logged in."""
        self.assertIsNone(self.ask(Asker()))

    def test_somebody_of_a_users_file(self) -> None:
        """They bring what stands there, without tokens; ``--groups`` takes the place of their groups."""
        signed_in = self.ask(Asker("alice"))
        assert signed_in is not None
        self.assertEqual((signed_in.principal, signed_in.tokens), (ALICE, None))
        self.assertEqual(self.principal(Asker("alice", ("dev",))).groups, ("dev",))

    def test_anybody_else_is_the_subject(self) -> None:
        """Of the first provider that is no users file; no address and no groups are made up; a login there brings tokens."""
        signed_in = self.ask(Asker("carol"))
        assert signed_in is not None and signed_in.tokens is not None
        who = signed_in.principal
        self.assertEqual(
            (who.subject, who.issuer, who.provider, who.email, who.groups), ("carol", "https://corp.example", "corp", None, ())
        )
        self.assertGreater(signed_in.tokens.id_expires_at or 0, 1000.0)

    def test_claims_are_mapped_as_the_provider_maps_them(self) -> None:
        """Its ``groups_claim``, ``email_claim`` and ``trust_email``; the claims win over USER, ``--groups`` over theirs."""
        claims = {"sub": "u1", "roles": ["a"], "realm": {"groups": ["b"]}, "mail": "u1@corp.example", "department": "x"}
        who = self.principal(Asker("alice", None, claims))
        self.assertEqual((who.subject, who.groups, who.trusted_email), ("u1", ("a", "b"), "u1@corp.example"))
        self.assertEqual(who.claims["department"], "x")
        self.assertEqual(self.principal(Asker(None, ("c",), claims)).groups, ("c",))

    def test_a_provider_by_name(self) -> None:
        """``--provider`` decides among several; one that is not there is an error that names those that are."""
        self.assertEqual(self.principal(Asker("alice", None, None, "corp")).provider, "corp")
        with self.assertRaises(ConfError) as raised:
            self.ask(Asker("x", None, None, "corp2"))
        self.assertIn("local, corp", str(raised.exception))

    def test_without_any_provider(self) -> None:
        """A conf directory of public services alone can be asked about, too."""
        settings = Settings(Path("conf"), Origin("https", "apps.example.com", 443))
        signed_in = Asker("x").signed_in(Configured(settings, Plugins.of()), {}, 0.0)
        assert signed_in is not None
        self.assertEqual((signed_in.principal.subject, signed_in.principal.provider), ("x", ""))
