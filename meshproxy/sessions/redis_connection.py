"""How does one connection talk to Redis? Commands go out as they come, replies come back in order (RESP2).

The rules: every command has a deadline; when one passes, the connection is done for, and with it everything that waits on it, because
what comes later would be taken for something else's reply. Nothing of a command ever stands in an error: arguments may be secrets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from ..api.errors import StoreDown

LONGEST_ERROR = 60
_TOLD = {
    "LOADING": "it is still loading its data",
    "READONLY": "it is a read-only replica",
    "OOM": "it is out of memory",
    "MISCONF": "it cannot write to its disk",
    "MASTERDOWN": "it has lost its primary",
    "NOAUTH": "it wants a password",
    "WRONGPASS": "it does not know this user and password",
    "NOPERM": "this user may not do that",
    "BUSY": "it is busy with a script",
    "CLUSTERDOWN": "its cluster is down",
}


class RedisSaid(StoreDown):
    """Redis answered with an error.

    :ivar code: the error's first word: ``READONLY``, ``OOM`` …
    """

    def __init__(self, reply: str) -> None:
        self.code = reply.partition(" ")[0][:LONGEST_ERROR]
        super().__init__(f"Redis refuses: {_TOLD.get(self.code, self.code)}")


class RedisConnection(Protocol):
    """One connection.

    :param clock: for deadlines.
    :param deadline: seconds that a reply may take.
    :param lost: told once why the connection ended, and whether that cost anybody an answer.
    """

    def __init__(self, clock: Any, deadline: float, lost: Callable[[RedisConnection, str, bool], None]) -> None:
        self._clock = clock
        self._deadline = deadline
        self._lost = lost
        self._reader = hiredis.Reader()
        #: who waits for a reply and until when, in the order in which replies come
        self._waiting: deque[tuple[Deferred[Any], float]] = deque()
        self._timer: Any = None
        self._why = ""

    @property
    def outstanding(self) -> int:
        """How many replies are awaited."""
        return len(self._waiting)

    def send(self, *command: str | bytes | int | float) -> Deferred[Any]:
        """Send a command; its reply. Fails with :class:`StoreDown`."""
        reply: Deferred[Any] = Deferred(_abandoned)
        until = self._clock.seconds() + self._deadline
        self._waiting.append((reply, until))
        if self._timer is None:
            self._timer = self._clock.callLater(self._deadline, self._late)
        self.transport.write(hiredis.pack_command(command))  # type: ignore[union-attr, arg-type]
        return reply

    async def greet(self, commands: Sequence[tuple[str | int, ...]]) -> None:
        """Begin the conversation, all in one go. Raises :class:`StoreDown`."""
        for succeeded, reply in await DeferredList([self.send(*command) for command in commands], consumeErrors=True):
            if not succeeded:
                reply.raiseException()

    def abort(self, why: str) -> None:
        """End it at once."""
        self._why = self._why or why
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    # ---------------------------------------------------------------- Twisted calls

    def connectionMade(self) -> None:
        """Small commands go out at once, and a dead peer is found out in the end even where nobody asks anything."""
        for option in ("setTcpNoDelay", "setTcpKeepAlive"):
            set_option = getattr(self.transport, option, None)
            if set_option is not None:
                set_option(True)

    def dataReceived(self, data: bytes) -> None:
        """Replies, whole or in parts."""
        self._reader.feed(data)
        while True:
            try:
                reply = self._reader.gets()
            except hiredis.ProtocolError:
                self.abort("what answers there is no Redis")
                return
            if reply is False:
                return
            if not self._waiting:
                self.abort("it spoke without being asked")
                return
            waiting, _ = self._waiting.popleft()
            if not waiting.called:
                if isinstance(reply, hiredis.ReplyError):
                    waiting.errback(RedisSaid(str(reply)))
                else:
                    waiting.callback(reply)

    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008 - Twisted's own signature
        """Nobody who waits gets an answer any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        why = self._why or f"the connection was lost ({reason.getErrorMessage()})"
        waiting, self._waiting = self._waiting, deque()
        self._lost(self, why, bool(waiting) or bool(self._why))
        for reply, _ in waiting:
            if not reply.called:
                reply.errback(StoreDown(f"Redis does not answer: {why}"))

    def _late(self) -> None:
        """The oldest reply may be late; else look again when it could be."""
        self._timer = None
        if not self._waiting:
            return
        until = self._waiting[0][1]
        remaining = until - self._clock.seconds()
        if remaining <= 0:
            self.abort(f"no reply within {self._deadline:g} s")
        else:
            self._timer = self._clock.callLater(remaining, self._late)


def _abandoned(waiting: Deferred[Any]) -> None:
    """Whoever waited went away: the reply still comes and is passed over."""
