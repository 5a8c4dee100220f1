"""What rewriters sign with: :mod:`meshproxy.api.signing`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import signing
from meshproxy.api.testing import context


class SigningTests(SynchronousTestCase):
    def test_with_a_context(self) -> None:
        """A plugin of anybody's signs with the keys of its own purpose, and no other purpose's verify it."""
        given = context()
        mine = signing.DailyKeys(lambda: given.secrets("mine")).signing(0.0)
        again = signing.DailyKeys(lambda: given.secrets("mine")).published(0.0)
        other = signing.DailyKeys(lambda: given.secrets("other")).published(0.0)
        self.assertIn(mine.kid, [key.kid for key in again])
        self.assertNotIn(mine.kid, [key.kid for key in other])

    def test_all_names(self) -> None:
        """Everything that it promises is there."""
        self.assertTrue(all(hasattr(signing, name) for name in signing.__all__))
