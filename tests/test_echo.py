from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial import unittest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Pong, Request, TextMessage

from meshproxy.samples.application import SampleApplication
from meshproxy.samples.recording import RecordingSite


class EchoTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        clock = Clock()
        self.channel: Any = RecordingSite(SampleApplication(clock), reactor=clock).buildProtocol(None)
        self.transport = StringTransport()
        self.channel.makeConnection(self.transport)

    def connect(self) -> None:
        self.client = WSConnection(ConnectionType.CLIENT)
        self.channel.dataReceived(self.client.send(Request(host="localhost", target="/headers/ws")))
        self.assertIsInstance(self.events()[0], AcceptConnection)

    def events(self) -> list[Any]:
        """What the server has sent since the last time."""
        self.client.receive_data(self.transport.value())
        self.transport.clear()
        return list(self.client.events())

    def say(self, event: Any) -> list[Any]:
        self.channel.dataReceived(self.client.send(event))
        return self.events()

    def test_text_and_bytes(self) -> None:
        """Text comes back as text, bytes as bytes."""
        self.connect()
        (text,) = self.say(TextMessage("grüß Gott"))
        (data,) = self.say(BytesMessage(b"\x00\xff"))
        self.assertEqual(("grüß Gott", b"\x00\xff"), (text.data, bytes(data.data)))
        self.assertIsInstance(text, TextMessage)

    def test_fragments_stay_fragments(self) -> None:
        """A fragment comes back before the rest of its message is there: nothing is collected."""
        self.connect()
        (first,) = self.say(TextMessage("a", message_finished=False))
        (last,) = self.say(TextMessage("b", message_finished=True))
        self.assertEqual([("a", False), ("b", True)], [(first.data, first.message_finished), (last.data, last.message_finished)])

    def test_ping(self) -> None:
        """A ping gets its pong."""
        self.connect()
        (pong,) = self.say(Ping(b"42"))
        self.assertIsInstance(pong, Pong)
        self.assertEqual(b"42", bytes(pong.payload))

    def test_close(self) -> None:
        """A close is answered with the same code, and the connection is closed."""
        self.connect()
        (close,) = self.say(CloseConnection(4001, "bye"))
        self.assertEqual((4001, "bye"), (close.code, close.reason))
        self.assertTrue(self.transport.disconnecting)

    def test_broken_frames(self) -> None:
        """A frame that breaks the protocol (unmasked) ends the connection with 1002, and what follows is not answered."""
        self.connect()
        self.channel.dataReceived(b"\x81\x01a")
        (close,) = self.events()
        self.assertEqual(1002, close.code)
        self.assertTrue(self.transport.disconnecting)
        self.channel.dataReceived(b"\x81\x01a")

    def test_no_handshake(self) -> None:
        """Without a handshake there is 426, which says what lives there."""
        self.channel.dataReceived(b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"HTTP/1.1 426 ", self.transport.value())
        self.assertIn(b"upgrade: websocket", self.transport.value().lower())

    def test_a_reader_that_does_not_read(self) -> None:
        """Who does not take the echo is not read from: it pauses and resumes with the transport."""
        self.connect()
        producer = self.transport.producer
        assert producer is not None
        producer.pauseProducing()  # type: ignore[union-attr]
        self.assertEqual("paused", self.transport.producerState)
        producer.resumeProducing()  # type: ignore[union-attr]
        self.assertEqual("producing", self.transport.producerState)
