"""Answers on their way out: collected, framed, sent in one write."""

from __future__ import annotations

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.web.answer_writer import AnswerWriter


class AnswerWriterTests(SynchronousTestCase):
    def test_counted(self) -> None:
        """Nothing goes out before it is flushed; then head and body go together, as they are."""
        transport = StringTransport()
        writer = AnswerWriter(transport)
        writer.begin(b"HEAD\r\n\r\n", False)
        writer.body(b"abc")
        self.assertEqual(transport.value(), b"")
        writer.flush()
        self.assertEqual(transport.value(), b"HEAD\r\n\r\nabc")
        writer.body(b"de")
        writer.end()
        self.assertEqual(transport.value(), b"HEAD\r\n\r\nabcde")

    def test_chunked(self) -> None:
        """A chunked body is framed, with its last chunk."""
        transport = StringTransport()
        writer = AnswerWriter(transport)
        writer.begin(b"HEAD\r\n\r\n", True)
        writer.body(b"x" * 17)
        writer.end()
        self.assertEqual(transport.value(), b"HEAD\r\n\r\n11\r\n" + b"x" * 17 + b"\r\n0\r\n\r\n")
        self.assertTrue(writer.chunked)

    def test_next_answer(self) -> None:
        """One answer's framing does not reach into the next."""
        transport = StringTransport()
        writer = AnswerWriter(transport)
        writer.begin(b"1", True)
        writer.end()
        transport.clear()
        writer.begin(b"2", False)
        writer.end()
        self.assertEqual(transport.value(), b"2")
