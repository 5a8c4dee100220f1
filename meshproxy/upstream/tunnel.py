"""What happens after a verified 101? Raw bytes both ways, each direction ending by itself (RFC 6455, RFC 9110 §7.8).

Nothing is parsed. The service's end and the browser's are told apart, so that last words of either side still arrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection
    from .exchange import Exchange

_HALF_CLOSED_FOR = 30.0
"""Seconds without a byte that a tunnel may stay open in one direction alone: no WebSocket needs that for long."""


class Tunnel:
    """One tunnel on one connection, from the 101 to the end of both directions.

    :ivar service_done: the service has ended its direction.
    :ivar browser_done: the browser has.
    """

    __slots__ = ("_connection", "_exchange", "_idle_for", "browser_done", "service_done")

    def __init__(self, connection: Connection, exchange: Exchange, idle_for: float) -> None:
        self._connection = connection
        self._exchange = exchange
        self._idle_for = idle_for
        self.service_done = False
        self.browser_done = False
        connection.mind_the_silence()
        connection.expect_within(idle_for)

    def received(self, data: bytes) -> None:
        """Bytes from the service."""
        self._still_used()
        self._exchange.receiver.tunnel_data(data)

    def write(self, data: bytes) -> None:
        """Bytes from the browser."""
        if not self.browser_done:
            self._still_used()
            self._connection.transport.write(data)

    def pause(self) -> None:
        """The browser does not keep up; silence is then of our making and has no limit."""
        self._connection.deadline = 0.0
        self._connection.pause()

    def resume(self) -> None:
        """It does again."""
        self._connection.expect_within(self._idle_for)
        self._connection.unpause()

    def finish(self) -> None:
        """The browser half-closed."""
        if self.browser_done:
            return
        self.browser_done = True
        if self.service_done:
            self._over(clean=True)
        else:
            self._connection.half_close()
            self._half_closed()

    def service_finished(self) -> None:
        """The service ended its direction (FIN)."""
        if self.service_done:
            return
        self.service_done = True
        if self.browser_done:
            self._over(clean=True)
        else:
            self._half_closed()
            self._exchange.receiver.tunnel_finished()

    def lost(self, clean: bool) -> None:
        """The connection is gone (``clean``: closed in order). What the service said before its FIN is whole in any case."""
        self._over(clean or self.service_done)

    def _over(self, clean: bool) -> None:
        receiver = self._exchange.receiver
        self._connection.end()
        receiver.tunnel_closed(clean)

    def _half_closed(self) -> None:
        self._idle_for = min(self._idle_for, _HALF_CLOSED_FOR)
        if self._connection.deadline:
            self._connection.expect_within(self._idle_for)

    def _still_used(self) -> None:
        if self._connection.deadline:
            self._connection.deadline = self._connection.now() + self._idle_for
