"""What does the doctor say? One report for all services: for machines as diagnosis.md §1, for people in two sentences."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.diagnosis import Diagnosis, meaning
from .bypass import Bypass

_WORDS = {
    "meshproxy": "meshproxy itself", "own-sidecar": "our own sidecar", "peer-sidecar": "the sidecar of the other side",
    "gateway": "a proxy on the way", "service": "the service itself", "nobody": "nobody",
}


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """One service examined.

    :ivar upstream: as it stands in the conf directory.
    :ivar seconds: how long all of it took.
    :ivar bypass: whether it can be reached around meshproxy, where that was asked.
    """

    service: str
    upstream: str
    seconds: float
    diagnosis: Diagnosis
    bypass: Bypass | None = None

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return self.diagnosis.cause == "ok" and not (self.bypass is not None and self.bypass.reachable)

    def as_dict(self) -> dict[str, object]:
        """As ``doctor --json`` has it."""
        told: dict[str, object] = {
            "service": self.service, "upstream": self.upstream, "seconds": round(self.seconds, 1), **self.diagnosis.as_dict(),
        }
        if self.bypass is not None:
            told["bypass"] = self.bypass.as_dict()
        return told

    @property
    def sentence(self) -> str:
        """What is wrong, in one sentence; "" when nothing is."""
        found = self.diagnosis
        if found.cause == "ok":
            return f"{self.service} can be reached around meshproxy." if not self.ok else ""
        sure = "" if found.confidence == "proven" else "most likely "
        who = _WORDS[found.answered_by]
        answered = f"{who} answered {found.status}" if found.status is not None and found.answered_by != "nobody" else f"{who} answered"
        return f"{self.service}: {answered}; {sure}{meaning(found.cause)} ({found.cause})."


@dataclass(frozen=True, slots=True)
class Report:
    """All of them, in the order of the conf directory."""

    services: tuple[ServiceReport, ...]

    @property
    def ok(self) -> bool:
        """Every cause is ``ok``: the command exits 0."""
        return all(one.ok for one in self.services)

    @property
    def exit_status(self) -> int:
        """Of the command (contract §1)."""
        return 0 if self.ok else 1

    def as_dict(self) -> dict[str, object]:
        """As ``doctor --json`` prints it."""
        return {"services": [one.as_dict() for one in self.services]}

    def in_two_sentences(self) -> str:
        """What is wrong and what to do first, for somebody who is tired."""
        bad = [one for one in self.services if not one.ok]
        if not self.services:
            return "There is no service to examine."
        if not bad:
            many = f"All {len(self.services)} services answer" if len(self.services) > 1 else f"{self.services[0].service} answers"
            return f"{many}. Nothing needs to be done."
        worst = bad[0]
        many = f"{len(bad)} of {len(self.services)} services have trouble; " if len(bad) > 1 else ""
        hints = worst.bypass.hints if worst.diagnosis.cause == "ok" and worst.bypass is not None else worst.diagnosis.hints
        return f"{many}{worst.sentence} What to do first: {hints[0]}"
