"""How are spans and sizes written? ``"500ms"``, ``"12h"``; ``"64KiB"`` or a number of bytes.

The rule: a span without a unit is refused, because nobody can see whether ``30`` means seconds or minutes; a size without one is bytes.
"""

from __future__ import annotations

import math
import re
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from .wrong import Wrong

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}

#: Longer spans than this are mistakes, and would overflow the clocks that add them to an instant.
LONGEST = 3660 * SECONDS["d"]

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB|TiB)")


def parse_duration(value: object) -> float:
    """Seconds of ``"500ms"``, ``"30s"``, ``"15m"``, ``"12h"``, ``"7d"``.

    :raises Wrong: without a unit, with an unknown one, not more than zero, or longer than ten years.
    """
    seconds = parse_span(value)
    if seconds <= 0:
        raise Wrong(f"{value!r}: a duration must be more than zero")
    return seconds


def parse_span(value: object) -> float:
    """As :func:`parse_duration`, but ``"0s"`` is one too: for what may be switched off."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise Wrong("a duration needs a unit and quotes", f"did you mean \"{value:g}s\"?" if math.isfinite(value) else None)
    if not isinstance(value, str):
        raise Wrong('must be a duration like "500ms", "30s", "15m", "12h" or "7d"')
    found = _DURATION.fullmatch(value.strip())
    if found is None:
        raise Wrong(f'{value!r} is no duration: write "500ms", "30s", "15m", "12h" or "7d"')
    seconds = float(found[1]) * SECONDS[found[2]]
    if seconds > LONGEST:
        raise Wrong(f"{value!r} is longer than ten years")
    return seconds


def parse_size(value: object) -> int:
    """Bytes of ``"64KiB"``, ``"10MiB"``, ``"1GiB"``, ``"500B"`` or of a plain number.

    :raises Wrong: negative, or with another unit.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Wrong('must be a size like "64KiB", "10MiB" or a number of bytes')
    if isinstance(value, int):
        if not 0 <= value < 2**63:
            raise Wrong("a size lies between 0 and 8 EiB")
        return value
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,15}", text):
        return int(text)
    found = _SIZE.fullmatch(text)
    if found is None:
        raise Wrong(f'{value!r} is no size: write "64KiB", "10MiB", "1GiB" or a number of bytes', _binary_unit(text))
    return int(found[1]) * BYTES[found[2]]


def parse_positive_size(value: object) -> int:
    """As :func:`parse_size`, but zero is refused too: for limits that cannot be switched off."""
    size = parse_size(value)
    if size == 0:
        raise Wrong("must be more than zero: this limit cannot be switched off")
    return size


def _binary_unit(text: str) -> str | None:
    """The hint for ``64KB``, ``10 mb``, ``1G``: the same number in the unit that we know."""
    loose = re.fullmatch(r"([0-9]+) ?([kmgt])i?b?", text, re.IGNORECASE)
    return f'did you mean "{loose[1]}{loose[2].upper()}iB"?' if loose else None


_DURATION_SCHEMA = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", "examples": ["500ms", "30s", "12h"]}
_SIZE_SCHEMA = {
    "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB|TiB)?$"}],
    "examples": ["64KiB", "10MiB"],
}

#: Seconds, more than zero.
Duration = Annotated[float, PlainValidator(parse_duration), WithJsonSchema(_DURATION_SCHEMA)]
#: Seconds, zero or more.
Span = Annotated[float, PlainValidator(parse_span), WithJsonSchema(_DURATION_SCHEMA)]
#: Bytes, zero or more.
Size = Annotated[int, PlainValidator(parse_size), WithJsonSchema(_SIZE_SCHEMA)]
#: Bytes, more than zero.
PositiveSize = Annotated[int, PlainValidator(parse_positive_size), WithJsonSchema(_SIZE_SCHEMA)]
