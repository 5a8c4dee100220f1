"""The keys of our assertions: :mod:`meshproxy.web.own.jwks`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.own_site import Browser, OwnSite


class JwksTests(SynchronousTestCase):
    def test_none(self) -> None:
        """A configuration that signs nothing has an empty set."""
        self.assertEqual(Browser(OwnSite()).fetch("/_meshproxy/jwks.json").json, {"keys": []})

    def test_what_the_composition_gives(self) -> None:
        """The keys as they are at that moment, for anybody, to be kept for a while."""
        keys = {"keys": [{"kty": "OKP", "kid": "1"}]}
        reply = Browser(OwnSite(jwks=lambda: keys)).fetch("/_meshproxy/jwks.json")
        self.assertEqual(reply.json, keys)
        self.assertEqual((reply["Content-Type"], reply["Cache-Control"]), ("application/jwk-set+json", "public, max-age=300"))
