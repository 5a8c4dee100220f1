"""What does this JSON say, if it says it unambiguously? Text from a provider or a token, read once and strictly.

Two readers must never see two different things in the same bytes: a name that stands twice in an object, ``NaN`` and
other numbers that JSON does not have, and nesting without end are errors (RFC 8259 §4, §6; RFC 7519 §4).
"""

from __future__ import annotations

import json
from typing import Any


class NotJson(ValueError):
    """The bytes are not one unambiguous JSON value. The message never quotes them: they may hold a secret."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJson("a name stands twice in one object")
    return members


def _no_constant(name: str) -> Any:
    raise NotJson(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def loads(raw: bytes | str) -> Any:
    """The value.

    :param raw: UTF-8 bytes (no byte order mark) or text.
    :raises NotJson: in place of every error of :mod:`json`, of UTF-8 and of the recursion limit.
    """
    try:
        return _DECODER.decode(raw if isinstance(raw, str) else raw.decode("utf-8"))
    except NotJson:
        raise
    except (ValueError, RecursionError) as error:
        raise NotJson(f"not JSON ({type(error).__name__})") from None


def load_object(raw: bytes | str) -> dict[str, Any]:
    """As :func:`loads`, for what must be an object.

    :raises NotJson: when it is something else, too.
    """
    value = loads(raw)
    if not isinstance(value, dict):
        raise NotJson("not a JSON object")
    return value
