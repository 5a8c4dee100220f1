"""How does a rule of the configuration say no? One error, with the hint an operator needs beside it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class Wrong(ValueError):
    """A value that a rule refuses.

    :param message: what is wrong, in one sentence without a secret.
    :param hint: what was probably meant, ready to be printed in parentheses.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def did_you_mean(word: object, allowed: Iterable[str]) -> str | None:
    """``did you mean 'groups'?`` where one of ``allowed`` is close to ``word``; ``None`` where nothing is.

    Case and ``-`` against ``_`` do not count: people carry keys over from the files of other programs.
    """
    if not isinstance(word, str):
        return None
    folded = {name.lower().replace("-", "_"): name for name in allowed}
    close = get_close_matches(word.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return f"did you mean '{folded[close[0]]}'?" if close else None


def one_of(allowed: Iterable[str]) -> str:
    """``'a', 'b' or 'c'``, for messages."""
    names = [f"'{name}'" for name in allowed]
    return " or ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
