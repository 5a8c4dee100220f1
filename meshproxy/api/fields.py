"""What does a rewriter that depends on tokens or time return? Fields, and until when they hold."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.heads import Field


@dataclass(frozen=True, slots=True)
class IdentityFields:
    """Fields and the instant (seconds since the epoch) at which they must be computed anew; ``None``: with the session."""

    fields: list[Field] | tuple[Field, ...]
    valid_until: float | None = None
