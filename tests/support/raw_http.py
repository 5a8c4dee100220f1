"""Bytes in, bytes out over a real socket: for the few tests that need one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure


class RawClient(Protocol):
    """Collects what comes; :meth:`until` waits for it.

    :ivar received: everything that came and was not taken yet.
    """

    def __init__(self) -> None:
        self.received = b""
        self.closed: Deferred[None] = Deferred()
        self._waiting: list[tuple[Callable[[bytes], bool], Deferred[bytes]]] = []

    def dataReceived(self, data: bytes) -> None:
        """Bytes."""
        self.received += data
        self._look()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end; who still waits gets what there is."""
        waiting, self._waiting = self._waiting, []
        for _, waits in waiting:
            waits.callback(self.take())
        self.closed.callback(None)

    def take(self) -> bytes:
        """What came so far; it is not given again."""
        taken, self.received = self.received, b""
        return taken

    def until(self, enough: Callable[[bytes], bool] | bytes) -> Deferred[bytes]:
        """What came, as soon as it satisfies ``enough`` (or contains it), or the connection ended."""
        waits: Deferred[bytes] = Deferred()
        self._waiting.append((enough if callable(enough) else lambda data: enough in data, waits))
        self._look()
        return waits

    def _look(self) -> None:
        while self._waiting and self._waiting[0][0](self.received):
            self._waiting.pop(0)[1].callback(self.take())

    def write(self, data: bytes) -> None:
        """Send."""
        transport: Any = self.transport
        transport.write(data)
