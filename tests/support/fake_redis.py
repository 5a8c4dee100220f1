"""The other end of a Redis connection in memory: an endpoint whose connections the test answers."""

from __future__ import annotations

from typing import Any

import hiredis
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport


class Connection(StringTransport):
    """One connection, as Redis sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: Any = None
        self._reader = hiredis.Reader()
        self.open = True

    def write(self, data: bytes) -> None:
        self._reader.feed(data)

    def commands(self) -> list[list[bytes]]:
        """What was asked since the last look."""
        found = []
        while (command := self._reader.gets()) is not False:
            found.append(command)
        return found

    def say(self, *replies: bytes) -> None:
        """Answer, in RESP."""
        for reply in replies:
            self.protocol.dataReceived(reply)

    def abortConnection(self) -> None:
        if self.open:
            self.open = False
            self.protocol.connectionLost()

    loseConnection = abortConnection


class Endpoint:
    """Where the client connects to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, Deferred[Any]]] = []

    def connect(self, factory: Any) -> Deferred[Any]:
        connecting: Deferred[Any] = Deferred()
        self.waiting.append((factory, connecting))
        return connecting

    def accept(self) -> Connection:
        """The next client gets its connection."""
        factory, connecting = self.waiting.pop(0)
        connection = Connection()
        connection.protocol = factory.buildProtocol(None)
        connection.protocol.makeConnection(connection)
        connecting.callback(connection.protocol)
        return connection

    def refuse(self, error: Exception) -> None:
        self.waiting.pop(0)[1].errback(error)
