"""What happened in one login attempt? The events that carry its short code, kept for a while, for ``meshproxy login-report CODE``.

The rule: nothing is kept that the audit trail does not say; what is old, or too much, is forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict

from .audit_events import Event

_ATTEMPTS = 1000
_STEPS = 20
_TOLD = ("time", "event", "provider", "reason", "status", "request_id", "client", "authority", "principal")


class LoginReports:
    """The last login attempts of this process, by code. :meth:`audited` is a listener of the audit trail."""

    def __init__(self, attempts: int = _ATTEMPTS) -> None:
        self._most = attempts
        self._attempts: OrderedDict[str, list[Event]] = OrderedDict()

    def audited(self, event: Event) -> None:
        """Keep the event where it is a step of a login."""
        code = event.get("attempt")
        if not code:
            return
        steps = self._attempts.setdefault(str(code).upper(), [])
        self._attempts.move_to_end(str(code).upper())
        if len(steps) < _STEPS:
            steps.append({key: event[key] for key in _TOLD if event.get(key) not in (None, "")})
        while len(self._attempts) > self._most:
            self._attempts.popitem(last=False)

    def find(self, code: str) -> list[Event] | None:
        """The steps of an attempt in their order; ``None`` when there is none of that code."""
        steps = self._attempts.get(code.strip().upper())
        return None if steps is None else [dict(step) for step in steps]
