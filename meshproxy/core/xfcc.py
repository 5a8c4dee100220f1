r"""What does ``X-Forwarded-Client-Cert`` say? Envoy's list of the certificates that a request has passed.

Elements are separated by ``,``, pairs in an element by ``;``; a value with ``,``, ``;`` or ``=`` stands in double quotes, ``\"``
is a quote inside. The rule: a value that does not follow this to the letter says nothing at all. An attacker's half-open
quote at its beginning would otherwise swallow the element that the sidecar has appended.
"""

from __future__ import annotations

import re

# One pair and what ends it. A bare value holds no quote and no separator; a quoted one is closed and followed by a
# separator or the end.
_PAIR = re.compile(r'\s*([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))\s*(;|,|\Z)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

Element = list[tuple[str, str]]


def parse(value: bytes) -> list[Element]:
    """The elements, each a list of (key in lower case, value) pairs, in order.

    :raises ValueError: when it is malformed.
    """
    text = value.decode("utf-8")
    elements: list[Element] = []
    pairs: Element = []
    position, end = 0, ","
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            raise ValueError("X-Forwarded-Client-Cert is malformed")
        key, quoted, bare, end = match.groups()
        pairs.append((key.lower(), bare if quoted is None else _ESCAPE.sub(r"\1", quoted)))
        position = match.end()
        if end == ",":
            elements.append(pairs)
            pairs = []
    if end != "":
        raise ValueError("X-Forwarded-Client-Cert is empty or ends in a separator")
    return [*elements, pairs]


def last_uri(value: bytes) -> str | None:
    """The SPIFFE id of the last element: of our immediate peer. ``None`` where it has none, several, or is malformed."""
    try:
        last = parse(value)[-1]
    except ValueError:
        return None
    uris = [value for key, value in last if key == "uri"]
    return uris[0] if len(uris) == 1 and uris[0].startswith("spiffe://") else None
