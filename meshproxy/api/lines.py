"""How do lines get out of the process whole, in order, and without the reactor waiting for whoever reads them?

The rule: a line is written by one call where the descriptor takes it (atomic on a file, and on a pipe up to PIPE_BUF, so that several
writers do not tear each other's lines), what it does not take waits in a bounded queue, and whoever gave a line learns whether it was
written. A pipe's reader that stalls costs memory up to the bound and never the reactor.
"""

from __future__ import annotations

import os
import select
import stat
from collections import deque
from typing import Any
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

_LIMIT_BYTES = 1024 * 1024
_RETRY = 0.02
"""Seconds until a descriptor that was full is tried again: readers drain a pipe in far less, and an idle reader costs nothing."""


class LineWriter:
    """The one who writes lines to a descriptor; it never closes it."""

    def __init__(self, descriptor: int, reactor: Any, limit_bytes: int = _LIMIT_BYTES) -> None:
        self.descriptor = descriptor
        self._reactor = reactor
        self._limit_bytes = limit_bytes
        # A file that is appended to takes a line of any length whole; a pipe does up to PIPE_BUF.
        self._at_once = limit_bytes if stat.S_ISREG(os.fstat(descriptor).st_mode) else select.PIPE_BUF
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)
        self._waiting: deque[tuple[bytes, Deferred[None] | None]] = deque()
        self._waiting_bytes = 0
        self._torn = False
        self._retry: IDelayedCall | None = None

    @property
    def waiting_bytes(self) -> int:
        """How much the descriptor has not taken yet."""
        return self._waiting_bytes

    def write(self, line: bytes) -> Deferred[None] | None:
        """Write a line, its newline included. ``None``: it is written; a Deferred: it waits for the reader.

        Raises :class:`OSError` when it cannot be written (:class:`BlockingIOError`: too much waits already).
        """
        if self._torn:
            line = b"\n" + line  # an earlier line broke off in the middle: keep this one apart from its rest
        if not self._waiting:
            rest = self._push(line)
            if not rest:
                return None
            line = rest
        elif self._waiting_bytes + len(line) > self._limit_bytes:
            raise BlockingIOError(f"{self._waiting_bytes} bytes wait already: nobody reads what is written")
        written: Deferred[None] = Deferred()
        self._waiting.append((line, written))
        self._waiting_bytes += len(line)
        if self._retry is None:
            self._retry = self._reactor.callLater(_RETRY, self._resume)
        return written

    def _push(self, data: bytes) -> bytes:
        """Write as much as the descriptor takes now; the rest. Raises :class:`OSError`."""
        size = len(data)
        while data:
            # Where POLLOUT is set, a pipe takes PIPE_BUF bytes without blocking: stdout is usually in blocking mode.
            if not self._poll.poll(0):
                break
            try:
                taken = os.write(self.descriptor, data[: self._at_once])
            except BlockingIOError:
                break
            except OSError:
                self._torn = self._torn or len(data) < size or bool(self._waiting)
                raise
            data = data[taken:]
            self._torn = False
        return data

    def _resume(self) -> None:
        self._retry = None
        while self._waiting:
            line, written = self._waiting.popleft()
            self._waiting_bytes -= len(line)
            try:
                rest = self._push(line)
            except OSError as error:
                self._torn = True
                if written is not None:
                    written.errback(error)
                continue
            if rest:
                self._waiting.appendleft((rest, written))
                self._waiting_bytes += len(rest)
                self._retry = self._reactor.callLater(_RETRY, self._resume)
                return
            if written is not None:
                written.callback(None)

    def stop(self) -> None:
        """Try once more, then give up: what still waits fails with :class:`BrokenPipeError`."""
        if self._retry is not None:
            self._retry.cancel()
            self._resume()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        while self._waiting:
            _, written = self._waiting.popleft()
            if written is not None:
                written.errback(BrokenPipeError("stopped before anybody read it"))
        self._waiting_bytes = 0


_writers: WeakKeyDictionary[Any, dict[int, LineWriter]] = WeakKeyDictionary()


def line_writer(descriptor: int, reactor: Any) -> LineWriter:
    """The writer that all of a process share for one of its descriptors: two of them would tear each other's lines."""
    writers = _writers.setdefault(reactor, {})
    if descriptor not in writers:
        writers[descriptor] = LineWriter(descriptor, reactor)
    return writers[descriptor]
