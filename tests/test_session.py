"""meshproxy.core.session"""

from __future__ import annotations

from dataclasses import FrozenInstanceError

from twisted.trial.unittest import SynchronousTestCase

from .support.sessions import record, tokens


class SessionRecordTests(SynchronousTestCase):
    def test_it_is_a_value(self) -> None:
        """A record does not change, and two of the same are equal."""
        self.assertRaises((FrozenInstanceError, TypeError), setattr, record(), "host", "evil.example")
        self.assertEqual(record(), record())

    def test_no_token_in_its_repr(self) -> None:
        """A record that ends up in a log shows no token."""
        shown = repr(record(tokens=tokens()))
        for secret in ("access-1", "refresh-1", "id-1"):
            self.assertNotIn(secret, shown)
