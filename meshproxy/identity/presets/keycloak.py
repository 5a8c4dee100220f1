"""Keycloak: where are the roles? By default in the access token alone, which Keycloak signs with the keys of its ID tokens.

The access token is read here because Keycloak documents its form; it came from the token endpoint, and its signature and issuer are
checked all the same. Roles look as people know them from other proxies: ``role:NAME`` of the realm, ``role:CLIENT:NAME`` of a client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core import jws
from ...core.claims import lookup, names
from ...core.jws import DEFAULT_ALGORITHMS, TokenInvalid
from ..oddities import LoginFacts, Oddities


class Odd(Oddities):
    """``client_roles``: the clients whose roles count, beside this one; ``["*"]``: all of them."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._clients = tuple(names(options.get("client_roles")))

    async def groups(self, facts: LoginFacts) -> tuple[str, ...]:
        """The roles, wherever they stand."""
        found = [*self._roles(facts.claims, facts.client_id), *self._roles(_access_claims(facts), facts.client_id)]
        return tuple(dict.fromkeys(found))

    def _roles(self, claims: Mapping[str, Any], own_client: str) -> Iterable[str]:
        for role in names(lookup(claims, "realm_access.roles")):
            yield f"role:{role}"
        access = claims.get("resource_access")
        if not isinstance(access, Mapping):
            return
        for client, entry in access.items():
            if client == own_client or client in self._clients or "*" in self._clients:
                for role in names(lookup(entry, "roles")):
                    yield f"role:{client}:{role}"


def _access_claims(facts: LoginFacts) -> Mapping[str, Any]:
    """What the access token says, if it is a JWT of this very issuer about this very person; else nothing."""
    if not jws.looks_like_jws(facts.access_token):
        return {}
    try:
        claims = jws.verified(jws.parse(facts.access_token), facts.keys, DEFAULT_ALGORITHMS).claims
    except TokenInvalid:
        return {}
    return claims if claims.get("iss") == facts.issuer and claims.get("sub") == facts.claims.get("sub") else {}
