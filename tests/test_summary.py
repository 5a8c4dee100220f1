"""meshproxy.sessions.summary"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.sessions.names import handle_of
from meshproxy.sessions.summary import decode_summary, encode_summary, summary_of

from .support.sessions import START, record, tokens


class SummaryTests(SynchronousTestCase):
    def test_there_and_back(self) -> None:
        """A summary survives; what is none reads as ``None``."""
        summary = summary_of(record(address="192.0.2.1", device="Firefox"), START + 5)
        self.assertEqual(decode_summary(encode_summary(summary)), summary)
        for bad in (None, b"", b"{}", b"[]", b"null", b"[1,2]"):
            self.assertIsNone(decode_summary(bad))

    def test_nothing_in_it_lets_anybody_in(self) -> None:
        """Neither the session's id nor a token stands in it."""
        summary = summary_of(record(tokens=tokens()), START)
        self.assertEqual(summary.id, handle_of("s" * 43))
        for secret in (b"s" * 43, b"access-1", b"refresh-1", b"id-1"):
            self.assertNotIn(secret, encode_summary(summary))
