"""How do plain values become YAML? The part of it that Kubernetes resources need: mappings, lists, text, numbers, booleans.

The rule: text that YAML could read as anything else than that very text is quoted, in JSON's way, which YAML 1.2 reads the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

Value = Mapping[str, "Value"] | Sequence["Value"] | str | int | bool

# Begins like a name, holds nothing that YAML gives a meaning, and is none of the words that YAML 1.1 takes for something else.
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(?::(?![ ])[A-Za-z0-9_./:-]*[A-Za-z0-9_./-])?")
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def dumps(value: Value) -> str:
    """One YAML document, without the line that begins it."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: Value) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _entry(f"{_scalar(key)}:", inner)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for inner in value:
            first, *rest = _lines(inner)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _entry(key: str, inner: Value) -> Iterator[str]:
    if isinstance(inner, (Mapping, list, tuple)) and inner:
        yield key
        yield from (f"  {line}" for line in _lines(inner))
    else:
        yield f"{key} {_scalar(inner)}"


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else json.dumps(value, ensure_ascii=False)
    return "{}" if isinstance(value, Mapping) else "[]"
