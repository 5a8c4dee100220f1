"""An Agent whose responses are whole or errors: what ``test_identity_backchannel`` does not see of it from outside."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IBodyProducer

from meshproxy.identity.backchannel_error import BackChannelError
from meshproxy.identity.bounded_agent import _Body, body_producer


class _Closing:
    """A transport that reports its end at once."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol

    def abortConnection(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))


class BodyTests(SynchronousTestCase):
    def body(self, *parts: bytes, end: type[Exception] = ResponseDone) -> _Body:
        body = _Body(10, "idp")
        body.makeConnection(StringTransport())
        for part in parts:
            body.dataReceived(part)
        body.connectionLost(Failure(end()))
        return body

    def test_whole(self) -> None:
        """All of it, also when it ends with its connection; exactly the cap is not too much."""
        for end in (ResponseDone, PotentialDataLoss):
            self.assertEqual(self.successResultOf(self.body(b"12345", b"67890", end=end).finished), b"1234567890")

    def test_too_large_and_cut(self) -> None:
        """One byte more, or an end before the end."""
        for body, kind in ((self.body(b"12345", b"678901"), "too_large"), (self.body(b"1", end=ConnectionDone), "cut")):
            self.assertEqual(self.failureResultOf(body.finished, BackChannelError).value.kind, kind)

    def test_cancelled_inside_the_body(self) -> None:
        """Also when the head is there and the body is not."""
        body = _Body(10, "idp")
        body.makeConnection(_Closing(body))
        waiting = body.finished
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)


class ProducerTests(SynchronousTestCase):
    def test_bytes(self) -> None:
        """Bytes are written at once; no cooperator of a global reactor is involved."""
        producer = body_producer(b"a=b")
        written = StringTransport()
        self.successResultOf(producer.startProducing(written))
        self.assertEqual((producer.length, written.value(), IBodyProducer.providedBy(producer)), (3, b"a=b", True))

    def test_others(self) -> None:
        """What is a producer already stays one; what is none is refused."""
        producer = body_producer(b"")
        self.assertIs(body_producer(producer), producer)
        self.assertRaises(TypeError, body_producer, object())
