"""Is the event loop on time? A timer a second says how late it was: everybody's requests were late by as much."""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet.interfaces import IDelayedCall

_EVERY = 1.0
_REMEMBERED = 60


class ReactorLag:
    """Measures from :meth:`start` to :meth:`stop`."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._due_at = 0.0
        self._timer: IDelayedCall | None = None
        self._lags: deque[float] = deque(maxlen=_REMEMBERED)

    @property
    def worst(self) -> float:
        """Seconds, of the last minute."""
        return max(self._lags, default=0.0)

    def start(self) -> None:
        """Measure from now on."""
        if self._timer is None:
            self._schedule()

    def stop(self) -> None:
        """No more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._due_at = self._reactor.seconds() + _EVERY
        self._timer = self._reactor.callLater(_EVERY, self._tick)

    def _tick(self) -> None:
        # A clock that was set back makes it negative: that is no lag.
        self._lags.append(max(0.0, self._reactor.seconds() - self._due_at))
        self._schedule()
