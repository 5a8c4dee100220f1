"""Who did what to which field: :mod:`meshproxy.explain.tracing`."""

from __future__ import annotations

from types import SimpleNamespace

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.disposition import Action, FieldTrace
from meshproxy.explain.tracing import as_sent, outgoing_fields, with_rewriters


def trace(name: str, action: Action, value: str, by: str = "browser") -> FieldTrace:
    return FieldTrace(name, action, value, by, "why")


class Tracing(SynchronousTestCase):
    head = b"GET / HTTP/1.1\r\nHost: a\r\nB: 1\r\nConnection: Upgrade\r\nC: 2\r\nContent-Length: 3\r\nB: 3\r\n\r\n"

    def test_the_fields_of_a_head(self) -> None:
        """All of them in order, less Host and framing."""
        self.assertEqual(outgoing_fields(self.head), [(b"B", b"1"), (b"C", b"2"), (b"B", b"3")])

    def test_a_trace_that_fits_stays(self) -> None:
        """What was dropped stands where it stood."""
        told = [trace("B", "keep", "1"), trace("X", "drop", "y"), trace("C", "set", "2"), trace("B", "add", "3")]
        self.assertEqual(as_sent(told, self.head), told)

    def test_the_head_is_right(self) -> None:
        """In another order, or with what nobody traced: the head's order counts, and nothing is told that did not go out."""
        told = [trace("C", "set", "2"), trace("X", "drop", "y"), trace("B", "keep", "1"), trace("Z", "keep", "not sent")]
        found = as_sent(told, self.head)
        self.assertEqual(
            [(one.name, one.action, one.value, one.by) for one in found],
            [
                ("B", "keep", "1", "browser"),
                ("C", "set", "2", "browser"),
                ("B", "set", "3", "rewriter"),
                ("X", "drop", "y", "browser"),
            ],
        )

    def test_each_rewriters_part(self) -> None:
        """One takes out, the next puts in: each under its own name, secrets redacted."""
        first = SimpleNamespace(name="first", before=((b"A", b"1"), (b"B", b"2")), after=((b"B", b"2"),))
        second = SimpleNamespace(name="second", before=((b"B", b"2"),), after=((b"B", b"3"), (b"X-Api-Key", b"hush")))
        told = with_rewriters([trace("A", "keep", "1"), trace("B", "keep", "2")], SimpleNamespace(per_request=(first, second)))
        self.assertEqual(
            [(one.name, one.action, one.value, one.by) for one in told],
            [
                ("A", "drop", "1", "first"),
                ("B", "drop", "2", "second"),
                ("B", "set", "3", "second"),
                ("X-Api-Key", "add", "[redacted]", "second"),
            ],
        )
