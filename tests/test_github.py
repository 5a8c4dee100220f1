"""``type = "github"`` at a strict stand-in of GitHub's API, written from its documented shapes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError
from treq.testing import RequestTraversalAgent
from twisted.web.resource import Resource
from twisted.web.server import Request
from zope.interface.verify import verifyObject

from meshproxy.api import IRedirectProvider, LoginFailed, ProviderDown, SessionOver, SignedIn, Tokens
from meshproxy.builtin.github import GithubProvider, GithubSettings
from meshproxy.identity.backchannel import BackChannel
from meshproxy.identity.oidc.login import code_challenge

from .support.contexts import CALLBACK, attempt, context
from .support.rp_flow import NOW, FlowTestCase

URL = "http://127.0.0.1:9998"


class StandIn(Resource):
    """GitHub, as far as its documentation says: errors of the token endpoint are 200, lists come in pages."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.verifier = attempt().code_verifier
        self.token: dict[str, Any] = {"access_token": "gho_1", "token_type": "bearer", "scope": "read:org,user:email"}
        self.user: Any = {"id": 583231, "login": "octocat", "name": "Mona", "email": "public@example.com"}
        self.emails: Any = [
            {"email": "old@example.com", "primary": False, "verified": True, "visibility": None},
            {"email": "mona@example.com", "primary": True, "verified": True, "visibility": "private"},
        ]
        self.orgs: Any = [{"login": "acme", "id": 1}, {"login": "Umbrella", "id": 2}]
        self.teams: Any = [{"slug": "sre", "name": "S R E", "organization": {"login": "acme", "id": 1}}]
        self.status: dict[str, int] = {}
        self.requests: list[tuple[str, str, dict[str, str], str]] = []

    def render(self, request: Request) -> bytes:
        path, body = request.path.decode(), request.content.read().decode()
        fields = {name.decode().lower(): values[0].decode() for name, values in request.requestHeaders.getAllRawHeaders()}
        self.requests.append((request.method.decode(), request.uri.decode(), fields, body))
        request.setHeader("content-type", "application/json; charset=utf-8")
        request.setResponseCode(self.status.get(path, 200))
        return json.dumps(self.answer(path, request, fields, body)).encode() if request.method != b"DELETE" else b""

    def answer(self, path: str, request: Request, fields: dict[str, str], body: str) -> Any:
        if path == "/login/oauth/access_token":
            return self.exchange({name: values[0] for name, values in parse_qs(body).items()}, fields)
        if fields.get("authorization") != f"Bearer {self.token.get('access_token')}" or "user-agent" not in fields:
            request.setResponseCode(401)
            return {"message": "Bad credentials"}
        if path == "/api/v3/user":
            return self.user
        lists = {"/api/v3/user/emails": self.emails, "/api/v3/user/orgs": self.orgs, "/api/v3/user/teams": self.teams}
        page, size = int(request.args[b"page"][0]), int(request.args[b"per_page"][0])
        found = lists[path]
        return found[(page - 1) * size : page * size] if isinstance(found, list) else found

    def exchange(self, form: dict[str, str], fields: dict[str, str]) -> Any:
        if fields.get("accept") != "application/json":
            return "error=wrong_accept"
        if (form.get("client_id"), form.get("client_secret")) != ("Iv1.abc", "the secret"):
            return {"error": "incorrect_client_credentials", "error_description": "The client_id and/or client_secret are incorrect."}
        if form["grant_type"] == "refresh_token":
            good = form["refresh_token"] == "ghr_1"
            return {**self.token, "refresh_token": "ghr_2"} if good else {"error": "bad_refresh_token"}
        if form["code"] != "good" or form["code_verifier"] != self.verifier or form["redirect_uri"] != CALLBACK:
            return {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
        return self.token


class GithubTests(FlowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.github = StandIn()
        self.agent = RequestTraversalAgent(self.github)
        self.http = BackChannel(self.clock, agent=self.agent)

    def provider(self, **settings: Any) -> GithubProvider:
        table = {"client_id": "Iv1.abc", "client_secret": "the secret", "url": URL, **settings}
        return GithubProvider(table, context(self.clock, self.http, name="hub"))

    def callback(self, **parameters: str) -> dict[str, str]:
        return {"code": "good", **parameters}

    def finish(self, **settings: Any) -> SignedIn:
        signed_in: SignedIn = self.result(self.provider(**settings).finish(attempt(), self.callback()))
        return signed_in

    def refused_with(self, expected: type[Exception], **settings: Any) -> Any:
        return self.failure(expected, self.provider(**settings).finish(attempt(), self.callback()))

    def test_interface(self) -> None:
        """It is a redirect provider."""
        verifyObject(IRedirectProvider, self.provider())

    def test_begin(self) -> None:
        """The authorization URL: code flow, PKCE, state, scopes for addresses and organisations."""
        url = self.result(self.provider(extra={"allow_signup": "false"}).begin(attempt()))
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.assertTrue(url.startswith(f"{URL}/login/oauth/authorize?"))
        self.assertEqual((query["client_id"], query["state"], query["allow_signup"]), ("Iv1.abc", attempt().state, "false"))
        self.assertEqual((query["scope"], query["code_challenge_method"]), ("read:user user:email read:org", "S256"))
        self.assertEqual(query["code_challenge"], code_challenge(attempt().code_verifier))

    def test_login(self) -> None:
        """The person: a stable id as subject, the verified primary address, organisations and teams as groups."""
        signed_in = self.finish()
        principal = signed_in.principal
        self.assertEqual((principal.issuer, principal.subject, principal.username), (URL, "583231", "octocat"))
        self.assertEqual((principal.trusted_email, principal.name, principal.provider), ("mona@example.com", "Mona", "hub"))
        self.assertEqual(principal.groups, ("acme", "Umbrella", "acme/sre"))
        assert signed_in.tokens is not None
        self.assertEqual((signed_in.tokens.access, signed_in.tokens.refresh, signed_in.tokens.expires_at), ("gho_1", None, None))

    def test_public_address_is_not_enough(self) -> None:
        """The profile's public address is never used; an unverified primary one neither."""
        self.github.emails[1]["verified"] = False
        self.assertEqual(self.finish().principal.email, None)

    def test_pages(self) -> None:
        """Lists are read to their end."""
        self.github.orgs = [{"login": f"org-{number}"} for number in range(250)]
        self.assertEqual(len(self.finish().principal.groups), 251)

    def test_missing_scope(self) -> None:
        """What the token may not see is missing, and the login goes on."""
        self.github.status = {"/api/v3/user/emails": 404, "/api/v3/user/teams": 403}
        principal = self.finish().principal
        self.assertEqual((principal.email, principal.groups), (None, ("acme", "Umbrella")))

    def test_organizations(self) -> None:
        """Only members may log in, whatever the case of the name; the reason names the account."""
        self.assertEqual(self.finish(organizations=["ACME"]).principal.subject, "583231")
        error = self.refused_with(LoginFailed, organizations=["initech"])
        self.assertIn("'octocat'", error.reason)
        self.github.status = {"/api/v3/user/orgs": 403}
        self.refused_with(LoginFailed, organizations=["acme"])

    def test_wrong_code(self) -> None:
        """GitHub says no with status 200: a failed login, not an outage."""
        error = self.failure(LoginFailed, self.provider().finish(attempt(), {"code": "bad"}))
        self.assertIn("bad_verification_code", error.reason)
        self.assertNotIsInstance(error, ProviderDown)

    def test_another_attempts_code(self) -> None:
        """PKCE: a code of another attempt is refused."""
        self.failure(LoginFailed, self.provider().finish(attempt(2), self.callback()))

    def test_wrong_secret(self) -> None:
        """The reason says that it is our secret, and does not have it."""
        error = self.refused_with(LoginFailed, client_secret="wrong")
        self.assertIn("incorrect_client_credentials", error.reason)

    def test_cancelled(self) -> None:
        """The person said no at GitHub."""
        error = self.failure(LoginFailed, self.provider().finish(attempt(), {"error": "access_denied"}))
        self.assertIn("access_denied", error.reason)

    def test_down(self) -> None:
        """An API that fails is an outage."""
        self.github.status = {"/api/v3/user": 502}
        self.assertIn("502", self.refused_with(ProviderDown).reason)

    def test_nobody(self) -> None:
        """An answer without an id is nobody."""
        for user in ({}, [], {"id": True}, {"id": "583231"}):
            self.github.user = user
            self.refused_with(ProviderDown)

    def test_renew(self) -> None:
        """Tokens that end (GitHub Apps) are renewed; organisations of now; a refused refresh token ends the session."""
        self.github.token.update(expires_in=28800, refresh_token="ghr_1")
        first = self.finish()
        self.github.orgs = []
        second = self.result(self.provider().renew(first))
        assert second.tokens is not None
        self.assertEqual((second.tokens.refresh, second.tokens.expires_at), ("ghr_2", NOW + 28800))
        self.assertEqual(second.principal.groups, ("acme/sre",))
        self.failure(SessionOver, self.provider().renew(second))

    def test_renew_while_the_api_is_down(self) -> None:
        """The new tokens are kept, the person stays as they were."""
        self.github.token.update(expires_in=28800, refresh_token="ghr_1")
        first = self.finish()
        self.github.status = {"/api/v3/user": 500}
        second = self.result(self.provider().renew(first))
        assert second.tokens is not None
        self.assertEqual((second.tokens.refresh, second.principal), ("ghr_2", first.principal))

    def test_renew_without_refresh_token(self) -> None:
        """An OAuth App's token does not end: nothing changes, nobody is asked."""
        first = self.finish()
        asked = len(self.github.requests)
        self.assertIs(self.result(self.provider().renew(first)), first)
        self.assertEqual(len(self.github.requests), asked)

    def test_revoke(self) -> None:
        """The token is given back by the application itself."""
        self.result(self.provider().revoke(SignedIn(self.finish().principal, Tokens(access="gho_1"))))
        method, uri, fields, body = self.github.requests[-1]
        self.assertEqual((method, uri, json.loads(body)), ("DELETE", "/api/v3/applications/Iv1.abc/token", {"access_token": "gho_1"}))
        self.assertTrue(fields["authorization"].startswith("Basic "))

    def test_settings(self) -> None:
        """A URL that is not secure, a missing secret, an unknown key are refused."""
        good = {"client_id": "x", "client_secret": "y"}
        GithubSettings.model_validate(good)
        for change in ({"url": "http://github.example"}, {"client_secret": None}, {"surprise": 1}, {"client_id": ""}):
            self.assertRaises(ValidationError, GithubSettings.model_validate, {**good, **change})
