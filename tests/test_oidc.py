"""``type = "oidc"``: its settings, and that the plugin host takes it as any other plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey
from pydantic import ValidationError
from zope.interface.verify import verifyClass, verifyObject

from meshproxy.api import IRedirectProvider
from meshproxy.builtin.oidc import OidcProvider, OidcSettings

from .support.rp_flow import FlowTestCase

GOOD: dict[str, Any] = {"issuer": "https://issuer.example", "client_id": "x", "client_secret": "y"}


class SettingsTests(FlowTestCase):
    def refused(self, change: dict[str, Any]) -> str:  # type: ignore[override]
        """The message for a table that is wrong in one way."""
        table = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
        return str(self.assertRaises(ValidationError, OidcSettings.model_validate, table))

    def test_least(self) -> None:
        """Issuer and client id are enough; the defaults are those of the contract."""
        settings = OidcSettings.model_validate({"issuer": "https://issuer.example", "client_id": "x"})
        self.assertEqual((settings.scopes, settings.groups_claim), (("openid", "email", "profile"), ("groups",)))
        self.assertEqual((settings.clock_skew, settings.trust_email, settings.trusted_audiences, settings.pkce), (60.0, False, (), True))

    def test_refused(self) -> None:
        """What cannot work, or must not, is refused, and says which key."""
        for change, words in (
            ({"issuer": "http://issuer.example"}, "issuer"),
            ({"issuer": "https://issuer.example?x"}, "issuer"),
            ({"issuer": "https://issuer.example#x"}, "issuer"),
            ({"issuer": "https://u:p@issuer.example"}, "issuer"),
            ({"issuer": None}, "issuer"),
            ({"client_id": ""}, "client_id"),
            ({"client_auth": "private_key_jwt"}, "private_key_file"),
            ({"client_auth": "client_secret_post", "client_secret": None}, "client_secret"),
            ({"client_auth": "mtls"}, "client_auth"),
            ({"private_key": "no key"}, "private_key"),
            ({"algorithms": []}, "algorithms"),
            ({"algorithms": ["none"]}, "algorithms"),
            ({"algorithms": ["RS256", "HS256"]}, "cannot stand beside"),
            ({"algorithms": "HS256", "client_secret": None}, "needs a client secret"),
            ({"extra": {"redirect_uri": "x"}}, "redirect_uri"),
            ({"extra": {"a": 1}}, "extra"),
            ({"end_session": "http://issuer.example/bye"}, "end_session"),
            ({"response_mode": "fragment"}, "response_mode"),
            ({"clock_skew": 60}, "clock_skew"),
            ({"timeout": "0s"}, "timeout"),
            ({"hosted_domain": "x"}, "hosted_domain"),
            ({"surprise": 1}, "surprise"),
        ):
            self.assertIn(words, self.refused(change), change)

    def test_openid_is_always_asked_for(self) -> None:
        """The scope openid is added where it is missing."""
        self.assertEqual(OidcSettings.model_validate({**GOOD, "scopes": "groups"}).scopes, ("openid", "groups"))

    def test_secrets_stay_out_of_sight(self) -> None:
        """A repr of the settings, and an error about them, have no secret."""
        settings = OidcSettings.model_validate({**GOOD, "client_secret": "s3cret", "proxy": "http://u:s3cret@proxy"})
        self.assertNotIn("s3cret", repr(settings))

    def test_described(self) -> None:
        """Every key says what it is for, in the schema and on the docs' page."""
        page = (Path(__file__).parent.parent / "docs" / "providers" / "README.md").read_text("utf-8")
        for name, field in OidcSettings.model_fields.items():
            self.assertTrue(field.description, name)
            self.assertIn(f"`{name}`", page, name)


class ProviderTests(FlowTestCase):
    def test_interface(self) -> None:
        """It is a redirect provider, as class and as object."""
        verifyClass(IRedirectProvider, OidcProvider)
        verifyObject(IRedirectProvider, self.client())

    def test_title(self) -> None:
        """What the chooser shows: the operator's title, the preset's, the table's name."""
        self.assertEqual(self.client().title, "corp")
        self.assertEqual(self.client(preset="okta").title, "Okta")
        self.assertEqual(self.client(preset="okta", title="Work").title, "Work")

    def test_response_mode(self) -> None:
        """Whoever sets login cookies can see that the callback comes as a cross-site POST."""
        self.assertEqual((self.client().response_mode, self.client(response_mode="form_post").response_mode), ("query", "form_post"))

    def test_private_key_jwt(self) -> None:
        """A private key proves the client where there is no secret."""
        pem = RSAKey.generate_key(2048).as_pem(private=True).decode()
        self.log_in(self.client(client_secret=None, private_key=pem, private_key_id="ours"))
        (form,) = [form for _, path, _, form in self.idp.requests if path == "/token"]
        self.assertTrue(form["client_assertion"].startswith("eyJ"))

    def test_stop(self) -> None:
        """Stopped before it began, nothing is left."""
        self.client().stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_check_settings(self) -> None:
        """A CA file that is not there is found before anything runs."""
        settings = OidcSettings.model_validate({**GOOD, "ca_file": "nothing.pem"})
        self.assertEqual(len(OidcProvider.check_settings(settings, lambda path: path)), 1)
        self.assertEqual(OidcProvider.check_settings(OidcSettings.model_validate(GOOD), lambda path: path), [])
