"""How is a connection opened? Name, TCP, TLS, one deadline over all three, and evidence of where it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from ..core.evidence import Evidence, Phase
from .connection import Connection, SecureConnection
from .endpoint import endpoint_for
from .failures import Loss, connect_end

if TYPE_CHECKING:
    from .exchange import Exchange
    from .pool import Pool


class _Connections(Factory):
    """Builds the protocol for each address that answers; the endpoint keeps the first."""

    noisy = False

    def __init__(self, pool: Pool, attempt: Attempt) -> None:
        self._pool = pool
        self._attempt = attempt

    def buildProtocol(self, addr: IAddress | None) -> Any:
        return (Connection if self._pool.tls is None else SecureConnection)(self._pool, self._attempt)


class Attempt:
    """One connection being opened for one exchange. It is an entry of the wheel.

    :ivar exchange: who waits for it.
    :ivar phase: how far it has come.
    :ivar resolved: the addresses the name led to.
    :ivar timings: seconds that each finished phase took.
    """

    __slots__ = ("_connecting", "_connection", "_over", "_pool", "_since", "deadline", "exchange", "phase", "resolved", "timings")

    def __init__(self, pool: Pool, exchange: Exchange) -> None:
        self._pool = pool
        self.exchange: Exchange | None = exchange
        self._connecting: Deferred[Any] | None = None
        self._connection: Connection | None = None
        self._over = False
        self._since = 0.0
        self.deadline = 0.0
        self.phase: Phase = "resolve"
        self.resolved: tuple[str, ...] = ()
        self.timings: dict[str, float] = {}

    def start(self) -> None:
        """Begin. Ends with ``pool.opened`` or ``pool.failed``, perhaps at once."""
        pool = self._pool
        self._since = pool.seconds()
        self.deadline = self._since + pool.timeouts.connect
        pool.wheel.watch(self)
        endpoint = endpoint_for(
            pool.reactor, pool.upstream, timeout=pool.timeouts.connect, sample_path=pool.sample_path, lookups=pool.lookups,
            resolved=self._resolved,
        )
        factory: Any = _Connections(pool, self)
        if pool.tls is not None:
            factory = pool.tls.factory(factory, pool.reactor)
        connecting = endpoint.connect(factory)
        self._connecting = connecting
        connecting.addCallbacks(self._connected, self._failed)

    def cancel(self) -> None:
        """Stop; nobody is told."""
        self._end()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.abort()

    def ready(self, connection: Connection) -> None:
        """The connection can carry requests."""
        if not self._over:
            self._next_phase("head")
            self._end()
            connection.settle(self.timings, self.resolved)
            # Twisted keeps the attempt as long as the connection; the first request and its relay need not live that long.
            exchange, self.exchange, self._connection = self.exchange, None, None
            self._pool.opened(self, exchange, connection)

    def lost(self, loss: Loss) -> None:
        """The connection went away before it was ready: the TLS handshake failed."""
        if not self._over:
            self._give_up(self._evidence(loss.end, error=loss.words, reasons=loss.reasons))

    def deadline_passed(self) -> None:
        """It took too long (the wheel's call)."""
        evidence = self._evidence("timeout")
        self.cancel()
        self._pool.failed(self, evidence)

    def _resolved(self, addresses: tuple[str, ...]) -> None:
        self.resolved = addresses
        if addresses and not self._over:
            self._next_phase("connect")

    def _connected(self, protocol: Any) -> None:
        self._connecting = None
        connection: Connection = getattr(protocol, "wrappedProtocol", protocol)
        if self._over:
            connection.abort()
            return
        self._connection = connection
        if self._pool.tls is None:
            self.ready(connection)
        elif connection.state == connection.state.OPENING:
            self._next_phase("tls")

    def _failed(self, reason: Failure) -> None:
        self._connecting = None
        if self._over:
            return
        end, number, words = connect_end(reason)
        if end == "dns":
            self.phase = "resolve"
        evidence = self._evidence(end, error=words)
        evidence.errno = number
        self._give_up(evidence)

    def _next_phase(self, phase: Phase) -> None:
        now = self._pool.seconds()
        self.timings[self.phase] = now - self._since
        self._since = now
        self.phase = phase

    def _give_up(self, evidence: Evidence) -> None:
        self._end()
        self._pool.failed(self, evidence)

    def _end(self) -> None:
        self._over = True
        self.deadline = 0.0
        self._pool.wheel.forget(self)

    def _evidence(self, end: str, *, error: str = "", reasons: tuple[str, ...] = ()) -> Evidence:
        timings = dict(self.timings)
        timings[self.phase] = self._pool.seconds() - self._since
        witness = self._connection.witness if self._connection is not None else None
        return Evidence(
            phase=self.phase, end=end, error=error, tls_reasons=reasons, resolved=self.resolved,
            attempts=self.exchange.attempts if self.exchange is not None else 1,
            peer_certificate=witness.certificate if witness is not None else None, timings=timings,
        )
