"""Google: hosted domains, judged by the claim and not by the parameter."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from meshproxy.api import LoginFailed
from meshproxy.identity.presets.google import Odd

from .support.contexts import attempt
from .support.nasty_provider import GONE
from .support.rp_flow import FlowTestCase


class GoogleTests(FlowTestCase):
    def test_login(self) -> None:
        """A login with the preset: offline access is asked for, the address is the user name."""
        client = self.client(preset="google")
        query = parse_qs(urlsplit(self.result(client.begin(attempt()))).query)
        self.assertEqual((query["access_type"], "hd" in query), (["offline"], False))
        self.assertEqual(self.log_in(client, 2).principal.username, "alice@example.com")

    def test_hosted_domain(self) -> None:
        """Accounts of the domain alone; a private account has no hd, another company's another."""
        client = self.client(preset="google", hosted_domain="Example.com")
        self.assertEqual(parse_qs(urlsplit(self.result(client.begin(attempt()))).query)["hd"], ["example.com"])
        for number, (domain, good) in enumerate(
            (("example.com", True), ("EXAMPLE.COM", True), ("evil.example", False), (GONE, False), ("", False))
        ):
            self.idp.id_claims["hd"] = domain
            if good:
                self.log_in(client, number)
            else:
                error = self.refused(LoginFailed, client, number)
                self.assertIn("hd", error.reason)
                self.assertTrue(error.message)

    def test_several_domains(self) -> None:
        """Several, or any Workspace domain at all."""
        several = Odd({"hosted_domain": ("a.example", "b.example")})
        self.assertEqual(several.authorization_parameters(), {"hd": "*"})
        self.assertEqual([several.refusal({"hd": name}) is None for name in ("a.example", "b.example", "c.example")], [True, True, False])
        anywhere = Odd({"hosted_domain": ("*",)})
        self.assertEqual([anywhere.refusal(claims) is None for claims in ({"hd": "c.example"}, {}, {"hd": ["a"]})], [True, False, False])
