"""How may words that somebody else chose stand in our log? Short, on one line, without anything that acts.

Providers put texts into error answers, and anybody can put texts into a callback's query. Both end up in logs and on an operator's
screen, so control characters, line breaks and direction marks become spaces and the rest is cut.
"""

from __future__ import annotations

import unicodedata

LONGEST = 200


def sanitised(text: object, longest: int = LONGEST) -> str:
    """``text`` on one line, at most ``longest`` characters; "" for what is no text.

    Categories C (control, format, private use, surrogate) and Z (separators) become a space.
    """
    if not isinstance(text, str):
        return ""
    plain = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text[: 4 * longest])
    plain = " ".join(plain.split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def error_code(text: object) -> str:
    """An OAuth error code as it may be named (RFC 6749 §4.1.2.1: printable ASCII without quote and backslash); "" for all else."""
    if not isinstance(text, str) or not 0 < len(text) <= 64:
        return ""
    return text if all(0x20 <= ord(char) < 0x7F and char not in '"\\' for char in text) else ""
