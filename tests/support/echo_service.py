"""A WebSocket echo by wsproto, with compression: a service that we did not write, as far as the protocol goes."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Message, Ping, RejectConnection, Request
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError


class Echo(Protocol):
    """One connection: a handshake, then everything comes back, fragments as fragments. ``/no`` is refused with 403.

    It reads whether or not its echo is read: some clients of conformance suites send all before they read anything.
    """

    transport: Any
    factory: EchoFactory

    def connectionMade(self) -> None:
        """It is there."""
        self._websocket = WSConnection(ConnectionType.SERVER)
        self.transport.setTcpNoDelay(True)
        self.factory.open.add(self)

    def dataReceived(self, data: bytes) -> None:
        """Bytes."""
        try:
            self._websocket.receive_data(data)
            for event in self._websocket.events():
                self._answer(event)
        except RemoteProtocolError as error:
            try:
                self.transport.write(self._websocket.send(error.event_hint or CloseConnection(code=1002)))
            except LocalProtocolError:
                pass
            self._end()
        except LocalProtocolError:
            self._end()

    def _answer(self, event: Any) -> None:
        send = self._websocket.send
        if isinstance(event, Request):
            if event.target == "/no":
                self.transport.write(send(RejectConnection(status_code=403)))
                self._end()
            else:
                self.transport.write(send(AcceptConnection(extensions=[PerMessageDeflate()])))
        elif isinstance(event, Message):
            self.transport.write(send(event))
        elif isinstance(event, Ping):
            self.transport.write(send(event.response()))
        elif isinstance(event, CloseConnection):
            self.transport.write(send(event.response()))
            self._end()

    def _end(self) -> None:
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is gone."""
        self.factory.open.discard(self)


class EchoFactory(Factory):
    """Echoes.

    :ivar open: the connections that are open now.
    """

    protocol = Echo
    noisy = False

    def __init__(self) -> None:
        self.open: set[Echo] = set()
