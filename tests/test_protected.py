"""A compiled service: what it holds of a principal."""

from __future__ import annotations

from meshproxy.api import IdentityFields, Principal, SignedIn
from meshproxy.core.access import Denied

from .support.house import ALICE, House
from .test_channel import ChannelCase

MALLORY = Principal("https://idp.test", "mallory")


class ProtectedServiceTests(ChannelCase):
    def test_admit(self) -> None:
        """Who may enter gets identity fields as ready lines; who may not gets none, and no rewriter is asked."""
        house = self.house()
        admission = house.service.admit(ALICE, SignedIn(ALICE))
        self.assertTrue(admission.allowed)
        self.assertEqual(admission.identity, b"X-User: alice\r\n")
        self.assertEqual(admission.valid_until, float("inf"))
        refused = house.service.admit(MALLORY, SignedIn(MALLORY))
        self.assertFalse(refused.allowed)
        self.assertEqual(refused.identity, b"")
        self.assertIsInstance(refused.access, Denied)

    def test_valid_until(self) -> None:
        """An admission ends when its fields do."""

        class Timed:
            name = "timed"
            managed_fields = (b"X-Token",)

            def token_fields(self, signed_in: SignedIn) -> IdentityFields:
                return IdentityFields([(b"X-Token", b"t")], 1234.0)

        house = self.house(rewriters=[Timed()])
        self.assertEqual(house.service.admit(ALICE, SignedIn(ALICE)).valid_until, 1234.0)

    def test_anonymous(self) -> None:
        """Without a principal nothing is told."""
        house = House()
        self.addCleanup(house.close)
        self.assertFalse(house.service.anonymous.allowed)
        self.assertEqual(house.service.anonymous.identity, b"")
