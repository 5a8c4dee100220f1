"""What do people see of what happens? Audit trail, access log, metrics, health: readers of the request's record.

The rule: an observer never stands in a request's way, never changes its record, and never sees a token, a cookie or a code
that it would write down. What an observer cannot keep it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.logger import Logger

from ..core.exchange import Exchange

Observer = Callable[[Exchange], None]

_log = Logger()


def fanout(observers: Iterable[Observer]) -> Observer:
    """One observer that gives a record to all of them in order; one that breaks is logged and keeps nobody else from it."""
    each = tuple(observers)

    def observe(exchange: Exchange) -> None:
        for observer in each:
            try:
                observer(exchange)
            except Exception:
                _log.failure("an observer broke on request {id}", id=exchange.request_id.decode("ascii", "replace"))

    return observe
