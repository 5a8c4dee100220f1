"""What a certified relying party does: the modules of the OpenID Foundation's suite, by their names, against a nasty provider."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc.jwk import OctKey

from meshproxy.api import LoginFailed, ProviderDown, SessionOver
from meshproxy.core.logout_token import EVENT

from .support.contexts import attempt
from .support.nasty_provider import CLIENT_ID, GONE, SECRET, NastyProvider
from .support.rp_flow import NOW, FlowTestCase, Switch
from .support.signing import ec, ed25519, rsa, sign, unsigned


def claim(**changes: Any) -> Switch:
    """A switch that changes claims of the ID token."""
    return lambda idp: idp.id_claims.update(changes)


def token(made: Callable[[dict[str, Any]], str]) -> Switch:
    """A switch that makes the ID token in its own way."""
    return lambda idp: setattr(idp, "id_token", made)


def forged(idp: NastyProvider, **options: Any) -> None:
    """ID tokens signed by somebody else's key under the provider's name."""
    idp.id_token = lambda claims: sign(claims, rsa("stranger"), "RS256", kid="one")


def one_bit(token: str) -> str:
    """The token with one bit of its signature turned, in a character that has no unused bits."""
    at = token.rindex(".") + 5
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


#: name of the module, what the provider does, which check must refuse.
REFUSED: list[tuple[str, Switch, str]] = [
    ("oidcc-client-test-invalid-iss", claim(iss="https://another.example"), "iss"),
    ("oidcc-client-test-invalid-iss: a slash more", claim(iss="http://127.0.0.1:9999/"), "iss"),
    ("oidcc-client-test-invalid-iss: other case", claim(iss="HTTP://127.0.0.1:9999"), "iss"),
    ("oidcc-client-test-invalid-iss: missing", claim(iss=GONE), "iss"),
    ("oidcc-client-test-missing-sub", claim(sub=GONE), "sub"),
    ("oidcc-client-test-missing-sub: empty", claim(sub=""), "sub"),
    ("oidcc-client-test-missing-sub: a number", claim(sub=7), "sub"),
    ("oidcc-client-test-missing-sub: longer than 255", claim(sub="x" * 256), "sub"),
    ("oidcc-client-test-invalid-aud", claim(aud="somebody else"), "aud"),
    ("oidcc-client-test-missing-aud", claim(aud=GONE), "aud"),
    ("invalid-secondary-aud", claim(aud=[CLIENT_ID, "somebody else"], azp=CLIENT_ID), "aud"),
    ("invalid aud: a list of nothing", claim(aud=[]), "aud"),
    ("invalid aud: a prefix of ours", claim(aud=CLIENT_ID[:-1]), "aud"),
    ("invalid azp", claim(azp="somebody else"), "azp"),
    ("oidcc-client-test-missing-iat", claim(iat=GONE), "iat"),
    ("iat in the future", claim(iat=NOW + 61), "iat"),
    ("iat long ago", claim(iat=NOW - 700), "iat"),
    ("invalid-expired-exp", claim(exp=NOW - 61), "exp"),
    ("invalid-missing-exp", claim(exp=GONE), "exp"),
    ("exp is a text", claim(exp="tomorrow"), "exp"),
    ("exp is true", claim(exp=True), "exp"),
    ("nbf in the future", claim(nbf=NOW + 61), "nbf"),
    ("oidcc-client-test-nonce-invalid", claim(nonce="another"), "nonce"),
    ("invalid-missing-nonce", claim(nonce=GONE), "nonce"),
    ("nonce is a list", claim(nonce=["nonce-1-0123456789"]), "nonce"),
    ("oidcc-client-test-idtoken-sig-none", token(unsigned), "alg"),
    ("invalid-null-alg", token(lambda claims: unsigned(claims, alg=None)), "form"),
    ("alg: None, NONE", token(lambda claims: unsigned(claims, alg="NONE")), "alg"),
    ("oidcc-client-test-invalid-sig-rs256", token(lambda claims: one_bit(sign(claims, rsa("one")))), "signature"),
    ("signed by a stranger", forged, "signature"),
    ("no signature", token(lambda claims: sign(claims, rsa("one")).rpartition(".")[0] + "."), "signature"),
    (
        "oidcc-client-test-invalid-sig-hs256: not asked for",
        token(lambda claims: sign(claims, OctKey.import_key(SECRET), "HS256")),
        "alg",
    ),
    (
        "the public key as HMAC secret",
        token(lambda claims: sign(claims, OctKey.import_key(b"0" * 32), "HS256", kid="one")),
        "alg",
    ),
    ("invalid-alternate-alg: RS512", lambda idp: setattr(idp, "algorithm", "RS512"), "alg"),
    ("a key of another kind under that name", token(lambda claims: sign(claims, ec("x"), "ES256", kid="one")), "key"),
    ("oidcc-client-test-invalid-athash", claim(at_hash="AAAAAAAAAAAAAAAAAAAAAA"), "at_hash"),
    ("at_hash is a number", claim(at_hash=5), "at_hash"),
    ("crit", lambda idp: idp.id_header.update(crit=["exp"], exp=1), "crit"),
    ("b64 unencoded payload", lambda idp: idp.id_header.update(crit=["b64"], b64=True), "crit"),
    ("an access token in its place", lambda idp: idp.id_header.update(typ="at+jwt"), "typ"),
    ("a logout token in its place", lambda idp: idp.id_header.update(typ="logout+jwt"), "typ"),
    ("kid is a number", lambda idp: idp.id_header.update(kid=1), "form"),
    ("four parts", token(lambda claims: sign(claims, rsa("one")) + ".x"), "form"),
    ("longer than 16 KiB", claim(padding="x" * 17000), "size"),
    ("claims are a list", token(lambda claims: sign(b"[1]", rsa("one"))), "form"),
    ("a claim twice", token(lambda claims: sign(b'{"sub":"a","sub":"b"}', rsa("one"))), "form"),
    ("nested without end", token(lambda claims: sign(b"[" * 9000, rsa("one"))), "form"),
]


class BasicTests(FlowTestCase):
    """oidcc-client-basic-certification-test-plan, and what belongs with it."""

    def test_oidcc_client_test(self) -> None:
        """oidcc-client-test: a normal login; one token call, keys and discovery once."""
        signed_in = self.log_in()
        self.assertEqual((signed_in.principal.subject, signed_in.principal.groups), ("alice", ("devs",)))
        self.assertEqual(signed_in.provider_session, "session-1")
        self.assertEqual([self.idp.asked(path) for path in ("/token", "/jwks", "/.well-known/openid-configuration")], [1, 1, 1])

    def test_refused(self) -> None:
        """Every ID token that must be refused is, by the check that is meant for it, and userinfo is not asked."""
        for name, switch, check in REFUSED:
            self.setUp()
            switch(self.idp)
            error = self.refused(LoginFailed, self.client(userinfo="always"))
            self.assertIn(f"ID token: {check}: ", error.reason, name)
            self.assertNotIsInstance(error, ProviderDown)
            self.assertEqual(self.idp.asked("/userinfo"), 0, name)

    def test_kid_absent_single_jwks(self) -> None:
        """oidcc-client-test-kid-absent-single-jwks: the only key that fits is used."""
        self.idp.id_header["kid"] = None
        self.assertEqual(self.log_in().principal.subject, "alice")

    def test_kid_absent_multiple_jwks(self) -> None:
        """oidcc-client-test-kid-absent-multiple-jwks: every key that fits is tried, and one proves it."""
        self.idp.keys = [rsa("two"), ec(), rsa("one")]
        self.idp.id_header["kid"] = None
        self.assertEqual(self.log_in().principal.subject, "alice")

    def test_kid_absent_and_no_key_fits(self) -> None:
        """…-kid-absent-multiple-jwks: where none has signed it, the login is refused."""
        self.idp.keys = [rsa("two"), ec()]
        self.idp.id_header["kid"] = None
        self.assertIn("key", self.refused(LoginFailed).reason)

    def test_signatures_accepted(self) -> None:
        """oidcc-client-test-idtoken-sig-rs256, and ES256, PS256, EdDSA and Ed25519."""
        for key, algorithm in ((rsa("one"), "RS256"), (ec(), "ES256"), (rsa("one"), "PS256"), (ed25519(), "EdDSA"), (ed25519(), "Ed25519")):
            self.setUp()
            self.idp.keys, self.idp.signing_key, self.idp.algorithm = [key], key, algorithm
            self.assertEqual(self.log_in().principal.subject, "alice", algorithm)

    def test_sig_hs256_chosen(self) -> None:
        """oidcc-client-test-invalid-sig-hs256: where the operator chose HS256, the client secret decides, right or wrong."""
        ours = {"algorithms": ["HS256"]}
        self.idp.id_token = lambda claims: sign(claims, OctKey.import_key(SECRET), "HS256")
        self.assertEqual(self.log_in(self.client(**ours)).principal.subject, "alice")
        self.idp.id_token = lambda claims: sign(claims, OctKey.import_key("another secret, and long enough"), "HS256")
        self.assertIn("no published key has signed", self.refused(LoginFailed, self.client(**ours), 2).reason)

    def test_userinfo_invalid_sub(self) -> None:
        """oidcc-client-test-userinfo-invalid-sub: what it says of another subject is not used; the log says so."""
        self.idp.id_claims["groups"] = GONE
        self.idp.userinfo = {"sub": "mallory", "groups": ["admins"], "email": "mallory@example.com"}
        principal = self.log_in().principal
        self.assertEqual((principal.groups, principal.email), ((), "alice@example.com"))
        self.assertTrue(any("another subject" in str(event.get("error")) for event in self.logged))

    def test_userinfo_bearer_header(self) -> None:
        """oidcc-client-test-userinfo-bearer-header: the access token goes in Authorization, and in no URL."""
        self.log_in(self.client(userinfo="always"))
        (asked,) = [fields for _, path, fields, _ in self.idp.requests if path == "/userinfo"]
        self.assertEqual(asked["authorization"], "Bearer access-1")

    def test_userinfo_signed(self) -> None:
        """oidcc-client-test-userinfo-signed: signed by the provider it is used, by anybody else it is not."""
        self.idp.id_claims["groups"] = GONE
        self.idp.userinfo = {"groups": ["signed"], "iss": self.idp.issuer, "aud": CLIENT_ID}
        self.idp.userinfo_signed_with = rsa("one")
        self.assertEqual(self.log_in().principal.groups, ("signed",))
        self.idp.keys, self.idp.userinfo_signed_with = [rsa("one")], rsa("stranger")
        self.assertEqual(self.log_in(number=2).principal.groups, ())

    def test_scope_userinfo_claims(self) -> None:
        """oidcc-client-test-scope-userinfo-claims: the scopes are asked for, and what userinfo adds is there."""
        self.idp.id_claims.update(dict.fromkeys(("email", "email_verified", "groups", "name"), GONE))
        self.idp.userinfo = {"name": "Alice Ng"}
        client = self.client(scopes=["profile", "email"])
        query = parse_qs(urlsplit(self.result(client.begin(attempt()))).query)
        self.assertEqual(query["scope"], ["openid profile email"])
        principal = self.log_in(client).principal
        self.assertEqual((principal.trusted_email, principal.name, principal.groups), ("alice@example.com", "Alice Ng", ("devs",)))

    def test_client_secret_basic(self) -> None:
        """oidcc-client-test-client-secret-basic: id and secret are form-urlencoded before base64; neither is in the form."""
        self.log_in()
        (sent,) = [(fields, form) for _, path, fields, form in self.idp.requests if path == "/token"]
        self.assertEqual(self.idp.client_of(sent[0]), (CLIENT_ID, SECRET))
        self.assertNotIn("client_secret", sent[1])

    def test_token_type_case_insensitivity(self) -> None:
        """token-type-case-insensitivity: "BEARER" will do, "mac" will not."""
        self.idp.token_answer = {"token_type": "BEARER"}
        self.log_in()
        self.idp.token_answer = {"token_type": "mac"}
        self.refused(ProviderDown, number=2)

    def test_answer_without_expires_in(self) -> None:
        """token-endpoint-response-without-expires_in: the login stands, and nobody knows when the access token ends."""
        self.idp.token_answer = {"expires_in": GONE}
        tokens = self.log_in().tokens
        assert tokens is not None
        self.assertIsNone(tokens.expires_at)
        self.assertEqual(tokens.id_expires_at, NOW + 3600)

    def test_valid_aud_as_array(self) -> None:
        """valid-aud-as-array: a list of one, and a list with an audience that the operator trusts, naming us as azp."""
        self.idp.id_claims["aud"] = [CLIENT_ID]
        self.log_in()
        self.idp.id_claims.update(aud=[CLIENT_ID, "api"], azp=CLIENT_ID)
        self.log_in(self.client(trusted_audiences=["api"]), 2)

    def test_valid_at_hash(self) -> None:
        """at_hash that fits is accepted (left half of SHA-256, of SHA-512 for Ed25519)."""
        half = urlsafe_b64encode(hashlib.sha256(b"access-1").digest()[:16]).rstrip(b"=").decode()
        self.idp.id_claims["at_hash"] = half
        self.log_in()
        self.idp.id_claims["at_hash"] = urlsafe_b64encode(hashlib.sha512(b"access-1").digest()[:32]).rstrip(b"=").decode()
        self.idp.keys, self.idp.signing_key, self.idp.algorithm = [ed25519()], ed25519(), "EdDSA"
        self.log_in(number=2)

    def test_clock_skew(self) -> None:
        """A provider whose clock is off by less than clock_skew is no reason to fail."""
        for offset in (-59, 59):
            self.idp.id_claims.update(iat=int(NOW) + offset, exp=int(NOW) + offset + 5)
            self.log_in(number=offset)

    def test_max_age(self) -> None:
        """With max_age, auth_time must be there and recent."""
        client = self.client(max_age="5m")
        self.assertEqual(parse_qs(urlsplit(self.result(client.begin(attempt()))).query)["max_age"], ["300"])
        self.assertIn("auth_time", self.refused(LoginFailed, client, 2).reason)
        self.idp.id_claims["auth_time"] = NOW - 361
        self.assertIn("auth_time", self.refused(LoginFailed, client, 3).reason)
        self.idp.id_claims["auth_time"] = NOW - 100
        self.assertEqual(self.log_in(client, 4).auth_time, NOW - 100)

    def test_acr(self) -> None:
        """With acr_values one of them must come back."""
        client = self.client(acr_values=["mfa", "phr"])
        self.assertIn("acr", self.refused(LoginFailed, client).reason)
        self.idp.id_claims["acr"] = "phr"
        self.log_in(client, 2)


class DiscoveryTests(FlowTestCase):
    """oidcc-client-config-certification-test-plan."""

    def test_discovery_openid_config(self) -> None:
        """oidcc-client-test-discovery-openid-config: endpoints are where the document says."""
        self.idp.discovery["authorization_endpoint"] = "http://127.0.0.1:9999/elsewhere?tenant=1"
        url = self.result(self.client().begin(attempt()))
        self.assertTrue(url.startswith("http://127.0.0.1:9999/elsewhere?tenant=1&"), url)

    def test_discovery_issuer_mismatch(self) -> None:
        """oidcc-client-test-discovery-issuer-mismatch: a document of another issuer stops everything; the reason names it."""
        self.idp.discovery["issuer"] = "http://127.0.0.1:9999/"
        client = self.client()
        error = self.failure(ProviderDown, client.begin(attempt()))
        self.assertIn("'http://127.0.0.1:9999/'", error.reason)
        self.assertIn("'http://127.0.0.1:9999/'", client.ready() or "")
        self.assertEqual(self.idp.asked("/jwks"), 0)

    def test_discovery_insecure_endpoint(self) -> None:
        """An endpoint over plain http elsewhere than on loopback is none."""
        self.idp.discovery["token_endpoint"] = "http://login.example.com/token"
        self.assertIn("token_endpoint", self.failure(ProviderDown, self.client().begin(attempt())).reason)

    def test_discovery_jwks_uri_keys(self) -> None:
        """oidcc-client-test-discovery-jwks-uri-keys: the keys are fetched where this run's document says."""
        self.idp.discovery["jwks_uri"] = "http://127.0.0.1:9999/keys-of-today"
        self.idp.raw["/keys-of-today"] = (200, {}, b'{"keys": []}')
        self.assertIn("no key", self.refused(ProviderDown).reason)
        self.assertEqual((self.idp.asked("/jwks"), self.idp.asked("/keys-of-today")), (0, 1))

    def test_signing_key_rotation_just_before_signing(self) -> None:
        """oidcc-client-test-signing-key-rotation-just-before-signing: an unknown kid makes us fetch once, then accept."""
        client = self.client()
        self.log_in(client)
        self.idp.keys, self.idp.signing_key = [rsa("two")], rsa("two")
        self.log_in(client, 2)
        self.assertEqual(self.idp.asked("/jwks"), 2)

    def test_signing_key_rotation_without_kid(self) -> None:
        """oidcc-client-test-signing-key-rotation: also where neither the keys nor the tokens have names."""
        client = self.client()
        self.idp.keys, self.idp.signing_key = [rsa(None)], rsa(None)
        self.log_in(client)
        self.idp.keys, self.idp.signing_key = [ec(None)], ec(None)
        self.idp.algorithm = "ES256"
        self.log_in(client, 2)
        self.assertEqual(self.idp.asked("/jwks"), 2)

    def test_kid_flood(self) -> None:
        """A flood of invented kids costs the provider one fetch in half a minute, not one each."""
        client = self.client()
        self.log_in(client)
        for number in range(20):
            self.idp.id_header["kid"] = f"invented-{number}"
            self.refused(LoginFailed, client, 10 + number)
        self.assertEqual(self.idp.asked("/jwks"), 2)
        self.clock.advance(31)
        self.refused(LoginFailed, client, 50)
        self.assertEqual(self.idp.asked("/jwks"), 3)


