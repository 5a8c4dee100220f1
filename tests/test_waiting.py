"""Waiting for plugins: :mod:`meshproxy.web.own.waiting`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ProviderDown
from meshproxy.web.own.waiting import settled, within


async def _coroutine(value: object) -> object:
    return value


def _run(coroutine: Coroutine[Any, Any, Any]) -> Deferred[Any]:
    return Deferred.fromCoroutine(coroutine)


class WaitingTests(SynchronousTestCase):
    def test_every_shape_of_answer(self) -> None:
        """A value, a coroutine and a Deferred are the same."""
        for answer in (lambda: 7, lambda: _coroutine(7), lambda: succeed(7)):
            self.assertEqual(self.successResultOf(_run(settled(answer()))), 7)
            self.assertEqual(self.successResultOf(_run(within(answer(), Clock()))), 7)

    def test_a_deadline(self) -> None:
        """Too late is :class:`ProviderDown`, and what was waited for is cancelled; no timer is left over."""
        clock = Clock()
        cancelled: list[object] = []
        waits = _run(within(Deferred(cancelled.append), clock, 3.0))
        clock.advance(2.9)
        self.assertNoResult(waits)
        clock.advance(0.2)
        self.failureResultOf(waits, ProviderDown)
        self.assertEqual((len(cancelled), clock.getDelayedCalls()), (1, []))

    def test_what_it_raises_is_raised(self) -> None:
        """Errors pass as they are."""

        async def fails() -> None:
            raise ZeroDivisionError

        clock = Clock()
        self.failureResultOf(_run(within(fails(), clock)), ZeroDivisionError)
        self.assertEqual(clock.getDelayedCalls(), [])
