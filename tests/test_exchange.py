"""The two exchanges: the record of a request (core), and a request's hold on a connection (upstream)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.exchange import Exchange as Record
from meshproxy.core.peer import Peer

from .support.wire import HEAD, Wire

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class RecordTests(SynchronousTestCase):
    def test_defaults(self) -> None:
        """A request that reached nothing was answered by us, to the peer itself; a misspelled field is an error."""
        record = Record(b"id", b"GET", b"/", "a.example", Peer("192.0.2.1"), 1.0)
        self.assertEqual((record.client, record.answered_by, record.status, record.upstream_status), ("192.0.2.1", "meshproxy", 0, 0))
        with self.assertRaises(AttributeError):
            record.statsu = 200  # type: ignore[attr-defined]


class ExchangeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.wire = Wire(active=1)
        self.addCleanup(self.wire.close)

    def test_repeatable(self) -> None:
        """Idempotent methods without a body may be sent twice (RFC 9110 §9.2.2); nothing else."""
        for method, body, repeatable in (
            (b"GET", False, True),
            (b"HEAD", False, True),
            (b"OPTIONS", False, True),
            (b"DELETE", False, True),
            (b"PUT", False, True),
            (b"GET", True, False),
            (b"PUT", True, False),
            (b"POST", False, False),
            (b"PATCH", False, False),
            (b"get", False, False),
        ):
            head = method + b" / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
            exchange = self.wire.submit(head, body=body).exchange
            self.assertEqual(exchange.repeatable, repeatable, (method, body))
            exchange.cancel()

    def test_evidence_of_an_answer(self) -> None:
        """What the connection knows is there while it carries the request, and harmlessly little afterwards."""
        receiver, service = self.wire.ask()
        service.answers(EMPTY.replace(b"0", b"5") + b"abc")
        evidence = receiver.exchange.evidence()
        self.assertEqual((evidence.end, evidence.phase, evidence.resolved, evidence.reused), ("answered", "body", ("127.0.0.1",), False))
        service.answers(b"de")
        self.assertEqual(receiver.exchange.evidence().end, "")

    def test_nothing_before_the_connection(self) -> None:
        """Calls while it waits do nothing; the head goes out once and alone."""
        receiver = self.wire.submit()
        for act in ("finish_body", "pause_answer", "resume_answer", "finish_tunnel"):
            getattr(receiver.exchange, act)()
        receiver.exchange.write_body(b"x")
        receiver.exchange.write_tunnel(b"x")
        self.assertEqual(self.wire.accept().takes(), HEAD)

    def test_waiting_ends_by_itself(self) -> None:
        """In the queue it is its own deadline."""
        self.wire.submit()
        waiting = self.wire.submit()
        waiting.exchange.deadline_passed()
        self.assertEqual((waiting.evidence.phase, waiting.evidence.end, self.wire.pool.queued), ("queue", "overload", 0))
        waiting.exchange.deadline_passed()
        self.assertEqual(len(waiting.calls), 1)