class RefreshTests(FlowTestCase):
    """oidcc-client-refreshtoken-test-plan."""

    def test_refresh_token(self) -> None:
        """oidcc-client-test-refresh-token: other tokens, the same person, and their groups of now."""
        client = self.client()
        first = self.log_in(client)
        self.idp.refresh_id_claims = {"groups": ["ops"]}
        second = self.result(client.renew(first))
        assert first.tokens is not None and second.tokens is not None
        self.assertEqual((second.principal.subject, second.principal.groups), ("alice", ("ops",)))
        self.assertNotEqual((second.tokens.access, second.tokens.refresh), (first.tokens.access, first.tokens.refresh))

    def test_refresh_token_invalid_issuer(self) -> None:
        """oidcc-client-test-refresh-token-invalid-issuer: the session ends."""
        client = self.client()
        first = self.log_in(client)
        self.idp.refresh_id_claims = {"iss": "https://another.example"}
        self.assertIn("iss", str(self.failure(SessionOver, client.renew(first))))

    def test_refresh_token_invalid_sub(self) -> None:
        """oidcc-client-test-refresh-token-invalid-sub: the session ends."""
        client = self.client()
        first = self.log_in(client)
        self.idp.refresh_id_claims = {"sub": "mallory"}
        self.assertIn("subject", str(self.failure(SessionOver, client.renew(first))))

    def test_refreshed_nonce_and_azp(self) -> None:
        """A refreshed ID token has no nonce, or the login's own."""
        for claims, over in (({"nonce": "nonce-1-0123456789"}, False), ({"nonce": "another"}, True), ({"azp": CLIENT_ID}, False)):
            self.setUp()
            client = self.client()
            first = self.log_in(client)
            self.idp.refresh_id_claims = claims
            if over:
                self.failure(SessionOver, client.renew(first))
            else:
                self.result(client.renew(first))


