"""How often somebody may try a password: :mod:`meshproxy.web.own.attempt_limit`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.sessions.shared_state import LocalState
from meshproxy.web.own.attempt_limit import PER_ADDRESS, PER_NAME, WINDOW, AttemptLimit


class AttemptLimitTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.shared = LocalState(self.clock)
        self.limit = AttemptLimit(self.shared, "local")

    def now(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def may(self, name: str = "alice", client: str = "192.0.2.1") -> bool:
        return bool(self.now(self.limit.may_try(name, client)))

    def test_so_many_for_a_name(self) -> None:
        """From whatever addresses they come; another name, and another provider, has its own count."""
        tries = [self.may(client=f"192.0.2.{number}") for number in range(PER_NAME + 1)]
        self.assertEqual(tries, [True] * PER_NAME + [False])
        self.assertTrue(self.may("bob"))
        self.assertTrue(self.now(AttemptLimit(self.shared, "other").may_try("alice", "192.0.2.1")))

    def test_so_many_failures_from_an_address(self) -> None:
        """Whatever the names; attempts that succeed do not count, since many people may share an address."""
        for number in range(PER_ADDRESS * 2):
            self.assertTrue(self.may(f"name-{number}"))
            self.now(self.limit.succeeded(f"name-{number}"))
        for number in range(PER_ADDRESS):
            self.assertTrue(self.may(f"other-{number}"))
            self.now(self.limit.failed("192.0.2.1", self.clock.seconds()))
        self.assertFalse(self.may("somebody"))
        self.assertTrue(self.may("somebody", "192.0.2.2"))

    def test_it_passes(self) -> None:
        """After the window everybody may try again."""
        for _ in range(PER_NAME + 1):
            self.may()
        for _ in range(PER_ADDRESS):
            self.now(self.limit.failed("192.0.2.1", self.clock.seconds()))
        self.clock.advance(WINDOW + 1)
        self.assertTrue(self.may())

    def test_no_name_is_kept(self) -> None:
        """What stands in the shared state are hashes, of whatever was typed."""
        for name in ("alice", "\ud800", "x" * 256, ""):
            self.may(name)
        self.assertNotIn("alice", repr(vars(self.shared)))
