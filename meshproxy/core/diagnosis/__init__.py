"""Why did it fail, who answered, and what is to be checked? Evidence in, diagnosis out; pure (diagnosis.md §2, §3).

The rule: without proof of the contrary an answer is the service's own, and a cause is called proven only where the evidence
leaves no other. Each cause is a file in :mod:`.causes`; the cause that fits best is named, the others stand in ``also``.
"""

from __future__ import annotations

from functools import cache

from ..evidence import Evidence
from .answered_by import in_words
from .causes import Cause, load
from .fit import Fit
from .reading import Reading, printable
from .sightings import AdminSeen, HostSeen, Http2Seen, PlainSeen, SecondSeen, TlsSeen
from .values import MOST_ALSO, AnsweredBy, Confidence, Diagnosis, Probe, Situation

__all__ = [
    "AdminSeen", "AnsweredBy", "Confidence", "Diagnosis", "HostSeen", "Http2Seen", "PlainSeen", "Probe", "Reading", "SecondSeen",
    "Situation", "TlsSeen", "causes", "diagnose", "meaning",
]

_LONGEST = 600  # characters of one sentence: strangers' words stand in some of them
PAGES = "docs/causes/"
"""Where the page of each cause stands, in the repository."""


@cache
def causes() -> dict[str, Cause]:
    """Every cause there is, by its code."""
    return load()


def meaning(cause: str) -> str:
    """A cause in half a sentence, for people; the code itself where there is none of that name."""
    return causes()[cause].MEANING if cause in causes() else cause


def diagnose(evidence: Evidence, situation: Situation, probes: tuple[Probe, ...] = ()) -> Diagnosis:
    """Who answered, the cause, how sure that is, and what to check.

    :param evidence: what the connection did and what answer came.
    :param situation: what was meant to happen.
    :param probes: what was tried besides; without any, more stays ``likely``.
    """
    seen = Reading(evidence, situation, probes)
    ranked = _ranked(seen)
    cause, fit = ranked[0]
    rest = () if fit.proven else tuple(other for other, _ in ranked[1:] if other not in ("ok", "unknown"))[:MOST_ALSO]
    return Diagnosis(
        answered_by=seen.answered_by, cause=cause, confidence="proven" if fit.proven else "likely", also=rest,
        because=_because(seen, fit), hints=_hints(seen, cause), status=evidence.status, probes=probes,
    )


def _ranked(seen: Reading) -> list[tuple[str, Fit]]:
    """The causes that fit, best first; there is always one, because ``unknown`` always fits a little."""
    fitting = [(code, fit) for code, module in causes().items() if (fit := module.judge(seen)) is not None]
    fitting.sort(key=lambda entry: -entry[1].weight)
    return fitting


def _because(seen: Reading, fit: Fit) -> tuple[str, ...]:
    said = [_answer_in_words(seen), in_words(seen), fit.because]
    return tuple(printable(words, _LONGEST) for words in said if words)


def _answer_in_words(seen: Reading) -> str:
    """The answer, as it came."""
    if seen.status is None:
        return ""
    if seen.reset is not None:
        return f"{seen.status} with Envoy's own words {seen.reset.reason or 'upstream connect error'!r}"
    if seen.local == "text":
        return f"{seen.status} with Envoy's own words {seen.text.decode('utf-8', 'replace')!r}"
    if seen.local == "empty":
        return f"{seen.status} with an empty body, and nothing beside it that a service would say"
    return f"the service answered {seen.status}" if seen.answered_by == "service" else f"{seen.status}"


def _hints(seen: Reading, cause: str) -> tuple[str, ...]:
    hints = [printable(hint, _LONGEST) for hint in causes()[cause].hints(seen)]
    return (*hints, f"More about this: {PAGES}{cause}.md") if hints else ()
