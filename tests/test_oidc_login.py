"""The authorization request and its response, as functions."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import LoginFailed, ProviderDown
from meshproxy.core.provider_metadata import Metadata
from meshproxy.identity.oidc.login import LoginSettings, authorization_code, authorization_parameters, code_challenge, with_query

from .support.contexts import CALLBACK, attempt
from .support.nasty_provider import GONE
from .support.rp_flow import FlowTestCase

METADATA = Metadata("https://issuer.example", "https://issuer.example/a", "https://issuer.example/t", "https://issuer.example/k")


class RequestTests(SynchronousTestCase):
    def test_challenge(self) -> None:
        """The example of RFC 7636, appendix B."""
        self.assertEqual(code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")

    def test_least(self) -> None:
        """Code flow, PKCE S256, state, nonce and redirect URI always; nothing else unless it was set."""
        found = authorization_parameters(LoginSettings(), "id", attempt())
        self.assertEqual(
            found,
            {
                "response_type": "code",
                "client_id": "id",
                "redirect_uri": CALLBACK,
                "scope": "openid",
                "state": attempt().state,
                "nonce": attempt().nonce,
                "code_challenge": code_challenge(attempt().code_verifier),
                "code_challenge_method": "S256",
            },
        )

    def test_all(self) -> None:
        """What the operator may add."""
        settings = LoginSettings(("openid", "groups"), False, "form_post", ("mfa", "phr"), 0, "login", extra={"hd": "x", "ui": "y"})
        found = authorization_parameters(settings, "id", attempt())
        self.assertEqual(
            {name: found[name] for name in ("scope", "response_mode", "acr_values", "max_age", "prompt", "hd", "ui")},
            {
                "scope": "openid groups",
                "response_mode": "form_post",
                "acr_values": "mfa phr",
                "max_age": "0",
                "prompt": "login",
                "hd": "x",
                "ui": "y",
            },
        )
        self.assertNotIn("code_challenge", found)

    def test_extra_protects(self) -> None:
        """extra can replace nothing that protects the flow."""
        wrong = {
            "state": "x",
            "nonce": "x",
            "redirect_uri": "https://evil.example",
            "response_type": "token",
            "code_challenge": "x",
            "request": "x",
        }
        self.assertEqual(
            authorization_parameters(LoginSettings(extra=wrong), "id", attempt()),
            authorization_parameters(LoginSettings(), "id", attempt()),
        )

    def test_with_query(self) -> None:
        """Parameters are added to an endpoint, which may have a query; values are escaped."""
        self.assertEqual(with_query("https://a/x", {"b": "c d&"}), "https://a/x?b=c+d%26")
        self.assertEqual(with_query("https://a/x?t=1", {"b": "c"}), "https://a/x?t=1&b=c")


class ResponseTests(SynchronousTestCase):
    def test_code(self) -> None:
        """The code, of the issuer that was asked if one is named."""
        self.assertEqual(authorization_code({"code": "c"}, METADATA), "c")
        self.assertEqual(authorization_code({"code": "c", "iss": "https://issuer.example"}, METADATA), "c")

    def test_refused(self) -> None:
        """Another issuer, an error, no code, an endless one."""
        for parameters, words in (
            ({"code": "c", "iss": "https://issuer.example/"}, "RFC 9207"),
            ({"error": "access_denied"}, "access_denied"),
            ({"error": 'a"b', "error_description": "x\x00y"}, "without a proper code: x y"),
            ({"error": ""}, "error"),
            ({}, "no code"),
            ({"code": ""}, "no code"),
            ({"code": "x" * 4097}, "no code"),
        ):
            error = self.assertRaises(LoginFailed, authorization_code, parameters, METADATA)
            self.assertIn(words, error.reason)
            self.assertNotIsInstance(error, ProviderDown)

    def test_unwell(self) -> None:
        """A provider that says that it is not well is an outage; a person who said no gets words for it."""
        for code in ("server_error", "temporarily_unavailable"):
            self.assertRaises(ProviderDown, authorization_code, {"error": code}, METADATA)
        self.assertTrue(self.assertRaises(LoginFailed, authorization_code, {"error": "access_denied"}, METADATA).message)


class PushedTests(FlowTestCase):
    """RFC 9126."""

    def url(self, **settings: object) -> str:
        return str(self.result(self.client(**settings).begin(attempt())))

    def setUp(self) -> None:
        super().setUp()
        self.idp.discovery["pushed_authorization_request_endpoint"] = self.idp.url("/par")

    def test_pushed(self) -> None:
        """Offered, it is used: authenticated, the browser carries the reference alone, and the login goes on."""
        query = parse_qs(urlsplit(self.url()).query)
        self.assertEqual(set(query), {"client_id", "request_uri"})
        (sent,) = [(fields, form) for _, path, fields, form in self.idp.requests if path == "/par"]
        self.assertIn("authorization", sent[0])
        self.assertEqual((sent[1]["state"], sent[1]["response_type"]), (attempt().state, "code"))
        self.assertEqual(self.log_in(number=2).principal.subject, "alice")

    def test_never(self) -> None:
        """par = "never" does not push."""
        self.assertIn("state", parse_qs(urlsplit(self.url(par="never")).query))
        self.assertEqual(self.idp.asked("/par"), 0)

    def test_refused(self) -> None:
        """Refused, the parameters go by the browser as ever — unless they must be pushed."""
        self.idp.par_status = 400
        self.assertIn("state", parse_qs(urlsplit(self.url()).query))
        self.failure(ProviderDown, self.client(par="always").begin(attempt()))
        self.idp.discovery["require_pushed_authorization_requests"] = True
        self.assertIn("400 invalid_request", self.failure(ProviderDown, self.client().begin(attempt())).reason)

    def test_not_offered(self) -> None:
        """par = "always" where nobody offers it is the operator's mistake, and is named."""
        self.idp.discovery["pushed_authorization_request_endpoint"] = GONE
        self.assertIn("par", self.failure(LoginFailed, self.client(par="always").begin(attempt())).reason)