class FormPostTests(FlowTestCase):
    """form post basic."""

    def test_form_post(self) -> None:
        """response_mode=form_post is asked for, and the callback's form is judged as a query is."""
        client = self.client(response_mode="form_post")
        self.assertEqual(parse_qs(urlsplit(self.result(client.begin(attempt()))).query)["response_mode"], ["form_post"])
        self.assertEqual(self.log_in(client, 2).principal.subject, "alice")

    def test_form_post_error(self) -> None:
        """oidcc-client-test-form-post-error: the provider's error code is the reason; its words are cleaned and cut."""
        self.idp.callback = {"code": GONE, "error": "access_denied", "error_description": "no\r\n\x1b[31mentry " + "x" * 900}
        error = self.refused(LoginFailed)
        self.assertIn("access_denied: no [31mentry xxx", error.reason)
        self.assertLess(len(error.reason), 300)
        self.assertEqual(self.idp.asked("/token"), 0)


class AuthorizationResponseTests(FlowTestCase):
    """Worth taking from fapi2-security-profile-final-client-test-*: the callback's ``iss`` (RFC 9207)."""

    def test_invalid_authorization_response_iss(self) -> None:
        """invalid-authorization-response-iss: refused before the code is spent, in errors too."""
        for callback in ({"iss": "https://another.example"}, {"iss": "https://another.example", "error": "server_error", "code": GONE}):
            self.idp.callback = callback
            error = self.refused(LoginFailed)
            self.assertIn("RFC 9207", error.reason)
            self.assertNotIsInstance(error, ProviderDown)
        self.assertEqual(self.idp.asked("/token"), 0)

    def test_remove_authorization_response_iss(self) -> None:
        """remove-authorization-response-iss: refused where the provider says that it always names itself, else not needed."""
        self.idp.callback = {"iss": GONE}
        self.assertIn("RFC 9207", self.refused(LoginFailed).reason)
        self.idp.discovery["authorization_response_iss_parameter_supported"] = GONE
        self.log_in(number=2)


