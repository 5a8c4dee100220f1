"""Microsoft Entra ID at a strict stand-in of its odd sides: tenants, groups that do not fit, addresses that nobody verified."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from meshproxy.api import LoginFailed, ProviderDown
from meshproxy.builtin.oidc import OidcSettings
from meshproxy.core.logout_token import EVENT
from meshproxy.identity.presets.entra import Odd

from .support.contexts import attempt
from .support.nasty_provider import CLIENT_ID, GONE, NastyProvider
from .support.rp_flow import FlowTestCase
from .support.signing import rsa, sign

OURS = "11111111-2222-3333-4444-555555555555"
THEIRS = "99999999-2222-3333-4444-555555555555"
GRAPH = "/v1.0/me/getMemberGroups"
OVERAGE = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.windows.net/x"}}, "groups": GONE}


class _Entra(NastyProvider):
    """One document for many tenants; the issuer has a path, as Entra's has."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock, "http://127.0.0.1:9999")
        self.path = f"/{OURS}/v2.0"
        self.named = f"{self.issuer}{self.path}"
        self.id_claims = {"iss": self.named, "tid": OURS, "email_verified": GONE, "sid": GONE}

    def serve(self) -> None:
        """Its documents, at the tenant's path and at common's."""
        for path, named in ((self.path, self.named), ("/common/v2.0", f"{self.issuer}/{{tenantid}}/v2.0")):
            document = {**self.get_well_known(None, {}), "issuer": named}  # type: ignore[arg-type]
            document.pop("authorization_response_iss_parameter_supported")
            self.raw[f"{path}/.well-known/openid-configuration"] = (200, {}, json.dumps(document).encode())

    def graph(self, status: int, body: Any) -> None:
        self.raw[GRAPH] = (status, {"content-type": "application/json"}, json.dumps(body).encode())


