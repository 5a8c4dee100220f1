"""How is wrong configuration reported? All problems at once, each with file, key and reason (contract §1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or (as a warning) that will surprise.

    :ivar file: where it stands, as the operator knows it (relative to the conf directory where it lies inside).
    :ivar key: the dotted key, ``route.path``; "" for the file as a whole.
    :ivar message: what is wrong, in one sentence without a secret.
    :ivar hint: what was probably meant ("did you mean 'groups'?").
    """

    file: Path | str
    key: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """``FILE: KEY: what is wrong (hint)``, one line whatever stood in the file."""
        key = f"{self.key}: " if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        line = f"{self.file}: {key}{self.message}{hint}"
        return line if line.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)


class ConfError(Exception):
    """The conf directory cannot be used; ``problems`` says all that is wrong with it.

    :ivar files: what was read before that was known: a change of any of them is worth another try.
    """

    def __init__(self, problems: Iterable[Problem], files: Iterable[Path] = ()) -> None:
        self.problems = tuple(problems)
        self.files = frozenset(files)
        super().__init__("\n".join(map(str, self.problems)))