LOGOUT_REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("…-no-event", {"events": GONE}, {}, "events"),
    ("…-wrong-event", {"events": {"http://schemas.openid.net/event/another": {}}}, {}, "events"),
    ("event is no object", {"events": {EVENT: True}}, {}, "events"),
    ("…-with-nonce", {"nonce": "n"}, {}, "nonce"),
    ("…-wrong-aud", {"aud": "somebody else"}, {}, "aud"),
    ("neither sub nor sid", {"sub": GONE, "sid": GONE}, {}, "sub"),
    ("no jti", {"jti": GONE}, {}, "jti"),
    ("no iat", {"iat": GONE}, {}, "iat"),
    ("no exp", {"exp": GONE}, {}, "exp"),
    ("expired", {"exp": NOW - 61}, {}, "exp"),
    ("an ID token's type", {}, {"typ": "id_token+jwt"}, "typ"),
    ("sid is a list", {"sid": ["a"]}, {}, "sid"),
]


class BackchannelLogoutTests(FlowTestCase):
    """oidcc-client-test-rp-backchannel-rpinitlogout and its seven wrong relatives."""

    def setUp(self) -> None:
        super().setUp()
        self.ours = self.client()
        self.result(self.ours.begin(attempt()))
        self.number = 0

    def logout_claims(self, **changes: Any) -> dict[str, Any]:
        self.number += 1
        now = int(self.clock.seconds())
        claims = {
            "iss": self.idp.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": f"jti-{self.number}",
            "events": {EVENT: {}},
            "sid": "session-1",
            "sub": "alice",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not GONE}

    def logout(self, token: str) -> Any:
        return self.ours.backchannel_logout({"logout_token": token})

    def test_rpinitlogout(self) -> None:
        """A proper token ends the session that it names; the type may be named or not."""
        for header in ({}, {"typ": "logout+jwt"}, {"typ": "JWT"}):
            token = sign(self.logout_claims(), rsa("one"), **header)
            self.assertEqual(self.result(self.logout(token)), [(self.idp.issuer, "session-1")])

    def test_subject_alone(self) -> None:
        """Without sid every session of the subject ends; with one too, where ID tokens have none."""
        self.assertEqual(self.result(self.logout(sign(self.logout_claims(sid=GONE), rsa("one")))), [(self.idp.issuer, "alice")])
        self.idp.discovery["backchannel_logout_session_supported"] = GONE
        self.ours = self.client()
        self.assertEqual(self.result(self.logout(sign(self.logout_claims(), rsa("one")))), [(self.idp.issuer, "alice")])

    def test_refused(self) -> None:
        """Each wrong token is refused by its own check."""
        for name, changes, header, check in LOGOUT_REFUSED:
            error = self.failure(LoginFailed, self.logout(sign(self.logout_claims(**changes), rsa("one"), **header)))
            self.assertIn(f"logout token: {check}: ", error.reason, name)

    def test_alg_none_and_wrong_alg(self) -> None:
        """…-alg-none and …-wrong-alg."""
        for token in (unsigned(self.logout_claims()), sign(self.logout_claims(), OctKey.import_key(SECRET), "HS256")):
            self.assertIn("alg", self.failure(LoginFailed, self.logout(token)).reason)

    def test_wrong_iss(self) -> None:
        """…-wrong-iss: refused before its key is looked for: it may well be another provider's."""
        token = sign(self.logout_claims(iss="https://another.example"), rsa("stranger"))
        self.assertIn("logout token: iss: ", self.failure(LoginFailed, self.logout(token)).reason)
        self.assertEqual(self.idp.asked("/jwks"), 0)

    def test_forged(self) -> None:
        """A token that somebody else signed in the provider's name."""
        token = sign(self.logout_claims(), rsa("stranger"), kid="one")
        self.assertIn("signature", self.failure(LoginFailed, self.logout(token)).reason)

    def test_replayed(self) -> None:
        """A token that comes a second time."""
        token = sign(self.logout_claims(), rsa("one"))
        self.result(self.logout(token))
        self.assertIn("jti", self.failure(LoginFailed, self.logout(token)).reason)

    def test_form(self) -> None:
        """Only exactly one value of logout_token will do."""
        token = sign(self.logout_claims(), rsa("one"))
        wrong_forms: list[dict[str, Any]] = [{}, {"logout_token": ""}, {"logout_token": [token, token]}, {"logout_token": []}]
        for form in wrong_forms:
            self.failure(LoginFailed, self.ours.backchannel_logout(form))
        self.assertEqual(len(self.result(self.ours.backchannel_logout({"logout_token": [token]}))), 1)


class RpInitiatedLogoutTests(FlowTestCase):
    """oidcc-client-test-rp-init-logout."""

    def test_rp_init_logout(self) -> None:
        """id_token_hint, client_id, post_logout_redirect_uri and state stand in the URL."""
        client = self.client()
        signed_in = self.log_in(client)
        url = client.end_session_url(signed_in, "http://localhost:8080/_meshproxy/logged-out")
        assert url is not None and signed_in.tokens is not None
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.assertTrue(url.startswith("http://127.0.0.1:9999/logout?"))
        self.assertEqual((query["id_token_hint"], query["client_id"]), (signed_in.tokens.id, CLIENT_ID))
        self.assertEqual(query["post_logout_redirect_uri"], "http://localhost:8080/_meshproxy/logged-out")
        self.assertGreaterEqual(len(query["state"]), 16)

    def test_no_end_session_endpoint(self) -> None:
        """A provider without one: nowhere to go."""
        self.idp.discovery["end_session_endpoint"] = GONE
        client = self.client()
        self.assertIsNone(client.end_session_url(self.log_in(client), "http://localhost:8080/"))
