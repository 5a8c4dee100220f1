"""The checks of a 101 (RFC 6455 §4.1)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.upstream.handshake import handshake_problem

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
GOOD = [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"), (b"Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")]


class HandshakeTests(SynchronousTestCase):
    def test_good(self) -> None:
        """The example of RFC 6455 §1.3, in any case and with other options beside it."""
        self.assertIsNone(handshake_problem(GOOD, KEY))
        self.assertIsNone(
            handshake_problem([(b"UPGRADE", b"WebSocket"), (b"connection", b"keep-alive, upgrade"), GOOD[2], (b"X", b"y")], KEY)
        )
        self.assertIsNone(handshake_problem([*GOOD, (b"Content-Length", b"0")], KEY))

    def test_bad(self) -> None:
        """Each missing, doubled or wrong part is named."""
        cases = [
            (GOOD[1:], "Upgrade"),
            (GOOD[:1] + GOOD[2:], "Connection"),
            (GOOD[:2], "Sec-WebSocket-Accept"),
            ([*GOOD, GOOD[0]], "Upgrade"),
            ([*GOOD, GOOD[2]], "Sec-WebSocket-Accept"),
            ([(b"Upgrade", b"h2c"), *GOOD[1:]], "Upgrade"),
            ([GOOD[0], (b"Connection", b"upgraded"), GOOD[2]], "Connection"),
            ([*GOOD[:2], (b"Sec-WebSocket-Accept", b"")], "another key"),
            ([*GOOD, (b"Transfer-Encoding", b"chunked")], "body"),
            ([*GOOD, (b"Content-Length", b"3")], "body"),
        ]
        for fields, word in cases:
            problem = handshake_problem(fields, KEY)
            self.assertIsNotNone(problem, fields)
            self.assertIn(word, problem or "")
        self.assertIn("another key", handshake_problem(GOOD, KEY[::-1]) or "")
