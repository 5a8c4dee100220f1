"""Writing at once, over real sockets: order and completeness stay what they were."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import TestCase

from meshproxy.sending import sender


class Sink(Protocol):
    """Collects what comes until the other side closes; reads nothing before it is told to."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.done: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:
        self.transport.pauseProducing()  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.data.append(data)

    def connectionLost(self, reason: Any) -> None:  # type: ignore[override]
        self.done.callback(b"".join(self.data))


class SenderTests(TestCase):
    @inlineCallbacks
    def test_order(self) -> Any:
        """What the socket does not take at once follows in order, mixed with the transport's own writes."""
        made: Deferred[Protocol] = Deferred()

        class Source(Protocol):
            def connectionMade(self) -> None:
                made.callback(self)

        port = yield TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory.forProtocol(Source))
        self.addCleanup(port.stopListening)
        sink = Sink()
        yield connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), sink)
        source = yield made
        send = sender(source.transport)
        expected = []
        for number in range(60):
            piece = bytes((number,)) * 200_000
            expected.append(piece)
            if number % 7 == 3:
                source.transport.write(piece)
            else:
                send(piece)
        source.transport.loseConnection()
        sink.transport.resumeProducing()  # type: ignore[union-attr]
        received = yield sink.done
        self.assertEqual(received, b"".join(expected))

    def test_other_transports(self) -> None:
        """A transport that is no socket is written to as always."""
        transport = StringTransport()
        sender(transport)(b"abc")
        self.assertEqual(transport.value(), b"abc")
