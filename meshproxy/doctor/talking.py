"""What does a port say to bytes that are no request of ours? One connection of raw bytes: a ClientHello, a preface.

It goes the way that the pool's connections go (the same names, the same addresses), so that a sidecar sees it as theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from ..core.places import Upstream
from ..upstream.endpoint import endpoint_for
from ..upstream.failures import connect_end


@dataclass(frozen=True, slots=True)
class Heard:
    """What came.

    :ivar end: ``enough``, or how it ended: ``eof``, ``reset``, ``timeout``, ``refused``, ``unreachable``, ``dns``.
    :ivar received: the first bytes.
    """

    end: str
    received: bytes = b""


@dataclass(frozen=True, slots=True)
class Port:
    """Where an upstream is reached, by whose clock and names."""

    reactor: Any
    upstream: Upstream
    lookups: IHostnameResolver
    sample_path: str = ""

    async def talk(self, talk: Talk, within: float) -> Heard:
        """Let ``talk`` say what it has to say, and hear what comes.

        :param within: seconds, connecting included; then the end is ``timeout``.
        """
        endpoint = endpoint_for(
            self.reactor, self.upstream, timeout=within, sample_path=self.sample_path, lookups=self.lookups, resolved=lambda _: None)
        timer = self.reactor.callLater(within, talk.too_late)
        try:
            talk.connecting = endpoint.connect(Factory.forProtocol(lambda: talk))
            talk.connecting.addErrback(talk.not_connected)
            return await talk.heard
        finally:
            if timer.active():
                timer.cancel()
            talk.hang_up()


class Talk(Protocol):
    """One conversation: says ``opening`` and listens until ``enough`` says so, or the other side ends it."""

    def __init__(self, opening: bytes, enough: Callable[[bytes], bool]) -> None:
        self._opening = opening
        self._enough = enough
        self.received = b""
        self.heard: Deferred[Heard] = Deferred(lambda _: self.hang_up())
        self.connecting: Any = None
        self._told = False

    def connectionMade(self) -> None:
        """Say it."""
        self.say(self._opening)

    def say(self, data: bytes) -> None:
        """Send bytes."""
        transport: Any = self.transport
        if data and transport is not None:
            transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        """Listen."""
        self.received += data
        if self._enough(self.received):
            self.tell("enough")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other side ended it."""
        self.tell("eof" if reason.check(ConnectionDone) else "reset")

    def not_connected(self, reason: Failure) -> None:
        """There was no connection."""
        if not self._told:
            self.tell(connect_end(reason)[0])

    def too_late(self) -> None:
        """Nothing more is waited for."""
        self.tell("timeout")

    def tell(self, end: str) -> None:
        """Say how it ended, once."""
        if not self._told:
            self._told = True
            self.heard.callback(Heard(end, self.received))

    def hang_up(self) -> None:
        """Let go of the connection."""
        self._told = True
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()
        elif self.connecting is not None:
            self.connecting.cancel()
