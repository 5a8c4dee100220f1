"""How does what was used up survive a restart? In a file of one JSON line each, written to the disk before anybody relies on it.

The rules: lines that came in together share one ``fsync``, in a thread; a torn last line (the power went) is no error; the file is
0600, belongs to one process at a time, and is written anew when most of it is over.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..api.errors import StoreDown

COMPACT_FROM = 1000
"""Lines before a file is worth writing anew; then it happens at twice what still counts."""


class Journal:
    """An append-only file.

    :param clock: a reactor; without a thread pool of its own (a test's clock) writing happens at once.
    :param replay: called with every entry that the file held.
    :param everything: what still counts, for a compact file.
    :raises OSError: the file cannot be opened, or another process has it.
    """

    log = Logger()

    def __init__(
        self, clock: Any, path: Path, replay: Callable[[dict[str, Any]], None], everything: Callable[[], list[dict[str, Any]]]
    ) -> None:
        self._clock = clock
        self._path = path
        self._everything = everything
        self._waiting: list[tuple[bytes, Deferred[None]]] = []
        self._writing: Deferred[None] | None = None
        self._compact_at = COMPACT_FROM
        #: why the last line could not be written, else ``None``
        self.trouble: str | None = None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # its own file, never replaced: the lock holds whatever happens to the journal
        self._lock = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise BlockingIOError(f"{path}: another process keeps its state here") from None
        self._lines = self._read(replay)
        self._descriptor = self._open()
        self._end_torn_line()

    # ---------------------------------------------------------------- writing

    def append(self, entry: dict[str, Any]) -> Deferred[None]:
        """Write an entry down; fires when it is on the disk. Fails with :class:`StoreDown`."""
        written: Deferred[None] = Deferred()
        self._waiting.append((_line(entry), written))
        if self._writing is None:
            self._write()
        return written

    def close(self) -> Deferred[None]:
        """When everything is written, let go of the file."""
        if self._writing is not None:
            done: Deferred[None] = Deferred()
            self._writing.addBoth(lambda _: self.close().chainDeferred(done))
            return done
        os.close(self._descriptor)
        os.close(self._lock)
        return succeed(None)

    def _write(self) -> None:
        """Write whatever waits, in one go."""
        batch, self._waiting = self._waiting, []
        compact = None
        if self._lines >= self._compact_at:
            entries = self._everything()
            compact = entries if self._lines >= 2 * len(entries) else None
            self._compact_at = max(COMPACT_FROM, 2 * len(entries))
        if compact is None:
            task: Callable[[], None] = lambda: self._append(b"".join(line for line, _ in batch))  # noqa: E731
        else:
            task = lambda: self._replace(b"".join(map(_line, compact)))  # noqa: E731 - what waits is part of everything
        self._lines = self._lines + len(batch) if compact is None else len(compact)
        self._writing = Deferred()
        self._in_thread(task).addBoth(self._written, batch)

    def _written(self, result: object, batch: list[tuple[bytes, Deferred[None]]]) -> None:
        trouble = result if isinstance(result, Failure) else None
        self.trouble = None if trouble is None else f"{self._path}: {trouble.getErrorMessage()}"
        if trouble is not None:
            self.log.error("what was used up could not be written down: {trouble}", trouble=self.trouble)
        done, self._writing = self._writing, None
        for _, written in batch:
            if trouble is None:
                written.callback(None)
            else:
                written.errback(StoreDown(self.trouble))
        if self._waiting and self._writing is None:
            self._write()
        if done is not None:
            done.callback(None)

    def _in_thread(self, task: Callable[[], None]) -> Deferred[None]:
        pool = getattr(self._clock, "getThreadPool", None)
        return maybeDeferred(task) if pool is None else deferToThreadPool(self._clock, pool(), task)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        os.fsync(self._descriptor)

    def _replace(self, data: bytes) -> None:
        """The new file is whole on the disk before it takes the old one's name."""
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        old, self._descriptor = self._descriptor, descriptor
        try:
            self._append(data)
            os.replace(fresh, self._path)
        except OSError:
            self._descriptor = old
            os.close(descriptor)
            raise
        os.close(old)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    # ---------------------------------------------------------------- reading

    def _open(self) -> int:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)
        return descriptor

    def _read(self, replay: Callable[[dict[str, Any]], None]) -> int:
        """Replay what is there; how many lines that was."""
        if not self._path.exists():
            return 0
        lines = self._path.read_bytes().splitlines()
        bad = 0
        for line in lines:
            try:
                replay(json.loads(line))
            except (ValueError, TypeError, KeyError):
                bad += 1
        if bad:
            self.log.warn("{path}: {bad} of {lines} lines are damaged and were left out", path=str(self._path), bad=bad, lines=len(lines))
        return len(lines)

    def _end_torn_line(self) -> None:
        """What is appended must not continue half a line."""
        data = self._path.read_bytes()[-1:]
        if data not in (b"", b"\n"):
            os.write(self._descriptor, b"\n")


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode("ascii") + b"\n"


