"""Which commands does the README's first screen promise? They are read out of it, so that what is tested is what is pasted."""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"

_NAMED = re.compile(r"^<!-- command: (?P<name>\w+) -->\n```sh\n(?P<command>[^\n]+)\n```$", re.MULTILINE)


def commands(text: str | None = None) -> dict[str, str]:
    """Every command that the README marks with ``<!-- command: NAME -->``: one line of a ``sh`` block each."""
    return {match["name"]: match["command"] for match in _NAMED.finditer(README.read_text("utf-8") if text is None else text)}


if __name__ == "__main__":
    print(commands()[sys.argv[1]])
