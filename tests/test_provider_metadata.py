"""A discovery document: what is needed and wrong is an error, what is optional and wrong is left out."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.provider_metadata import Metadata, MetadataInvalid, is_loopback, parse_metadata, secure_url

ISSUER = "https://issuer.example"


def document(**changes: Any) -> dict[str, Any]:
    """A proper one, changed."""
    good = {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/a", "token_endpoint": f"{ISSUER}/t", "jwks_uri": f"{ISSUER}/k"}
    return {**good, **changes}


class SecureUrlTests(SynchronousTestCase):
    def test_table(self) -> None:
        """https anywhere, http on loopback alone; a host; no user, no password, no fragment, no odd characters."""
        good = (
            "https://a.example",
            "https://a.example:8443/x?y=1",
            "http://localhost:9300",
            "http://127.0.0.1",
            "http://127.9.9.9/",
            "http://[::1]:1/x",
        )
        bad = (
            "http://a.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "ftp://a.example",
            "https://",
            "https:///x",
            "//a.example",
            "https://u@a.example",
            "https://u:p@a.example",
            "https://a.example#",
            "https://a.example/#f",
            "https://a.example:x",
            "https://a b",
            "https://a.example/\n",
            "https://ü.example",
            "",
            None,
            7,
            "javascript:alert(1)",
            "https://[::1",
            "http://0.0.0.0",
        )
        for url in good:
            self.assertTrue(secure_url(url), url)
        for other in bad:
            self.assertFalse(secure_url(other), other)

    def test_loopback(self) -> None:
        """Addresses and the one name; nothing that only looks like them."""
        for host in ("localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]"):
            self.assertTrue(is_loopback(host), host)
        for host in ("127.0.0.1.nip.io", "10.0.0.1", "0.0.0.0", "", "localhost."):
            self.assertFalse(is_loopback(host), host)


class MetadataTests(SynchronousTestCase):
    def test_everything(self) -> None:
        """What we use of a full document."""
        found = parse_metadata(
            document(
                userinfo_endpoint=f"{ISSUER}/u",
                end_session_endpoint=f"{ISSUER}/e",
                pushed_authorization_request_endpoint=f"{ISSUER}/p",
                require_pushed_authorization_requests=True,
                token_endpoint_auth_methods_supported=["client_secret_post", 7],
                authorization_response_iss_parameter_supported=True,
                backchannel_logout_session_supported=True,
                surprise={"a": 1},
            ),
            ISSUER,
        )
        self.assertEqual((found.userinfo_endpoint, found.end_session_endpoint), (f"{ISSUER}/u", f"{ISSUER}/e"))
        self.assertEqual(found.token_endpoint_auth_methods, ("client_secret_post",))
        self.assertTrue(
            found.require_pushed_authorization_requests and found.authorization_response_iss and found.backchannel_logout_session
        )

    def test_least(self) -> None:
        """The least that will do; what is optional and malformed is absent."""
        found = parse_metadata(document(userinfo_endpoint="http://a.example/u", scopes_supported="openid", end_session_endpoint=7), ISSUER)
        self.assertEqual(found, Metadata(ISSUER, f"{ISSUER}/a", f"{ISSUER}/t", f"{ISSUER}/k"))

    def test_issuer(self) -> None:
        """Byte for byte; the message names both, cleaned."""
        for named in (f"{ISSUER}/", "https://ISSUER.example", "https://another.example", None, 7, "", f"{ISSUER}\n"):
            error = self.assertRaises(MetadataInvalid, parse_metadata, document(issuer=named), ISSUER)
            self.assertIn(ISSUER, str(error))
            self.assertNotIn("\n", str(error))

    def test_needed(self) -> None:
        """Without its three endpoints, or with insecure ones, a document is none."""
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            for value in (None, "", "http://a.example", 7, "/relative"):
                self.assertIn(name, str(self.assertRaises(MetadataInvalid, parse_metadata, document(**{name: value}), ISSUER)))

    def test_keys_only(self) -> None:
        """Who only verifies tokens needs the keys alone, as a Kubernetes API server's document has it."""
        found = parse_metadata({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/openid/v1/jwks"}, ISSUER, keys_only=True)
        self.assertEqual(found.jwks_uri, f"{ISSUER}/openid/v1/jwks")
        self.assertRaises(MetadataInvalid, parse_metadata, {"issuer": ISSUER}, ISSUER, keys_only=True)

    def test_no_object(self) -> None:
        """A list, text or nothing is no document."""
        for value in ([], "x", None, 7):
            self.assertRaises(MetadataInvalid, parse_metadata, value, ISSUER)
