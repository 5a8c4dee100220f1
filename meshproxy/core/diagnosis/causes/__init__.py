"""Which causes are there? One file each: what proves it, what makes it likely, what to check first.

A further cause is one more file here, with ``CAUSE`` (its code), ``MEANING`` (half a sentence for people), ``judge(seen)`` (how
well it fits, ``None``: not at all) and ``hints(seen)`` (what to check, most likely first), and a page ``docs/causes/CODE.md``.
Nothing has to be registered.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from ..fit import Fit
    from ..reading import Reading


class Cause(Protocol):
    """What every module here offers."""

    CAUSE: str
    MEANING: str

    def judge(self, seen: Reading) -> Fit | None:
        """How well this cause fits; ``None`` when the evidence rules it out or says nothing of it."""

    def hints(self, seen: Reading) -> tuple[str, ...]:
        """What to check, most likely first, with the service's own names; never a secret."""


def load() -> dict[str, Cause]:
    """Every cause by its code, in the order of the files' names."""
    modules = (cast("Cause", import_module(f"{__name__}.{found.name}")) for found in iter_modules(__path__))
    return {module.CAUSE: module for module in modules}
