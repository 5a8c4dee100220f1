"""Keycloak: realm and client roles, from the access token that it signs itself."""

from __future__ import annotations

from typing import Any

from .support.nasty_provider import CLIENT_ID
from .support.rp_flow import FlowTestCase
from .support.signing import rsa, sign

ROLES: dict[str, Any] = {
    "realm_access": {"roles": ["offline_access", "admin"]},
    "resource_access": {CLIENT_ID: {"roles": ["editor"]}, "account": {"roles": ["view-profile"]}, "broken": 7},
}


class KeycloakTests(FlowTestCase):
    def groups(self, number: int = 1, **settings: Any) -> tuple[str, ...]:
        return self.log_in(self.client(preset="keycloak", **settings), number).principal.groups

    def access_token(self, key: Any = None, **changes: Any) -> str:
        claims = {"iss": self.idp.issuer, "sub": "alice", "typ": "Bearer", "aud": "account", "azp": CLIENT_ID, **ROLES, **changes}
        return sign(claims, key or rsa("one"), kid="one")

    def test_access_token(self) -> None:
        """As Keycloak is delivered: roles in the access token, groups by a mapper; realm roles and this client's."""
        self.idp.token_answer = {"access_token": self.access_token()}
        self.assertEqual(self.groups(), ("devs", "role:offline_access", "role:admin", f"role:{CLIENT_ID}:editor"))

    def test_further_clients(self) -> None:
        """Roles of further clients, one by one or all."""
        self.idp.token_answer = {"access_token": self.access_token()}
        self.assertIn("role:account:view-profile", self.groups(client_roles="account"))
        self.assertIn("role:account:view-profile", self.groups(2, client_roles=["*"]))

    def test_id_token(self) -> None:
        """With mappers that put them into the ID token they come from there; nothing is named twice."""
        self.idp.id_claims.update(ROLES)
        self.idp.token_answer = {"access_token": self.access_token()}
        self.assertEqual(self.groups(), ("devs", "role:offline_access", "role:admin", f"role:{CLIENT_ID}:editor"))

    def test_not_believed(self) -> None:
        """An access token that is opaque, forged, of another issuer or about another person adds nothing."""
        tokens = (
            "opaque",
            self.access_token(rsa("stranger")),
            self.access_token(iss="https://x"),
            self.access_token(sub="mallory"),
            "eyJ.a.b",
        )
        for number, token in enumerate(tokens):
            self.idp.token_answer = {"access_token": token}
            self.assertEqual(self.groups(number), ("devs",), token)
