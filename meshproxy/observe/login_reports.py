"""What happened in one login attempt? What carries its short code, kept for a while, for ``meshproxy login-report CODE``.

Two kinds of steps: the audit trail's events (it began, it failed and why), and between them what was asked of the provider and what came
back. The rule: nothing is kept that may not be shown; what is old, or too much, is forgotten first, the end of an attempt never.
"""

from __future__ import annotations

from collections import OrderedDict

from .audit_events import Event, time_text

_ATTEMPTS = 1000
_STEPS = 20
_NOTES = 40
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
        self._add(str(code), {key: event[key] for key in _TOLD if event.get(key) not in (None, "")}, _NOTES + _STEPS)

    def step(self, code: str, words: str, now: float) -> None:
        """Keep what somebody who takes part in the login says of it.

        :param words: cleaned: one line, not too long, nothing secret.
        """
        self._add(code, {"time": time_text(now), "event": "step", "words": words}, _NOTES)

    def _add(self, code: str, step: Event, most: int) -> None:
        steps = self._attempts.setdefault(code.upper(), [])
        self._attempts.move_to_end(code.upper())
        if len(steps) < most:
            steps.append(step)
        while len(self._attempts) > self._most:
            self._attempts.popitem(last=False)

    def find(self, code: str) -> list[Event] | None:
        """The steps of an attempt in their order; ``None`` when there is none of that code."""
        steps = self._attempts.get(code.strip().upper())
        return None if steps is None else [dict(step) for step in steps]
