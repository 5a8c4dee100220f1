"""What is kept of an answer, and when is enough read?"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.evidence import Evidence
from meshproxy.doctor.asking import ask


class FakePool:
    """A pool whose answers are given by hand."""

    def __init__(self) -> None:
        self.cancelled = False

    def submit(self, receiver: Any, head: bytes, method: bytes, **more: Any) -> Any:
        self.receiver, self.head, self.method, self.more = receiver, head, method, more
        return self

    def evidence(self) -> Evidence:
        return Evidence(phase="body", end="answered", resolved=("10.0.0.1",))

    def cancel(self) -> None:
        self.cancelled = True


class AskTests(SynchronousTestCase):
    """One question."""

    def setUp(self) -> None:
        self.pool, self.clock = FakePool(), Clock()
        self.asked = Deferred.fromCoroutine(ask(self.pool, b"GET / HTTP/1.1\r\n\r\n", self.clock, kept_bytes=4, enough_bytes=10))

    def test_a_whole_answer(self) -> None:
        """Head and body stand in the evidence; the question had no body."""
        self.pool.receiver.answer_started(200, b"OK", [(b"a", b"b")], 3, False)
        self.pool.receiver.answer_data(b"abc")
        self.pool.receiver.answer_finished()
        found = self.successResultOf(self.asked)
        self.assertEqual((200, ((b"a", b"b"),), b"abc", True), (found.status, found.fields, found.body, found.body_complete))
        self.assertEqual(("head", "answered", ("10.0.0.1",)), (found.phase, found.end, found.resolved))
        self.assertEqual((b"GET", {"body": False, "chunked": False}), (self.pool.method, self.pool.more))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_long_answer(self) -> None:
        """The beginning is kept; after enough nobody reads on, and it is not called whole."""
        self.pool.receiver.answer_started(200, b"OK", [], None, False)
        for _ in range(6):
            self.pool.receiver.answer_data(b"xy")
        found = self.successResultOf(self.asked)
        self.assertEqual((b"xyxy", False), (found.body, found.body_complete))
        self.assertTrue(self.pool.cancelled)

    def test_an_endless_answer(self) -> None:
        """A stream is heard for two seconds."""
        self.pool.receiver.answer_started(200, b"OK", [], None, False)
        self.clock.advance(1.9)
        self.assertNoResult(self.asked)
        self.clock.advance(0.2)
        self.assertEqual(200, self.successResultOf(self.asked).status)
        self.assertTrue(self.pool.cancelled)

    def test_an_answer_that_breaks_off(self) -> None:
        """What had come of it stays known."""
        self.pool.receiver.answer_started(200, b"OK", [(b"a", b"b")], 100, False)
        self.pool.receiver.answer_data(b"ab")
        self.pool.receiver.upstream_failed(Evidence(phase="body", end="eof"))
        found = self.successResultOf(self.asked)
        self.assertEqual(("body", "eof", 200, b"ab"), (found.phase, found.end, found.status, found.body))
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_no_answer(self) -> None:
        """The failure is the evidence, also when it came at once."""
        evidence = Evidence(phase="connect", end="refused")
        self.pool.receiver.upstream_failed(evidence)
        self.assertIs(evidence, self.successResultOf(self.asked))

    def test_giving_up(self) -> None:
        """Who stops waiting cancels the request; what comes later is not heard."""
        self.asked.cancel()
        self.failureResultOf(self.asked, CancelledError)
        self.assertTrue(self.pool.cancelled)
        self.pool.receiver.upstream_failed(Evidence())
