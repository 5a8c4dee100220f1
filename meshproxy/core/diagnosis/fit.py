"""How well does one cause fit the evidence? What a rule of :mod:`.causes` answers.

Weights order the causes that fit; they are no probabilities. A rule that cannot fit answers ``None``.
"""

from __future__ import annotations

from typing import NamedTuple

TOLD = 200
"""The evidence names this cause itself: an alert, a text, an errno."""
FITS = 100
"""The first of a group with the same marks; those behind it have less."""
DEFAULT = 1
"""What remains when nothing else fits: the service's own answer."""


class Fit(NamedTuple):
    """A cause that fits.

    :ivar weight: the larger, the likelier.
    :ivar because: the evidence for it, in words; "" where the general words (status, who answered) say it all.
    :ivar proven: nothing else fits, as far as this rule can see.
    """

    weight: int
    because: str = ""
    proven: bool = False


def proves(because: str = "", weight: int = TOLD) -> Fit:
    """The evidence leaves no other cause."""
    return Fit(weight, because, True)


def fits(weight: int = FITS, because: str = "") -> Fit:
    """One of several causes that leave these marks."""
    return Fit(weight, because)
