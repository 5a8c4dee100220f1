"""How does meshproxy ask Redis? Over one pipelined connection, with an answer or a :class:`StoreDown` within a second.

The rules: nothing is queued for a Redis that is known to be down (only the very first connection is waited for); reconnecting begins at
once and goes on for ever, at least every second; a Redis that says it cannot write is left, for its name may lead to a better one by now.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ..api.errors import StoreDown
from .redis_connection import RedisConnection, RedisSaid
from .redis_url import RedisAddress

DEADLINE = 0.8
"""Seconds for a reply, so that with what stands around it a person gets their 503 within one."""
MOST_OUTSTANDING = 10_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_LEAVE = frozenset({"READONLY", "MASTERDOWN"})
_LEAVE_EVERY = 5.0
"""Seconds between two tries to find a better one: meanwhile this one may at least be read."""

Argument = str | bytes | int | float


class Script:
    """A Lua script: sent once, then known by its hash (``EVALSHA``)."""

    __slots__ = ("sha", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha = sha1(text.encode("ascii"), usedforsecurity=False).hexdigest()


class RedisClient:
    """One Redis.

    :param url: see :meth:`RedisAddress.of`; it may hold a password and is never shown.
    :param ca_file: the CAs to trust for ``rediss://``, instead of the system's.
    """

    log = Logger()

    def __init__(self, reactor: Any, url: str, *, ca_file: Path | None = None, deadline: float = DEADLINE) -> None:
        self._reactor = reactor
        self.address = RedisAddress.of(url)
        self._endpoint = self.address.endpoint(reactor, ca_file)
        self._deadline = deadline
        self._connection: RedisConnection | None = None
        self._running: Deferred[None] | None = None
        self._stopped = False
        self._closed: Deferred[None] | None = None
        self._leave_at = 0.0
        #: wakes the loop that keeps the connection up
        self._wanted: Deferred[None] | None = None
        #: who waits for the first connection
        self._early: list[Deferred[None]] = []
        #: why there is no connection, or the last command failed; ``None`` while all is well
        self.trouble: str | None = None

    def __repr__(self) -> str:
        return f"<RedisClient {self.address}>"

    # ---------------------------------------------------------------- asking

    def call(self, *command: Argument) -> Deferred[Any]:
        """The reply to a command: bytes, int, list or ``None``. Fails with :class:`StoreDown`."""
        self._keep_up()
        connection = self._connection
        if connection is not None:
            return self._send(connection, command)
        if self.trouble is not None or self._stopped:
            return fail(StoreDown(f"Redis at {self.address} is down: {self.trouble or 'we are stopping'}"))
        return self._connected().addCallback(lambda _: self.call(*command))

    def run(self, script: Script, keys: Sequence[Argument], *arguments: Argument) -> Deferred[Any]:
        """The reply of a script."""

        def unknown(failure: Any) -> Deferred[Any]:
            failure.trap(RedisSaid)
            if failure.value.code != "NOSCRIPT":
                return failure  # type: ignore[no-any-return]
            return self.call("EVAL", script.text, len(keys), *keys, *arguments)

        return self.call("EVALSHA", script.sha, len(keys), *keys, *arguments).addErrback(unknown)

    def stop(self) -> Deferred[None]:
        """Close the connection and ask nobody any more; fires when it is closed."""
        self._stopped = True
        running, self._running = self._running, None
        if self._connection is None:
            closed = succeed(None)
        else:
            closed = self._closed = Deferred()
            self._connection.abort("we are stopping")
        if running is not None:
            running.cancel()
        self._tell_early(StoreDown("we are stopping"))
        return closed

    def _send(self, connection: RedisConnection, command: tuple[Argument, ...]) -> Deferred[Any]:
        if connection.outstanding >= MOST_OUTSTANDING:
            return fail(StoreDown(f"Redis at {self.address} is asked too much at once"))
        return connection.send(*command).addCallbacks(self._answered, self._refused, errbackArgs=(connection,))

    def _answered(self, reply: Any) -> Any:
        self.trouble = None
        return reply

    def _refused(self, failure: Any, connection: RedisConnection) -> Any:
        """``NOSCRIPT`` is no trouble; a server that cannot write is left."""
        error = failure.value
        if isinstance(error, RedisSaid) and error.code != "NOSCRIPT":
            self.trouble = str(error)
            if error.code in _LEAVE and self._reactor.seconds() >= self._leave_at:
                self._leave_at = self._reactor.seconds() + _LEAVE_EVERY
                connection.abort(str(error))
        return failure

    # ---------------------------------------------------------------- staying connected

    def _keep_up(self) -> None:
        """The first question begins it."""
        if self._running is None and not self._stopped:
            self._running = Deferred.fromCoroutine(self._stay_connected())
            self._running.addErrback(lambda failure: failure.trap(CancelledError))

    def _connected(self) -> Deferred[None]:
        """Wait for the first connection, as long as a reply may take."""
        if len(self._early) >= MOST_OUTSTANDING:
            return fail(StoreDown(f"Redis at {self.address} is asked too much at once"))
        waiting: Deferred[None] = Deferred()
        self._early.append(waiting)

        def too_late(result: object, timeout: float) -> None:
            raise StoreDown(f"Redis at {self.address} does not answer: no connection within {timeout:g} s")

        return waiting.addTimeout(self._deadline, self._reactor, too_late)

    async def _stay_connected(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopped:
            try:
                connection = await self._connect()
            except CancelledError:
                raise
            except Exception as error:
                if not self._stopped:  # a connection that is given up half-way says so by an error of its own
                    self._down(str(error) or type(error).__name__)
                await self._pause(pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
                continue
            if self.trouble is not None:
                self.log.info("Redis at {address} is back", address=str(self.address))
            self.trouble, self._connection, pause = None, connection, _FIRST_PAUSE
            wanted = self._wanted = Deferred()
            self._tell_early(None)
            await wanted
            await self._pause(pause)

    async def _pause(self, seconds: float) -> None:
        """Wait a moment, unless whoever was told just before has stopped us."""
        if not self._stopped:
            await deferLater(self._reactor, seconds)

    async def _connect(self) -> RedisConnection:
        """A connection on which the greeting succeeded."""
        made: list[RedisConnection] = []

        def build() -> RedisConnection:
            made.append(RedisConnection(self._reactor, self._deadline, self._lost))
            return made[-1]

        connecting = self._endpoint.connect(Factory.forProtocol(build))  # type: ignore[arg-type]
        connecting.addTimeout(1.0, self._reactor)
        connection: RedisConnection = await connecting  # type: ignore[assignment]
        try:
            await connection.greet(self.address.greeting())
        except BaseException:
            connection.abort("the greeting failed")
            raise
        return connection

    def _lost(self, connection: RedisConnection, why: str, cost: bool) -> None:
        """A connection ended. Where that cost nobody an answer it is no trouble yet: the next one is made at once."""
        if connection is not self._connection:
            return
        self._connection = None
        if cost:
            self._down(why)
        closed, self._closed = self._closed, None
        if closed is not None:
            closed.callback(None)
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            wanted.callback(None)

    def _down(self, why: str) -> None:
        if self.trouble is None and not self._stopped:
            self.log.error("Redis at {address} is down: {why}", address=str(self.address), why=why)
        self.trouble = why
        self._tell_early(StoreDown(f"Redis at {self.address} is down: {why}"))

    def _tell_early(self, error: StoreDown | None) -> None:
        """Whoever waits for the first connection may go on, or learns that there is none."""
        early, self._early = self._early, []
        for waiting in early:
            if waiting.called:
                continue
            if error is None:
                waiting.callback(None)
            else:
                waiting.errback(error)
