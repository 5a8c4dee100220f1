"""What does an operator see of requests that another worker served? All that it kept: workers tell each other, through their parent.

So the inspector's page, its live view and ``--request-id`` know the same wherever they are asked. The rule: what goes over was redacted
before it was kept; there is a limit a second, and who does not keep up is told less. An outage is no reason to be busy with telling of it.
"""

from __future__ import annotations

from typing import Any

from ..observe.inspector import Inspector, Record
from .messages import Link

A_SECOND = 20
"""How many records a worker passes on."""


class PassingOn:
    """One worker's end: passes on what its inspector keeps, and keeps what others pass on."""

    def __init__(self, clock: Any, link: Link, inspector: Inspector) -> None:
        self._clock = clock
        self._link = link
        self._inspector = inspector
        self._second = -1
        self._left = 0
        inspector.kept = self.pass_on

    def pass_on(self, record: Record) -> None:
        """Tell of a request that was kept here."""
        second = int(self._clock.seconds())
        if second != self._second:
            self._second, self._left = second, A_SECOND
        if self._left and not self._link.congested:
            self._left -= 1
            self._link.tell("kept", record=record.packed())

    def keep(self, record: dict[str, Any]) -> None:
        """Keep one that was kept elsewhere."""
        self._inspector.keep(Record.unpacked(record))
