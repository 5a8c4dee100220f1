"""An upstream in memory: a pool on a fake reactor, the bytes that reach the service, and the bytes it answers with."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Upstream
from meshproxy.settings import PoolSettings, TimeoutSettings
from meshproxy.upstream.pool import Pool
from meshproxy.wheel import Wheel

HEAD = b"GET /x HTTP/1.1\r\nHost: service\r\n\r\n"
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


class Recorder:
    """A receiver that writes down what it is told; ``on`` maps a call's name to what to do when it comes."""

    def __init__(self, **on: Any) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.on = on
        self.exchange: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*values: Any) -> None:
            self.calls.append((name, *values))
            if name in self.on:
                self.on[name](self)

        return call

    def answer_waits(self) -> None:
        """Says when to write, nothing about the answer: not written down."""

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    @property
    def body(self) -> bytes:
        return b"".join(data for (data,) in self.of("answer_data"))

    @property
    def tunnelled(self) -> bytes:
        return b"".join(data for (data,) in self.of("tunnel_data"))

    @property
    def status(self) -> int | None:
        heads = self.of("answer_started")
        return heads[0][0] if heads else None

    @property
    def evidence(self) -> Any:
        failures = self.of("upstream_failed")
        assert len(failures) == 1, self.calls
        assert self.names()[-1] == "upstream_failed", self.calls
        return failures[0][0]


class ServiceTransport(StringTransport):
    """One connection as the service sees it."""

    def __init__(self, reactor: Any, protocol: Any) -> None:
        super().__init__()
        self.reactor = reactor
        self.protocol = protocol
        self.half_closed = False
        self.gone = False

    def answers(self, *pieces: bytes) -> None:
        """The service sends."""
        for piece in pieces:
            self.protocol.dataReceived(piece)

    def takes(self) -> bytes:
        """What came since the last look."""
        data = self.value()
        self.clear()
        return data

    def fin(self) -> None:
        """The service half-closes."""
        self.protocol.readConnectionLost()

    def lost(self, clean: bool = True) -> None:
        """The connection is gone altogether."""
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost(Failure(ConnectionDone() if clean else ConnectionLost()))

    def loseWriteConnection(self) -> None:
        self.half_closed = True

    def loseConnection(self) -> None:
        if not self.disconnecting:
            self.disconnecting = True
            self.reactor.callLater(0, self.lost)

    def abortConnection(self) -> None:
        if not self.disconnected:
            self.disconnected = self.disconnecting = True
            self.reactor.callLater(0, self._aborted)

    def _aborted(self) -> None:
        if not self.gone:
            self.gone = True
            self.protocol.connectionLost(Failure(ConnectionAborted()))


class Wire:
    """A pool towards ``127.0.0.1:80`` and the service behind it, both in the test's hands."""

    def __init__(self, *, upstream: Upstream | None = None, timeouts: TimeoutSettings | None = None, **pool: Any) -> None:
        more = {name: pool.pop(name) for name in ("head_bytes", "max_fields", "sample_path", "tls") if name in pool}
        self.reactor = MemoryReactorClock()
        self.reactor.advance(1000.0)
        self.wheel = Wheel(self.reactor)
        self.pool = Pool(
            self.reactor,
            self.wheel,
            upstream or Upstream("http", "127.0.0.1", 80),
            timeouts or TimeoutSettings(),
            PoolSettings(**pool),
            **more,
        )
        self._accepted = 0

    def submit(self, head: bytes = HEAD, method: bytes | None = None, *, receiver: Recorder | None = None, **more: Any) -> Recorder:
        receiver = receiver or Recorder()
        more.setdefault("body", False)
        more.setdefault("chunked", False)
        receiver.exchange = self.pool.submit(receiver, head, method or head.split(b" ", 1)[0], **more)
        return receiver

    @property
    def waiting(self) -> int:
        """Connections asked for and not accepted yet."""
        return len(self.reactor.tcpClients) - self._accepted

    def accept(self) -> ServiceTransport:
        """The service accepts the next connection."""
        factory = self.reactor.tcpClients[self._accepted][2]
        self._accepted += 1
        protocol = factory.buildProtocol(None)
        transport = ServiceTransport(self.reactor, protocol)
        protocol.makeConnection(transport)
        return transport

    def refuse(self, reason: Exception) -> None:
        """The next connection does not come about."""
        factory = self.reactor.tcpClients[self._accepted][2]
        self._accepted += 1
        factory.clientConnectionFailed(None, Failure(reason))

    def ask(self, head: bytes = HEAD, method: bytes | None = None, **more: Any) -> tuple[Recorder, ServiceTransport]:
        """Submit a request on a new connection that has served nobody."""
        receiver = self.submit(head, method, **more)
        return receiver, self.accept()

    def advance(self, seconds: float) -> None:
        """Let time go by in small steps, as a reactor would."""
        while seconds > 0:
            self.reactor.advance(min(seconds, 0.25))
            seconds -= 0.25

    def close(self) -> None:
        """End all; nothing may be left."""
        self.pool.close(drain=False)
        self.reactor.advance(0)
        assert not self.reactor.getDelayedCalls(), self.reactor.getDelayedCalls()
        assert not len(self.wheel), self.wheel._slot_of
        assert self.pool.connections == 0 and self.pool.active == 0 and self.pool.tunnels == 0 and self.pool.queued == 0


class WireTests(SynchronousTestCase):
    """A wire that must be empty at the end: no timer, no entry, no connection, no place taken."""

    def setUp(self) -> None:
        self.wire = Wire()
        self.addCleanup(lambda: self.wire.close())

    def other_wire(self, **options: object) -> Wire:
        self.wire.close()
        self.wire = Wire(**options)  # type: ignore[arg-type]
        return self.wire
