"""Microsoft Entra ID: one document for many tenants, groups that do not fit into a token, addresses that nobody verified.

- The document of ``common`` and ``organizations`` names the issuer with ``{tenantid}`` in it; a token's issuer has its own tenant there,
  which must be one of ``tenants``.
- Who is in more groups than fit gets a token that says so (``_claim_names`` or ``hasgroups``); the groups are then asked of Microsoft Graph
  with the access token, which needs the delegated permission GroupMember.Read.All.
- ``email`` is whatever a tenant's administrator wrote. Only ``xms_edov`` (an optional claim) says that the domain's owner was verified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import treq

from ...core.claims import is_true, names
from ...core.strict_json import NotJson, load_object
from ..backchannel import BackChannelError, fields
from ..oddities import LoginFacts, Oddities

PLACE = "{tenantid}"

_MANY_ISSUERS = re.compile(r"(https?://[^/]+/)(?:common|organizations)(/.*)")
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_GRAPHS = {
    "login.microsoftonline.com": "https://graph.microsoft.com",
    "login.microsoftonline.us": "https://graph.microsoft.us",
    "login.partner.microsoftonline.cn": "https://microsoftgraph.chinacloudapi.cn",
}


class Odd(Oddities):
    """``tenants``: the ids of those that may log in, needed where the issuer is one for many; ``["*"]``: any organisation at all."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        issuer = str(options.get("issuer", ""))
        self._tenants = tuple(name.lower() for name in names(options.get("tenants")))
        self._many = bool(_MANY_ISSUERS.fullmatch(issuer))
        if self._many and not self._tenants:
            raise ValueError('tenants must list the tenants that may log in (or be "*"), since the issuer is one for many')
        # Elsewhere than in Microsoft's clouds there is no Graph, except the stand-in of a test on the issuer's own host.
        self._graph = _GRAPHS.get(urlsplit(issuer).hostname or "", "{0.scheme}://{0.netloc}".format(urlsplit(issuer)))

    def same_issuer(self, named: str, asked: str) -> bool:
        """The document for many names a template."""
        return named == (_MANY_ISSUERS.sub(rf"\1{PLACE}\2", asked) if self._many else asked)

    def token_issuer(self, named: str, claims: Mapping[str, Any]) -> str:
        """The template with the token's own tenant, if that one may log in."""
        tenant = claims.get("tid")
        if self._tenants and (not isinstance(tenant, str) or ("*" not in self._tenants and tenant.lower() not in self._tenants)):
            return ""
        if PLACE not in named:
            return named
        return named.replace(PLACE, tenant) if isinstance(tenant, str) and _GUID.fullmatch(tenant) else ""

    def corrected(self, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """``xms_edov`` said as ``email_verified``."""
        verified = is_true(claims.get("xms_edov")) or claims.get("xms_edov") in (1, "1")
        return {**claims, "email_verified": True} if verified and "email_verified" not in claims else claims

    async def groups(self, facts: LoginFacts) -> tuple[str, ...]:
        """Those that did not fit."""
        sources = facts.claims.get("_claim_names")
        elsewhere = isinstance(sources, Mapping) and "groups" in sources
        if not elsewhere and not is_true(facts.claims.get("hasgroups")):
            return ()
        response = await facts.http.post(
            f"{self._graph}/v1.0/me/getMemberGroups",
            headers=fields({"Authorization": f"Bearer {facts.access_token}", "Accept": "application/json"}),
            json={"securityEnabledOnly": False},
        )
        if response.code != 200:
            hint = " (has the application the delegated permission GroupMember.Read.All?)" if response.code in (401, 403) else ""
            raise BackChannelError("status", f"Microsoft Graph answered {response.code}{hint}", response.code)
        try:
            return names(load_object(await treq.content(response)).get("value"))
        except NotJson as error:
            raise BackChannelError("not_json", f"Microsoft Graph: {error}") from None
