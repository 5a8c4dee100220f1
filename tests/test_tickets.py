"""meshproxy.core.tickets"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.tickets import HandoffCookie, HandoffRequest, HandoffTicket, LoginAttempt, decode, encode, fresh

ATTEMPT = LoginAttempt("corp", "state", "nonce", "verifier", "/to?x=ä", 1.5, "CODE42", "handoff")
TICKETS = (ATTEMPT, HandoffCookie("secret", "h", "https://h/", 1.0), HandoffRequest("attempt", "h", 2),
           HandoffTicket("attempt", "h", "serial", 3.0, "record", "{}"))  # fmt: skip


class TicketTests(SynchronousTestCase):
    def test_there_and_back(self) -> None:
        """Every kind survives."""
        for ticket in TICKETS:
            self.assertEqual(decode(type(ticket), encode(ticket)), ticket)

    def test_malformed(self) -> None:
        """What is not of that kind, in number or type of its parts, is ``None``."""
        for bad in (None, b"", b"{}", b"[]", b"null", b"\xff", encode(TICKETS[1])):
            self.assertIsNone(decode(LoginAttempt, bad), bad)
        parts = json.loads(encode(ATTEMPT))
        for position in range(len(parts)):
            changed = [*parts]
            changed[position] = None
            self.assertIsNone(decode(LoginAttempt, json.dumps(changed).encode()), position)

    def test_no_secret_in_a_repr(self) -> None:
        """A repr names neither state nor secret nor session."""
        self.assertNotIn("verifier", repr(ATTEMPT))
        self.assertNotIn("secret", repr(TICKETS[1]))
        self.assertNotIn("serial", repr(TICKETS[3]))

    def test_fresh(self) -> None:
        """Until its time is over, and a little before it was made: replicas' clocks differ."""
        self.assertEqual([fresh(100.0, 30.0, now) for now in (94.9, 95.0, 100.0, 129.9, 130.0)], [False, True, True, True, False])