class EntraTests(FlowTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.idp = _Entra(self.clock)
        self.idp.serve()
        self.idp.callback = {"iss": GONE}
        self.agent = type(self.agent)(self.idp.resource)
        self.http = type(self.http)(self.clock, agent=self.agent)

    def entra(self, issuer: str = f"/{OURS}/v2.0", **settings: Any) -> Any:
        return self.client(preset="entra", issuer=self.idp.issuer + issuer, **settings)

    def test_one_tenant(self) -> None:
        """A tenant's own issuer; groups are object ids, app roles count beside them."""
        self.idp.id_claims.update(groups=["5d1c"], roles=["Reader"], preferred_username="alice@acme.example")
        principal = self.log_in(self.entra()).principal
        self.assertEqual((principal.groups, principal.username), (("5d1c", "Reader"), "alice@acme.example"))
        self.assertEqual(principal.issuer, self.idp.named)
        self.assertEqual(self.idp.asked("/userinfo"), 0)

    def test_address(self) -> None:
        """Nobody verified the address, unless Entra says so in its own word for it."""
        self.assertIsNone(self.log_in(self.entra()).principal.trusted_email)
        for number, value in enumerate((True, "true", "1", 1), 2):
            self.idp.id_claims["xms_edov"] = value
            self.assertEqual(self.log_in(self.entra(), number).principal.trusted_email, "alice@example.com", value)
        for number, value in enumerate((False, "0", 0, None), 10):
            self.idp.id_claims["xms_edov"] = value
            self.assertIsNone(self.log_in(self.entra(), number).principal.trusted_email, value)

    def test_many_tenants(self) -> None:
        """common: a token's issuer is its own tenant's, and that tenant must be one of ours."""
        common = "/common/v2.0"
        self.assertEqual(self.log_in(self.entra(common, tenants=[OURS.upper()])).principal.issuer, self.idp.named)
        self.assertEqual(self.log_in(self.entra(common, tenants="*"), 2).principal.issuer, self.idp.named)
        self.assertIn("iss", self.refused(LoginFailed, self.entra(common, tenants=[THEIRS]), 3).reason)

    def test_lies_about_the_tenant(self) -> None:
        """A tid that does not fit iss, or is no tenant's id at all, or none."""
        for number, change in enumerate(
            ({"tid": THEIRS}, {"tid": GONE}, {"tid": "../x"}, {"iss": f"{self.idp.issuer}/{{tenantid}}/v2.0"}, {"tid": 7})
        ):
            self.setUp()
            ours = self.entra("/common/v2.0", tenants="*")
            self.idp.id_claims.update(change)
            self.assertIn("iss", self.refused(LoginFailed, ours, number).reason, change)

    def test_tenants_with_one_issuer(self) -> None:
        """tenants narrows a tenant's own issuer as well."""
        self.assertIn("iss", self.refused(LoginFailed, self.entra(tenants=[THEIRS])).reason)

    def test_document_of_another_tenant(self) -> None:
        """The document must be the asked tenant's."""
        self.idp.raw[f"{self.idp.path}/.well-known/openid-configuration"] = self.idp.raw["/common/v2.0/.well-known/openid-configuration"]
        self.failure(ProviderDown, self.entra().begin(attempt()))

    def test_overage(self) -> None:
        """Groups that do not fit are asked of Graph with the access token; app roles stay."""
        for number, sign_of_it in enumerate((OVERAGE, {"hasgroups": True, "groups": GONE}, {"hasgroups": "true", "groups": GONE})):
            self.setUp()
            self.idp.id_claims.update(sign_of_it, roles=["Reader"])
            self.idp.graph(200, {"@odata.context": "…", "value": [f"group-{index}" for index in range(300)]})
            groups = self.log_in(self.entra(), number).principal.groups
            self.assertEqual((len(groups), groups[0], groups[1]), (301, "Reader", "group-0"))
            method, _, fields, _ = next(asked for asked in self.idp.requests if asked[1] == GRAPH)
            self.assertEqual((method, fields["authorization"]), ("POST", "Bearer access-1"))

    def test_no_overage(self) -> None:
        """Whose groups fit costs no call."""
        self.log_in(self.entra())
        self.assertEqual(self.idp.asked(GRAPH), 0)

    def test_graph_refuses(self) -> None:
        """A missing permission is named, and nobody logs in with less than they have."""
        self.idp.id_claims.update(OVERAGE)
        self.idp.graph(403, {"error": {"code": "Authorization_RequestDenied"}})
        self.assertIn("GroupMember.Read.All", self.refused(ProviderDown, self.entra()).reason)
        for number, raw in enumerate(((500, {}, b""), (200, {}, b"<html>")), 2):
            self.idp.raw[GRAPH] = raw
            self.refused(ProviderDown, self.entra(), number)

    def test_graph_down_at_a_refresh(self) -> None:
        """The person keeps the groups that they had."""
        self.idp.id_claims.update(OVERAGE)
        self.idp.graph(200, {"value": ["a"]})
        ours = self.entra()
        first = self.log_in(ours)
        self.idp.graph(503, {})
        self.assertEqual(self.result(ours.renew(first)).principal.groups, ("a",))

    def test_logout_token_of_a_tenant(self) -> None:
        """Where the issuer is one for many, a logout token is judged by its own tenant."""
        ours = self.entra("/common/v2.0", tenants=[OURS])
        self.result(ours.begin(attempt()))
        now = int(self.clock.seconds())
        claims = {
            "iss": self.idp.named,
            "tid": OURS,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 60,
            "jti": "j",
            "sid": "s",
            "events": {EVENT: {}},
        }
        self.assertEqual(self.result(ours.backchannel_logout({"logout_token": sign(claims, rsa("one"))})), [(self.idp.named, "s")])


class SettingsTests(FlowTestCase):
    def test_tenants_needed(self) -> None:
        """An issuer for many without tenants lets in whoever runs a tenant: refused."""
        table = {"preset": "entra", "client_id": "x", "client_secret": "y"}
        for name in ("common", "organizations"):
            issuer = f"https://login.microsoftonline.com/{name}/v2.0"
            self.assertRaises(ValidationError, OidcSettings.model_validate, {**table, "issuer": issuer})
            OidcSettings.model_validate({**table, "issuer": issuer, "tenants": [OURS]})

    def test_graphs(self) -> None:
        """Each of Microsoft's clouds has a Graph of its own."""
        for host, graph in (
            ("login.microsoftonline.com", "https://graph.microsoft.com"),
            ("login.microsoftonline.us", "https://graph.microsoft.us"),
            ("login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
        ):
            self.assertEqual(Odd({"issuer": f"https://{host}/{OURS}/v2.0"})._graph, graph)
