"""When is a worker that ended replaced? At once, and ever later while its successors keep ending.

The rule: one accident costs nobody anything; a worker that cannot live must not keep the machine busy starting it, and somebody is told.
"""

from __future__ import annotations

LIVED_WELL = 60.0
"""Seconds after which a worker's end is an accident of its own."""

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_LOOP = 3


class Restarts:
    """The ends of one worker and its successors.

    :ivar quick: how many of them in a row ended before they had lived well.
    :ivar total: how many ended.
    """

    def __init__(self) -> None:
        self.quick = 0
        self.total = 0

    def wait_after(self, lived_for: float) -> float:
        """A worker ended after so many seconds: how many to wait before the next one starts."""
        self.total += 1
        if lived_for >= LIVED_WELL:
            self.quick = 0
        self.quick += 1
        if self.quick == 1:
            return 0.0
        doublings = min(self.quick - 2, 10)
        return min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**doublings)

    @property
    def looping(self) -> bool:
        """Whether this is no accident any more."""
        return self.quick >= _LOOP
