"""Which connection carries which request? All connections to one service's endpoint, with its limits.

A request takes the connection that was used last (the freshest is the least likely to be closed by the service), else
a new one is opened, within ``[pool]``'s limits; what is over them queues. The usual request builds one small object and
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from ..core.evidence import Evidence
from ..core.places import Upstream
from ..core.ports import UpstreamReceiver
from ..settings import PoolSettings, TimeoutSettings, UpstreamTls
from ..wheel import Wheel
from .attempt import Attempt
from .connection import Connection
from .exchange import Exchange
from .lane import Lane
from .lookups import SharedLookups
from .tls import TlsContext

_log = Logger()


class Pool:
    """Connections to one service (:class:`meshproxy.core.ports.UpstreamPool`).

    :param reactor: for sockets, names and (unless ``clock`` is given) time.
    :param wheel: watches every deadline here.
    :param tls: the service's ``[tls]``; ``None`` means its defaults. Only for ``https``.
    :param sample_path: the socket of the built-in sample application, for ``sample:``.
    :param head_bytes, max_fields: the largest head of an answer, and how many fields it may have.
    :raises ConfError: when a file of ``tls`` cannot be used.

    :ivar opened_total: connections opened. ``reused_total``: requests on a connection that had served another.
        ``surplus_total``: connections closed because bytes came that nobody asked for. ``retried_total``: requests sent
        a second time.
    """

    def __init__(
        self,
        reactor: Any,
        wheel: Wheel,
        upstream: Upstream,
        timeouts: TimeoutSettings,
        settings: PoolSettings,
        tls: UpstreamTls | None = None,
        *,
        sample_path: str = "",
        head_bytes: int = 65536,
        max_fields: int = 200,
        clock: Any = None,
    ) -> None:
        self.reactor = reactor
        self.wheel = wheel
        self.upstream = upstream
        self.timeouts = timeouts
        self.settings = settings
        self.sample_path = sample_path
        self.head_bytes = head_bytes
        self.max_fields = max_fields
        self.seconds: Callable[[], float] = (clock or reactor).seconds
        self.tls = TlsContext(tls or UpstreamTls(), upstream.host.strip("[]")) if upstream.scheme == "https" else None
        self.lookups = SharedLookups(getattr(reactor, "nameResolver", None))  # type: ignore[arg-type]
        self.opened_total = 0
        self.reused_total = 0
        self.surplus_total = 0
        self.retried_total = 0
        self._requests: Lane[Exchange] = Lane(settings.active, settings.per_principal, settings.queue)
        self._tunnels: Lane[Exchange] = Lane(settings.tunnels, settings.per_principal, settings.queue)
        self._idle: list[Connection] = []
        self._connections: set[Connection] = set()
        self._attempts: set[Attempt] = set()
        self._closing = False
        self._closed = False

    @property
    def active(self) -> int:
        """Requests that hold a place."""
        return self._requests.taken

    @property
    def tunnels(self) -> int:
        """Tunnels (and WebSocket handshakes) that hold a place."""
        return self._tunnels.taken

    @property
    def queued(self) -> int:
        """Requests and handshakes that wait for a place."""
        return len(self._requests.waiting) + len(self._tunnels.waiting)

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return len(self._idle)

    @property
    def connections(self) -> int:
        """Connections in all, those being opened or closed included."""
        return len(self._connections) + len(self._attempts)

    # -- what the gateway calls -------------------------------------------------------------------------------------

    def submit(
        self,
        receiver: UpstreamReceiver,
        head: bytes,
        method: bytes,
        *,
        body: bool,
        chunked: bool,
        websocket_key: bytes | None = None,
        principal: object = None,
    ) -> Exchange:
        """Send a request; see :meth:`meshproxy.core.ports.UpstreamPool.submit`.

        ``upstream_connected`` and ``upstream_failed`` may be called before this returns.
        """
        lane = self._requests if websocket_key is None else self._tunnels
        exchange = Exchange(self, lane, receiver, head, method, body, chunked, websocket_key, principal)
        if self._closed:
            exchange.lane = None
            receiver.upstream_failed(Evidence(phase="queue", end="aborted", error="the pool is closed"))
        elif lane.enter(principal):
            self._assign(exchange)
        else:
            self._queue(exchange, lane)
        return exchange

    def close(self, drain: bool = True) -> None:
        """Close idle connections and keep none any more; without ``drain`` break off those that run, and take no further requests.

        With ``drain`` requests still come: those that were being decided on when a reload put another pool in this one's place.
        """
        self._closing = True
        for connection in self._idle[:]:
            connection.close()
        self._idle.clear()
        if not drain:
            self._closed = True
            for lane in (self._requests, self._tunnels):
                for waiting in list(lane.waiting):
                    self._refuse(waiting, "aborted", "the pool is closed")
            for attempt in list(self._attempts):
                attempt.cancel()
                self.failed(attempt, Evidence(phase=attempt.phase, end="aborted", error="the pool is closed"))
            for connection in list(self._connections):
                try:
                    connection.break_off("the pool is closed")
                except Exception:
                    # One relay's bug must not leave the others' connections open.
                    _log.failure("A relay failed when its connection was closed")

    # -- what exchanges, attempts and connections call ----------------------------------------------------------------

    def cancel(self, exchange: Exchange) -> None:
        """The relay wants no answer any more."""
        lane = exchange.lane
        if lane is None:
            return
        if exchange in lane.waiting:
            del lane.waiting[exchange]
            self.wheel.forget(exchange)
            exchange.lane = None
            return
        if exchange.attempt is not None:
            exchange.attempt.cancel()
            self._attempts.discard(exchange.attempt)
            exchange.attempt = None
        connection = exchange.connection
        if connection is not None:
            connection.detach()
            connection.abort()
        self.over(exchange)

    def over(self, exchange: Exchange | None) -> None:
        """A request is over, one way or the other: its place goes to the next. Harmless the second time."""
        if exchange is None or exchange.lane is None:
            return
        lane, exchange.lane = exchange.lane, None
        lane.leave(exchange.principal)
        if lane.waiting:
            following = lane.next()
            if following is not None:
                self.wheel.forget(following)
                self._assign(following)

    def opened(self, attempt: Attempt, exchange: Exchange | None, connection: Connection) -> None:
        """A connection is ready for the exchange it was opened for."""
        self._attempts.discard(attempt)
        self._connections.add(connection)
        self.opened_total += 1
        if exchange is not None:
            exchange.attempt = None
            connection.start(exchange)

    def failed(self, attempt: Attempt, evidence: Evidence) -> None:
        """No connection could be opened."""
        self._attempts.discard(attempt)
        exchange, attempt.exchange = attempt.exchange, None
        if exchange is not None and exchange.lane is not None:
            exchange.attempt = None
            self.over(exchange)
            exchange.receiver.upstream_failed(evidence)

    def retry(self, exchange: Exchange) -> None:
        """The reused connection was dead: once more, on a new one."""
        exchange.attempts += 1
        self.retried_total += 1
        self._open(exchange)

    def give_back(self, connection: Connection) -> None:
        """A connection is clean and waits for the next request."""
        if self._closing:
            connection.close()
        else:
            connection.rest()
            self._idle.append(connection)

    def discard(self, connection: Connection) -> None:
        """An idle connection may not be used any more."""
        if connection in self._idle:
            self._idle.remove(connection)

    def gone(self, connection: Connection) -> None:
        """A connection is closed."""
        self.wheel.forget(connection)
        self._connections.discard(connection)

    def waited_too_long(self, exchange: Exchange) -> None:
        """The queue did not move fast enough."""
        self._refuse(exchange, "overload", f"no place became free within {self.settings.queue_for:g} s")

    # -- within ---------------------------------------------------------------------------------------------------------

    def _assign(self, exchange: Exchange) -> None:
        """The exchange has its place: find it a connection."""
        idle = self._idle
        # A WebSocket keeps its connection for itself: a fresh one, as browsers do it.
        if idle and exchange.websocket_key is None:
            now = self.seconds()
            while idle:
                connection = idle.pop()
                if connection.deadline > now and (exchange.repeatable or connection.looks_alive()):
                    self.reused_total += 1
                    connection.start(exchange)
                    return
                connection.close()
        self._open(exchange)

    def _open(self, exchange: Exchange) -> None:
        exchange.attempt = attempt = Attempt(self, exchange)
        self._attempts.add(attempt)
        attempt.start()

    def _queue(self, exchange: Exchange, lane: Lane[Exchange]) -> None:
        loser = lane.wait(exchange)
        if loser is not exchange:
            exchange.submitted_at = self.seconds()
            exchange.deadline = exchange.submitted_at + self.settings.queue_for
            self.wheel.watch(exchange)
        if loser is not None:
            self._refuse(loser, "overload", "the queue is full")

    def _refuse(self, exchange: Exchange, end: str, words: str) -> None:
        """An exchange that never got a place ends."""
        lane, exchange.lane = exchange.lane, None
        if lane is None:
            return
        lane.waiting.pop(exchange, None)
        self.wheel.forget(exchange)
        waited = self.seconds() - exchange.submitted_at if exchange.submitted_at else 0.0
        exchange.receiver.upstream_failed(Evidence(phase="queue", end=end, error=words, timings={"queue": waited}))
