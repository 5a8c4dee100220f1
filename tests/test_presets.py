"""The presets: every file is sound, fills in what a table leaves out, and has its page in the docs."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.builtin.oidc import PRESET_OPTIONS, OidcSettings
from meshproxy.identity.oddities import Oddities
from meshproxy.identity.presets import load_preset, preset_names

DOCS = Path(__file__).parent.parent / "docs" / "providers"
TABLE = {"issuer": "https://issuer.example", "client_id": "x", "client_secret": "y"}


class PresetTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Those that the contract names, and more."""
        wanted = {"okta", "entra", "google", "keycloak", "auth0", "gitlab", "dex", "authentik", "cognito"}
        self.assertEqual(set(preset_names()), wanted)
        self.assertRaises(KeyError, load_preset, "nobody")

    def test_sound(self) -> None:
        """Every default is a setting that exists and is valid; every option is one that presets may own."""
        for name in preset_names():
            preset = load_preset(name)
            settings = OidcSettings.model_validate({"preset": name, **TABLE})
            for key in preset.defaults:
                self.assertIn(key, OidcSettings.model_fields, name)
            self.assertIn("openid", settings.scopes)
            self.assertLessEqual(set(preset.options), set(PRESET_OPTIONS))
            self.assertTrue(preset.title and preset.issuer)
            self.assertTrue(issubclass(preset.oddities, Oddities))
            self.assertEqual(preset.oddities is not Oddities, bool(preset.options), name)

    def test_table_wins(self) -> None:
        """What stands in the table replaces the preset's default."""
        settings = OidcSettings.model_validate({"preset": "cognito", "groups_claim": "teams", **TABLE})
        self.assertEqual((settings.groups_claim, settings.username_claim), (("teams",), "cognito:username"))

    def test_issuer_of_the_preset(self) -> None:
        """Where there is one issuer for everybody the table need not name it."""
        self.assertEqual(OidcSettings.model_validate({"preset": "google", "client_id": "x"}).issuer, "https://accounts.google.com")
        self.assertRaises(ValidationError, OidcSettings.model_validate, {"preset": "okta", "client_id": "x"})

    def test_unknown(self) -> None:
        """A preset that there is not, and an option of another preset, are refused with words."""
        error = self.assertRaises(ValidationError, OidcSettings.model_validate, {"preset": "otka", **TABLE})
        self.assertIn("okta", str(error))
        error = self.assertRaises(ValidationError, OidcSettings.model_validate, {"preset": "okta", "tenants": ["x"], **TABLE})
        self.assertIn("tenants", str(error))

    def test_pages(self) -> None:
        """Each preset, GitHub and bearer tokens have a page; each names its preset and says what was tried."""
        for name in (*preset_names(), "github", "bearer"):
            page = (DOCS / f"{name}.md").read_text("utf-8")
            self.assertIn(f'"{name}"', page, name)
            self.assertIn("## Tried", page, name)
