"""What is wrong with the services, seen from where meshproxy stands? ``meshproxy doctor``.

Every service is examined side by side (:mod:`.examination`), each in less than ten seconds whatever happens; what is found is judged
by :mod:`meshproxy.core.diagnosis` and told by :mod:`.report`. Nothing is sent that could change a service's state.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, gatherResults

from ..api import Refused, TokenNeeded
from ..configured import Configured
from ..core.diagnosis import diagnose
from ..core.evidence import Evidence
from ..core.principal import SignedIn
from ..diagnosing import situation_of
from ..problems import ConfError, Problem
from ..rewriting import RewriterFailed
from .deadline import within
from .equipment import Equipment
from .examination import Examination, Progress
from .report import Report, ServiceReport

if TYPE_CHECKING:
    from ..explain import Asker
    from ..web.protected import ProtectedService

__all__ = ["Progress", "Report", "ServiceReport", "run"]

_CAP = 9.0
"""Seconds for one service, all in all: ten are promised, and a machine may be busy."""

_LONGEST = 8.0
"""Seconds that the longest timer of a service is cut to, so that it is known what was waited for when it ends."""


async def run(
    reactor: Any, configured: Configured, names: Sequence[str] = (), *, asker: Asker | None = None, bypass: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Examine services.

    :param names: which; all of them by default.
    :param asker: whose identity fields go along (``--as USER``); nobody's by default.
    :param bypass: also try to reach them around meshproxy.
    :param progress: is told what is being done about which service.
    :raises ConfError: no such service or provider; a plugin that cannot be made.
    """
    equipment = Equipment(reactor, configured, _LONGEST)
    try:
        chosen = _chosen(equipment, names)
        signed_in = asker.signed_in(configured, equipment.people(), reactor.seconds()) if asker is not None else None
        tell = progress or (lambda service, words: None)
        reports = [Deferred.fromCoroutine(_examine(equipment, service, signed_in, bypass, tell)) for service in chosen]
        return Report(tuple(await gatherResults(reports, consumeErrors=True)))
    finally:
        await equipment.stop()


async def _examine(
    equipment: Equipment, protected: ProtectedService, signed_in: SignedIn | None, bypass: bool, progress: Progress
) -> ServiceReport:
    """One service; a rewriter that refuses or breaks is a report too."""
    reactor, service = equipment.reactor, protected.settings
    started = reactor.seconds()
    try:
        examination = Examination(equipment, protected, signed_in, _CAP, progress)
        report = await within(reactor, _CAP, examination.run(bypass=bypass))
        why = "the examination did not end in time"
    except (Refused, RewriterFailed, TokenNeeded) as error:
        report, why = None, f"nothing was sent: {error}"
    if report is None:
        about = situation_of(service, equipment.settings.mesh, now=started)
        found = diagnose(Evidence(phase="queue", end="aborted", error=why), about)
        report = ServiceReport(service.name, service.upstream.url, reactor.seconds() - started, found)
    return report


def _chosen(equipment: Equipment, names: Sequence[str]) -> list[ProtectedService]:
    known = equipment.services
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        raise ConfError(Problem("doctor", "", f"there is no service {name!r}", _meant(name, list(known))) for name in unknown)
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


def _meant(name: str, known: list[str]) -> str | None:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}" if known else None
