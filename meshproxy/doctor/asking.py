"""What comes back to one request? Sent through the pool that serves requests, answered by evidence.

The rule: what is asked is safe and has no body, and what comes is bounded: of a gigabyte of error page the first kilobytes are read.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from ..core.evidence import Evidence
from ..core.heads import Field
from ..core.ports import UpstreamExchange, UpstreamPool

_KEPT_BYTES = 4096
_ENOUGH_BYTES = 256 * 1024
_ENOUGH_FOR = 2.0
"""How much of a body is read, and for how long after its head: a stream has no end, and an answer that is cut ends soon."""


async def ask(pool: UpstreamPool, head: bytes, clock: Any, *, kept_bytes: int = _KEPT_BYTES, enough_bytes: int = _ENOUGH_BYTES) -> Evidence:
    """Send a GET and wait for its answer, or for what came in its place.

    :param head: the complete head.
    :param clock: for the time that a body may take.
    :param kept_bytes: how much of the body stands in the evidence.
    :param enough_bytes: after how much of it nobody reads on.
    """
    listener = _Listener(clock, kept_bytes, enough_bytes)
    listener.exchange = pool.submit(listener, head, b"GET", body=False, chunked=False)
    return await listener.told


class _Listener:
    """Receives one answer (:class:`meshproxy.core.ports.UpstreamReceiver`)."""

    def __init__(self, clock: Any, kept_bytes: int, enough_bytes: int) -> None:
        self._clock = clock
        self._kept_bytes = kept_bytes
        self._enough_bytes = enough_bytes
        self._enough: Any = None
        self._seen: Evidence | None = None
        self._received = 0
        self._done = False
        self.exchange: UpstreamExchange | None = None
        self.told: Deferred[Evidence] = Deferred(self._given_up)

    def answer_started(self, status: int, reason: bytes, fields: list[Field], length: int | None, no_body: bool) -> None:
        """The head of the answer."""
        exchange: Any = self.exchange
        self._seen = exchange.evidence()
        self._seen.phase = "head"
        self._seen.status, self._seen.fields = status, tuple(fields)
        self._enough = self._clock.callLater(_ENOUGH_FOR, self._read_enough)

    def answer_data(self, data: bytes) -> None:
        """A piece of its body."""
        seen = self._seen
        if seen is None or self._done:
            return
        self._received += len(data)
        if len(seen.body) < self._kept_bytes:
            seen.body += data[: self._kept_bytes - len(seen.body)]
        if self._received > self._enough_bytes:
            self._read_enough()

    def answer_finished(self) -> None:
        """All of it is there."""
        if self._seen is not None:
            self._seen.body_complete = self._received == len(self._seen.body)
            self._tell(self._seen)

    def upstream_failed(self, evidence: Evidence) -> None:
        """There is no answer, or no more of it; what had come of it is kept."""
        if self._seen is not None:
            evidence.status, evidence.fields, evidence.body = self._seen.status, self._seen.fields, self._seen.body
        self._tell(evidence)

    def _read_enough(self) -> None:
        seen = self._seen
        if self.exchange is not None:
            self.exchange.cancel()
        if seen is not None:
            self._tell(seen)

    def _given_up(self, _: object) -> None:
        self._done = True
        self._stop_timer()
        if self.exchange is not None:
            self.exchange.cancel()

    def _tell(self, evidence: Evidence) -> None:
        if not self._done:
            self._done = True
            self._stop_timer()
            self.told.callback(evidence)

    def _stop_timer(self) -> None:
        if self._enough is not None and self._enough.active():
            self._enough.cancel()

    # What a question without a body has no use for.
    def upstream_connected(self) -> None: ...
    def interim_received(self, status: int, reason: bytes, fields: list[Field]) -> None: ...
    def answer_waits(self) -> None: ...
    def pause_body(self) -> None: ...
    def resume_body(self) -> None: ...
    def tunnel_opened(self, fields: list[Field]) -> None: ...
    def tunnel_data(self, data: bytes) -> None: ...
    def tunnel_finished(self) -> None: ...
    def tunnel_closed(self, clean: bool) -> None: ...
