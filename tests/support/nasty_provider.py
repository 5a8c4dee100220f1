"""An OpenID Provider in this process that does everything wrong that can be done wrong, each by a switch of its own.

As it stands it is a proper provider with one person, Alice, and one client. Set an attribute, and it is nasty in that one way. It serves
from memory (``treq.testing``) or, as ``resource``, from any ``Site``.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

from joserfc.jwk import Key
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from .signing import published, rsa, sign

ISSUER = "http://127.0.0.1:9999"
CLIENT_ID = "mesh client"
SECRET = "a s3cret &=%+ü of good length"


class Gone:
    """A claim or member that is left out: ``{"iat": GONE}``."""


GONE = Gone


def changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The values with the changes made."""
    return {name: value for name, value in {**values, **changes}.items() if value is not GONE}


class NastyProvider:
    """See the module's head. Every public attribute that is no method is a switch."""

    def __init__(self, clock: IReactorTime, issuer: str = ISSUER) -> None:
        self.clock = clock
        self.issuer = issuer
        # What it publishes.
        self.discovery: dict[str, Any] = {}
        self.keys: list[Key] = [rsa("one")]
        self.key_set: Any = None
        self.key_set_fields: dict[str, str] = {}
        # What it signs, with what.
        self.signing_key: Key = self.keys[0]
        self.algorithm = "RS256"
        self.id_header: dict[str, Any] = {}
        self.id_claims: dict[str, Any] = {}
        self.id_token: Callable[[dict[str, Any]], str] | None = None
        # What it answers.
        self.callback: dict[str, Any] = {}
        self.token_status = 200
        self.token_answer: dict[str, Any] = {}
        self.refresh_answer: dict[str, Any] = {}
        self.refresh_id_claims: dict[str, Any] | None = {}
        self.userinfo: dict[str, Any] = {}
        self.userinfo_status = 200
        self.userinfo_signed_with: Key | None = None
        self.introspection: dict[str, Any] = {"active": False}
        self.par_status = 201
        # How it behaves: paths that hang, that answer with these bytes, that redirect.
        self.hanging: set[str] = set()
        self.raw: dict[str, tuple[int, dict[str, str], bytes]] = {}
        #: Every request that came: method, path, fields, form.
        self.requests: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._pushed: dict[str, dict[str, str]] = {}
        self._refresh_tokens = {"refresh-0"}
        self._counter = 0
        self.resource = _Root(self)

    def url(self, path: str) -> str:
        """A URL at the provider."""
        return self.issuer + path

    def asked(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(1 for _, asked, _, _ in self.requests if asked == path)

    def authorize(self, url: str) -> dict[str, str]:
        """What a browser brings back that was sent to ``url`` and where Alice logged in."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if "request_uri" in query:
            query = self._pushed.pop(query["request_uri"])
        self._counter += 1
        code = f"code-{self._counter}"
        self._codes[code] = query
        back = {"code": code, "state": query["state"], "iss": self.issuer}
        return changed(back, self.callback)

    def claims(self, **more: Any) -> dict[str, Any]:
        """The claims of an ID token of now."""
        now = int(self.clock.seconds())
        person = {"email": "alice@example.com", "email_verified": True, "name": "Alice", "groups": ["devs"], "sid": "session-1"}
        base = {"iss": self.issuer, "sub": "alice", "aud": CLIENT_ID, "exp": now + 3600, "iat": now, **person, **more}
        return changed(base, self.id_claims)

    def signed(self, claims: dict[str, Any]) -> str:
        """Claims as an ID token."""
        if self.id_token is not None:
            return self.id_token(claims)
        return sign(claims, self.signing_key, self.algorithm, **self.id_header)

    # The endpoints, by path.

    def get_well_known(self, request: Request, form: dict[str, str]) -> Any:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": self.url("/authorize"),
            "token_endpoint": self.url("/token"),
            "jwks_uri": self.url("/jwks"),
            "userinfo_endpoint": self.url("/userinfo"),
            "end_session_endpoint": self.url("/logout"),
            "revocation_endpoint": self.url("/revoke"),
            "introspection_endpoint": self.url("/introspect"),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_session_supported": True,
        }
        return changed(document, self.discovery)

    def get_jwks(self, request: Request, form: dict[str, str]) -> Any:
        for name, value in self.key_set_fields.items():
            request.setHeader(name, value)
        return published(*self.keys) if self.key_set is None else self.key_set

    def get_userinfo(self, request: Request, form: dict[str, str]) -> Any:
        request.setResponseCode(self.userinfo_status)
        answer = changed({"sub": "alice", "email": "alice@example.com", "email_verified": True, "groups": ["devs"]}, self.userinfo)
        if self.userinfo_signed_with is None:
            return answer
        request.setHeader("content-type", "application/jwt")
        return sign(answer, self.userinfo_signed_with, "RS256").encode()

    def post_par(self, request: Request, form: dict[str, str]) -> Any:
        request.setResponseCode(self.par_status)
        if self.par_status >= 400:
            return {"error": "invalid_request"}
        self._counter += 1
        reference = f"urn:ietf:params:oauth:request_uri:{self._counter}"
        self._pushed[reference] = form
        return {"request_uri": reference, "expires_in": 60}

    def post_token(self, request: Request, form: dict[str, str]) -> Any:
        request.setResponseCode(self.token_status)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(request, form)
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or asked.get("redirect_uri") != form.get("redirect_uri"):
            request.setResponseCode(400)
            return {"error": "invalid_grant"}
        answer = {"access_token": "access-1", "token_type": "Bearer", "expires_in": 300, "refresh_token": "refresh-0", "scope": "openid"}
        return changed({**answer, "id_token": self.signed(self.claims(nonce=asked["nonce"]))}, self.token_answer)

    def _refresh(self, request: Request, form: dict[str, str]) -> Any:
        """Rotates: each refresh token is good once."""
        if form.get("refresh_token") not in self._refresh_tokens:
            request.setResponseCode(400)
            return {"error": "invalid_grant", "error_description": "spent\r\nor never given"}
        self._refresh_tokens.discard(form["refresh_token"])
        self._counter += 1
        fresh = f"refresh-{self._counter}"
        self._refresh_tokens.add(fresh)
        answer: dict[str, Any] = {"access_token": f"access-{self._counter}", "token_type": "bearer", "expires_in": 300}
        answer["refresh_token"] = fresh
        if self.refresh_id_claims is not None:
            answer["id_token"] = self.signed(changed(self.claims(), self.refresh_id_claims))
        return changed(answer, self.refresh_answer)

    def post_revoke(self, request: Request, form: dict[str, str]) -> Any:
        self._refresh_tokens.discard(form.get("token", ""))
        return b""

    def post_introspect(self, request: Request, form: dict[str, str]) -> Any:
        return self.introspection

    def client_of(self, fields: dict[str, str]) -> tuple[str, str]:
        """Who a request says it is by Basic, decoded as RFC 6749 §2.3.1 wants it."""
        name, _, secret = b64decode(fields["authorization"].removeprefix("Basic ")).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)


_PATHS = {
    ("GET", "/.well-known/openid-configuration"): "get_well_known",
    ("GET", "/jwks"): "get_jwks",
    ("GET", "/userinfo"): "get_userinfo",
    ("POST", "/token"): "post_token",
    ("POST", "/par"): "post_par",
    ("POST", "/revoke"): "post_revoke",
    ("POST", "/introspect"): "post_introspect",
}


class _Root(Resource):
    isLeaf = True

    def __init__(self, provider: NastyProvider) -> None:
        super().__init__()
        self._provider = provider

    def render(self, request: Request) -> Any:
        provider, path = self._provider, request.path.decode()
        body = request.content.read().decode() if request.content is not None else ""
        form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
        fields = {name.decode().lower(): values[0].decode() for name, values in request.requestHeaders.getAllRawHeaders()}
        provider.requests.append((request.method.decode(), path, fields, form))
        if path in provider.hanging:
            return NOT_DONE_YET
        if path in provider.raw:
            status, more, content = provider.raw[path]
            request.setResponseCode(status)
            for name, value in more.items():
                request.setHeader(name, value)
            return content
        method = _PATHS.get((request.method.decode(), path))
        if method is None:
            request.setResponseCode(404)
            return b"no such page"
        answer = getattr(provider, method)(request, form)
        if isinstance(answer, bytes):
            return answer
        request.setHeader("content-type", "application/json")
        return json.dumps(answer).encode()
