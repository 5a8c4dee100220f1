"""Does a WebSocket work? It sends back what it gets: text, bytes, fragments as they were, pings as pongs.

The rule: nothing is collected. A fragment goes back as the fragment it was, and who does not read is not read from either.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from wsproto.connection import Connection, ConnectionType
from wsproto.events import AcceptConnection, CloseConnection, Message, Ping
from wsproto.handshake import H11Handshake
from wsproto.utilities import LocalProtocolError, RemoteProtocolError
from zope.interface import implementer


@implementer(IPushProducer)
class Echo:
    """One WebSocket, after its handshake."""

    def __init__(self, connection: Connection, transport: Any) -> None:
        self._connection = connection
        self._transport = transport
        transport.registerProducer(self, True)

    def received(self, data: bytes) -> None:
        """Raw bytes from the wire."""
        try:
            self._connection.receive_data(data)
            for event in self._connection.events():
                self._answer(event)
        except RemoteProtocolError as error:
            self._close(error.event_hint or CloseConnection(code=1002))
        except LocalProtocolError:
            self._transport.loseConnection()  # both have closed: what comes after that has no answer

    def _answer(self, event: Any) -> None:
        if isinstance(event, Message):
            self._transport.write(self._connection.send(event))
        elif isinstance(event, Ping):
            self._transport.write(self._connection.send(event.response()))
        elif isinstance(event, CloseConnection):
            self._close(event.response())

    def _close(self, event: Any) -> None:
        self._transport.write(self._connection.send(event))
        self._transport.unregisterProducer()
        self._transport.loseConnection()

    def lost(self) -> None:
        """The connection is gone; nothing is kept."""

    def pauseProducing(self) -> None:
        """The other side does not read its echo: read no more of what would be echoed."""
        self._transport.pauseProducing()

    def resumeProducing(self) -> None:
        """It reads again."""
        self._transport.resumeProducing()

    def stopProducing(self) -> None:
        """The connection is gone."""


class EchoResource(Resource):
    """The WebSocket's address: a handshake (RFC 6455 §4.2), then :class:`Echo`."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes | int:
        """Answer the handshake, or 426 where there is none."""
        handshake = H11Handshake(ConnectionType.SERVER)
        try:
            handshake.initiate_upgrade_connection([*request.fields], request.uri)
            accepted = handshake.send(AcceptConnection())
        except (RemoteProtocolError, LocalProtocolError):
            request.setResponseCode(426)
            request.setHeader(b"upgrade", b"websocket")
            request.setHeader(b"content-type", b"text/plain; charset=utf-8")
            return b"a WebSocket lives here\n"
        connection = handshake.connection
        assert connection is not None, "wsproto has accepted it"  # noqa: S101
        channel = request.channel
        transport = channel.transport
        transport.unregisterProducer()  # the HTTP channel's own flow control ends with HTTP
        transport.write(accepted)
        echo = Echo(connection, transport)
        channel.take_over(echo.received, echo.lost)
        transport.resumeProducing()
        return NOT_DONE_YET
