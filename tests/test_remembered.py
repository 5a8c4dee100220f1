"""Notes for people with many tabs: :mod:`meshproxy.web.own.remembered`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.web.own.remembered import remember, remembered
from tests.support.own_site import NOW, OwnSite


class RememberedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.site = OwnSite()

    def now(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def test_by_the_state_alone(self) -> None:
        """Whoever knows the attempt's state finds its target; another state finds nothing."""
        self.now(remember(self.site.parts, "state", "/headers?x", NOW))
        self.assertEqual(self.now(remembered(self.site.parts, "state")), "/headers?x")
        self.assertEqual(self.now(remembered(self.site.parts, "other")), "")

    def test_ten_minutes(self) -> None:
        """As long as an attempt lives."""
        self.now(remember(self.site.parts, "state", "/headers", NOW))
        self.site.clock.advance(601)
        self.assertEqual(self.now(remembered(self.site.parts, "state")), "")

    def test_long_targets_are_not_kept(self) -> None:
        """Nobody fills the memory with them."""
        self.now(remember(self.site.parts, "state", "/" + "x" * 1024, NOW))
        self.assertEqual(self.now(remembered(self.site.parts, "state")), "")

    def test_without_shared_state(self) -> None:
        """A Redis that is down neither stops a login nor a way back."""

        async def down(*_: object) -> None:
            raise StoreDown("redis")

        self.site.shared.put = self.site.shared.get = down  # type: ignore[method-assign, assignment]
        self.now(remember(self.site.parts, "state", "/headers", NOW))
        self.assertEqual(self.now(remembered(self.site.parts, "state")), "")
