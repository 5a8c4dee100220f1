"""``ok``: the service answered, below 400."""

from __future__ import annotations

from ..fit import DEFAULT, Fit, proves
from ..reading import Reading

CAUSE = "ok"
MEANING = "the service answered"


def judge(seen: Reading) -> Fit | None:
    """Any answer below 400 that is nobody else's."""
    if seen.status is not None and seen.status < 400 and not seen.local:
        return proves(weight=DEFAULT)
    return None


def hints(seen: Reading) -> tuple[str, ...]:
    """Nothing to check."""
    return ()
