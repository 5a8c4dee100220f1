"""``meshproxy.api.identity``: what provider plugins build on is there under its public name, and enough for a provider of one's own."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from meshproxy.api import identity
from meshproxy.api.identity import ClaimsMapping, ClientAuth, ClientSettings, IdTokenRules, LoginSettings, OidcClient

from .support.contexts import attempt
from .support.nasty_provider import CLIENT_ID, SECRET
from .support.rp_flow import FlowTestCase


class IdentityTests(FlowTestCase):
    def test_names(self) -> None:
        """Every name that is promised is there."""
        for name in identity.__all__:
            self.assertTrue(hasattr(identity, name), name)
        self.assertEqual(len(set(identity.__all__)), len(identity.__all__))

    def test_a_provider_of_ones_own(self) -> None:
        """A whole client from public names alone logs somebody in."""
        settings = ClientSettings(
            issuer=self.idp.issuer,
            auth=ClientAuth(CLIENT_ID, SECRET),
            login=LoginSettings(),
            rules=IdTokenRules(self.idp.issuer, CLIENT_ID),
            mapping=ClaimsMapping("own"),
        )
        client = OidcClient(settings, self.http, self.clock, Logger(namespace="own"))
        self.addCleanup(client.stop)
        url: Any = self.result(client.begin(attempt()))
        signed_in = self.result(client.finish(attempt(), self.idp.authorize(url)))
        self.assertEqual((signed_in.principal.subject, signed_in.principal.provider), ("alice", "own"))
