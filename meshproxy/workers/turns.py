"""Whose turn is it to take the next connection? The worker's that has the fewest, unless that would make the connection wait.

All accept from one queue. Left to itself whoever wakes first takes most: measured, 32 connections came to lie 25 to 7, and a gateway or
sidecar that opens four for good may give them all to one. So every worker's count stands where all can read it, in a page of shared
memory with a number for each, written by its owner. The rule: who has more than another lets it go first, for a few milliseconds; what
is still there then is taken, since the other one is busy.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
from collections.abc import Callable

_NUMBER = struct.Struct("<i")
_ABSENT = -1
_ALONE = 100  # as Twisted does
_PART = 8

MOST_PATIENCE = 64
"""How often in a row a worker lets another one go first …"""
_PATIENCE_A_SECOND = 10.0
"""… and how often again with every second."""


class Tally:
    """How many connections each worker has.

    :param descriptor: the shared memory, as :func:`open_tally` made it; it is this object's from now on.
    :param workers: how many there are, numbered from 1.
    """

    def __init__(self, descriptor: int, workers: int) -> None:
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _NUMBER.size * workers)

    def set(self, worker: int, connections: int) -> None:
        """A worker's count."""
        _NUMBER.pack_into(self._memory, _NUMBER.size * (worker - 1), connections)

    def leave(self, worker: int) -> None:
        """That worker takes none (any more)."""
        self.set(worker, _ABSENT)

    def fewest_but(self, worker: int) -> int | None:
        """The smallest count of the others; ``None`` when there is no other."""
        counts = [count for number, (count,) in enumerate(_NUMBER.iter_unpack(self._memory[:]), 1) if number != worker and count >= 0]
        return min(counts, default=None)

    def close(self) -> None:
        """Look no more. Harmless the second time."""
        if not self._memory.closed:
            self._memory.close()
            os.close(self.descriptor)


def open_tally(workers: int) -> int:
    """Shared memory for so many workers, all of them absent: its descriptor."""
    descriptor = _open()
    os.write(descriptor, _NUMBER.pack(_ABSENT) * workers)
    return descriptor


def _open() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("meshproxy-tally")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Turns:
    """One worker's view.

    :param connections: how many it has open now.
    """

    def __init__(self, tally: Tally, worker: int, connections: Callable[[], int]) -> None:
        self._tally = tally
        self._worker = worker
        self._connections = connections
        self._patience = float(MOST_PATIENCE)
        self._patience_at = 0.0

    def publish(self) -> None:
        """Tell the others how many there are here."""
        self._tally.set(self._worker, self._connections())

    def leave(self) -> None:
        """Tell the others that nobody takes any here."""
        self._tally.leave(self._worker)

    def allowed(self) -> int:
        """How many connections to accept now; 0: somebody else has fewer, let them go first.

        An eighth more is no difference, and so much may be taken at once: few connections are dealt out one by one, many quickly.
        """
        self.publish()
        mine, fewest = self._connections(), self._tally.fewest_but(self._worker)
        if fewest is None:
            return _ALONE
        if mine > fewest + fewest // _PART:
            return 0
        return max(1, min(fewest - mine, _PART), mine // _PART)

    def patient(self, now: float) -> bool:
        """Whether to let somebody else go first this time.

        Patience runs out: it is for connections that stay. Where they come and go by the thousand waiting would cost more than it mends.
        """
        self._patience = min(MOST_PATIENCE, self._patience + (now - self._patience_at) * _PATIENCE_A_SECOND)
        self._patience_at = now
        if self._patience < 1.0:
            return False
        self._patience -= 1.0
        return True
