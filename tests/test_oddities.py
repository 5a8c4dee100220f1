"""Nothing odd: what the general path does where no preset says otherwise."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.signing_keys import SigningKeys
from meshproxy.identity.oddities import LoginFacts, Oddities


class OdditiesTests(SynchronousTestCase):
    def test_nothing_odd(self) -> None:
        """Issuers are equal or not, claims are what they are, everybody may log in, there are no groups elsewhere."""
        plain = Oddities({})
        self.assertTrue(plain.same_issuer("https://a", "https://a"))
        self.assertFalse(plain.same_issuer("https://a/", "https://a"))
        self.assertEqual(plain.token_issuer("https://a", {"tid": "x"}), "https://a")
        self.assertEqual((plain.authorization_parameters(), plain.corrected({"a": 1}), plain.refusal({})), ({}, {"a": 1}, None))
        facts = LoginFacts({}, "token", "client", "https://a", None, SigningKeys(), 0)  # type: ignore[arg-type]
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(plain.groups(facts))), ())
