"""Userinfo: when it is asked, what of it is used, and what its failures do to a login."""

from __future__ import annotations

from meshproxy.api import ProviderDown

from .support.nasty_provider import CLIENT_ID, GONE
from .support.rp_flow import FlowTestCase
from .support.signing import rsa


class UserinfoTests(FlowTestCase):
    def test_when(self) -> None:
        """auto: only when a claim that decides about access is missing; always; never."""
        for settings, id_claims, asked in (
            ({}, {}, 0),
            ({}, {"groups": GONE}, 1),
            ({}, {"email": GONE}, 1),
            ({}, {"name": GONE}, 0),
            ({"groups_claim": "realm.roles"}, {}, 1),
            ({"userinfo": "always"}, {}, 1),
            ({"userinfo": "never"}, {"groups": GONE}, 0),
        ):
            self.setUp()
            self.idp.id_claims.update(id_claims)
            self.log_in(self.client(**settings))
            self.assertEqual(self.idp.asked("/userinfo"), asked, (settings, id_claims))

    def test_no_endpoint(self) -> None:
        """A provider without one: the login goes on with what there is."""
        self.idp.discovery["userinfo_endpoint"] = GONE
        self.idp.id_claims["groups"] = GONE
        self.assertEqual(self.log_in().principal.groups, ())

    def test_refused(self) -> None:
        """A refusal, or an answer that is none: the login goes on without, and the log says so."""
        self.idp.id_claims["groups"] = GONE
        for number, (status, body) in enumerate(((401, b""), (403, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b"{}"))):
            self.idp.raw["/userinfo"] = (status, {}, body)
            self.assertEqual(self.log_in(number=number).principal.groups, ())
        self.assertEqual(len(self.warnings), 5)

    def test_down(self) -> None:
        """An outage of userinfo, where it is needed, is an outage: nobody logs in with less than they have."""
        self.idp.id_claims["groups"] = GONE
        for status in (500, 503, 429):
            self.idp.raw["/userinfo"] = (status, {}, b"")
            self.assertIn(str(status), self.refused(ProviderDown, number=status).reason)

    def test_signed_for_another(self) -> None:
        """Signed userinfo of another issuer, or for another client, is not used."""
        self.idp.id_claims["groups"] = GONE
        self.idp.userinfo_signed_with = rsa("one")
        good = {"groups": ["signed"], "iss": self.idp.issuer, "aud": CLIENT_ID}
        for number, (change, groups) in enumerate((({}, ("signed",)), ({"iss": "x"}, ()), ({"aud": "x"}, ()), ({"sub": "mallory"}, ()))):
            self.idp.userinfo = {**good, **change}
            self.assertEqual(self.log_in(number=number).principal.groups, groups, change)

    def test_protocol_claims(self) -> None:
        """Userinfo cannot say when the person logged in, or how."""
        self.idp.id_claims["groups"] = GONE
        self.idp.userinfo = {"auth_time": 1, "acr": "mfa", "sid": "another"}
        signed_in = self.log_in()
        self.assertEqual((signed_in.auth_time, signed_in.provider_session), (None, "session-1"))
        self.assertNotIn("acr", signed_in.principal.claims)
