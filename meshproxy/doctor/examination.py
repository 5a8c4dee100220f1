"""What is wrong with one service? The request as meshproxy sends it, and then only what tells the remaining causes apart.

The rule: whatever happens there is a report in time. When the request itself hangs, the probes do not wait for it. Every question is
a GET without a body; identity fields go with none but the first, and only if they were asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.logger import Logger

from ..core.diagnosis import AdminSeen, Diagnosis, HostSeen, Probe, Reading, SecondSeen, Situation, diagnose
from ..core.diagnosis.sightings import HostForm
from ..core.evidence import Evidence
from ..core.principal import SignedIn
from ..diagnosing import situation_of
from ..web.protected import ProtectedService
from .admin import observe
from .asking import ask
from .bypass import Bypass, judge_bypass
from .choosing import choose
from .deadline import within
from .equipment import Equipment
from .heads import Heads
from .hosts import host_forms
from .other_protocols import speak_http2, speak_plain
from .redirects import leads_here
from .report import ServiceReport
from .sidecar_admin import SidecarAdmin
from .talking import Port
from .tls_hello import in_words, say_hello, server_name_for

Progress = Callable[[str, str], None]
"""Told the name of a service and what is being done about it, in a few words."""

_PATIENCE = 2.5
"""Seconds after which a request that hangs is no longer waited for alone."""

_ORDER = ("resolve", "connect", "request", "host", "tls", "http2", "admin")

_STEP = 3.0
"""Seconds that one probe may take."""

_ADMIN_STEP = 6.0
"""The sidecar's admin answers everybody who asks at once one after the other, and has much to tell."""


class Examination:
    """One service.

    :param cap: seconds that all of it may take.
    """

    log = Logger()

    def __init__(
        self, equipment: Equipment, protected: ProtectedService, signed_in: SignedIn | None, cap: float, progress: Progress
    ) -> None:
        self._equipment = equipment
        self._clock = equipment.reactor
        self._protected = protected
        self._service = protected.settings
        self._heads = Heads(equipment.settings, protected, signed_in, f"doctor-{protected.name}"[:64])
        self._started = self._clock.seconds()
        self._cap = cap
        self._say = lambda words: progress(self._service.name, words)
        upstream = self._service.upstream
        self._port = Port(self._clock, upstream, equipment.lookups, equipment.sample_path(upstream))
        self._about = situation_of(self._service, equipment.settings.mesh, now=self._started)
        self._probes: list[Probe] = []
        self._probing: Deferred[Any] | None = None

    async def run(self, *, bypass: bool = False) -> ServiceReport:
        """Examine it."""
        self._say("asking as meshproxy does")
        try:
            evidence, about = await self._request()
            first = diagnose(evidence, about)
            self._note_request(evidence, about, first)
            await self._look_closer(evidence, first)
        finally:
            if self._probing is not None:
                self._probing.cancel()
        self._probes.sort(key=_place)
        found = diagnose(evidence, replace(about, identity=self._identity()), tuple(self._probes))
        around = await self._around(found) if bypass else None
        self._say(f"{found.cause}, answered by {found.answered_by}")
        return ServiceReport(self._service.name, self._service.upstream.url, self._clock.seconds() - self._started, found, around)

    # ---------------------------------------------------------------- the request

    async def _request(self) -> tuple[Evidence, Situation]:
        """The evidence of the request, and what it means that it took so long."""
        head = self._heads.own()
        patience = self._clock.callLater(_PATIENCE, self._begin_probing)
        try:
            evidence = await within(self._clock, self._left(0.3), ask(self._protected.pool, head, self._clock))
        finally:
            if patience.active():
                patience.cancel()
        waited = self._clock.seconds() - self._started
        if evidence is None:
            evidence = Evidence(phase="head", end="timeout", timings={"head": waited})
        if evidence.end != "timeout":
            return evidence, self._about
        # A timer that was cut short to fit is not the service's own.
        cut_short = evidence.phase in ("send", "head") and self._service.timeouts.response > waited + 0.5
        return evidence, replace(self._about, waited=round(waited, 1), capped=cut_short)

    def _note_request(self, evidence: Evidence, about: Situation, first: Diagnosis) -> None:
        """What happened up to the answer, as the first entries of the report."""
        timings = evidence.timings
        notes = []
        if evidence.resolved and evidence.resolved != (self._service.upstream.host.strip("[]"),):
            notes.append(Probe("resolve", ", ".join(evidence.resolved[:5]), seconds=timings.get("resolve", 0.0)))
        if "connect" in timings:
            connected = evidence.phase not in ("connect", "resolve")
            notes.append(Probe("connect", "connected" if connected else evidence.end, seconds=timings["connect"]))
        outcome = str(evidence.status) if evidence.status is not None else first.cause
        seconds = timings.get("head", self._clock.seconds() - self._started)
        notes.append(Probe("request", outcome, host=about.sent_host, answered_by=first.answered_by, seconds=seconds))
        self._probes[:0] = notes

    # ---------------------------------------------------------------- the probes

    async def _look_closer(self, evidence: Evidence, first: Diagnosis) -> None:
        """Only what tells the remaining causes apart."""
        if first.cause == "ok":
            await self._second(evidence)
            return
        if self._probing is None:
            self._begin_probing(evidence, first)
        if self._probing is not None:
            probing, self._probing = self._probing, None
            await probing

    def _begin_probing(self, evidence: Evidence | None = None, first: Diagnosis | None = None) -> None:
        """Start all probes that help, side by side; without evidence because the request hangs."""
        forms = host_forms(self._about)
        steps: list[tuple[Coroutine[Any, Any, None], float]] = []
        for choice in choose(self._about, evidence, first, admin=bool(self._equipment.settings.sidecar_admin)):
            if choice == "hello":
                steps.append((self._hello(), _STEP))
            elif choice == "plain":
                steps.append((self._plain(), _STEP))
            elif choice == "http2":
                steps.append((self._http2(), _STEP))
            elif choice == "admin":
                steps.append((self._admin(), _ADMIN_STEP))
            else:
                steps += [(self._host(form, host), _STEP) for form, host in forms.items() if choice == "hosts" or form == "public"]
        if steps:
            self._say("telling the causes apart")
            started = [Deferred.fromCoroutine(self._bounded(step, seconds)) for step, seconds in steps]
            self._probing = gatherResults(started, consumeErrors=True)

    async def _bounded(self, step: Coroutine[Any, Any, None], seconds: float) -> None:
        try:
            await within(self._clock, min(seconds, self._left(0.1)), step)
        except CancelledError:
            raise
        except Exception:  # a probe that breaks has told nothing
            self.log.failure("a probe broke")

    async def _host(self, form: HostForm, host: str) -> None:
        """The same request with another Host."""
        seconds, evidence = await self._timed(ask(self._protected.pool, self._heads.with_host(host), self._clock))
        about = replace(self._about, sent_host=host)
        seen = Reading(evidence, about)
        outcome = str(evidence.status) if evidence.status is not None else diagnose(evidence, about).cause
        self._probes.append(Probe("host", outcome, host, seen.answered_by, seconds,
                                  HostSeen(form, seen.signature, seen.answered_by, evidence.status)))

    async def _hello(self) -> None:
        """A ClientHello to the same port."""
        tls = self._service.tls
        name = server_name_for(self._service.upstream, tls.server_name if tls is not None else None)
        seconds, seen = await self._timed(say_hello(self._port, name, min(_STEP, self._left(0.2))))
        self._probes.append(Probe("tls", in_words(seen), seconds=seconds, seen=seen))

    async def _plain(self) -> None:
        """An ordinary request to a port that should speak TLS."""
        host = self._service.upstream.authority
        seconds, seen = await self._timed(speak_plain(self._port, self._heads.with_host(host), min(_STEP, self._left(0.2))))
        words = "plain HTTP is answered" if seen.http else f"no plain HTTP: {bytes(seen.first_bytes)!r}"
        self._probes.append(Probe("request", words, host=host, seconds=seconds, seen=seen))

    async def _http2(self) -> None:
        """The HTTP/2 preface, unless a sidecar of our own would answer it, whatever stands behind."""
        if self._about.mesh and self._service.upstream.scheme == "http" and not await self._without_sidecar():
            return
        seconds, seen = await self._timed(speak_http2(self._port, min(_STEP, self._left(0.2))))
        self._probes.append(Probe("http2", "answered in kind" if seen.speaks else "not answered", seconds=seconds, seen=seen))

    async def _admin(self) -> None:
        """Our sidecar's counters before and after one more request."""
        admin = SidecarAdmin(self._equipment, self._service)
        head = self._heads.with_host(self._about.sent_host)
        seconds, seen = await self._timed(
            observe(admin.get, lambda: ask(self._protected.pool, head, self._clock), self._about.sent_name))
        if seen.reachable:
            words = f"the request went to {seen.cluster}" if seen.cluster else "which cluster took the request cannot be told"
            self._probes.append(Probe("admin", words, seconds=seconds, seen=seen))

    async def _without_sidecar(self) -> bool:
        """Whether there is none of our own although ``mesh = true``: its admin, which always listens, refuses."""
        if not self._equipment.settings.sidecar_admin:
            return False
        evidence = await SidecarAdmin(self._equipment, self._service).ask("/ready")
        if evidence.end != "refused":
            return False
        self._probes.append(Probe("admin", "our sidecar's admin refuses: there seems to be no sidecar here", seen=AdminSeen(False)))
        return True

    async def _second(self, evidence: Evidence) -> None:
        """After a redirect to where we already are: once more."""
        location = leads_here(evidence, self._heads, self._about)
        if not location:
            return
        asking = within(self._clock, self._left(0.2), ask(self._protected.pool, self._heads.own(), self._clock))
        seconds, again = await self._timed(asking)
        if again is not None and leads_here(again, self._heads, self._about):
            words = f"{again.status}, to {location} again"
            self._probes.append(Probe("request", words, self._about.sent_host, "service", seconds, SecondSeen(location)))

    # ---------------------------------------------------------------- around meshproxy

    async def _around(self, found: Diagnosis) -> Bypass:
        """Whether a stranger is answered."""
        self._say("trying to get around meshproxy")
        upstream = self._service.upstream
        stranger = tls = None
        if upstream.scheme == "https":
            name = server_name_for(upstream, self._service.tls.server_name if self._service.tls is not None else None)
            tls = await within(self._clock, min(_STEP, self._left(0.1)), say_hello(self._port, name, _STEP))
        elif upstream.scheme == "http":
            host = host_forms(self._about)["invented"] if self._about.mesh else self._about.sent_host
            evidence = await within(
                self._clock, min(_STEP, self._left(0.1)), ask(self._protected.pool, self._heads.with_host(host), self._clock))
            stranger = diagnose(evidence, replace(self._about, sent_host=host)) if evidence is not None else None
        return judge_bypass(self._about, found, stranger, tls)

    # ---------------------------------------------------------------- parts

    def _left(self, reserve: float) -> float:
        return max(self._started + self._cap - reserve - self._clock.seconds(), 0.01)

    async def _timed(self, step: Coroutine[Any, Any, Any]) -> tuple[float, Any]:
        started = self._clock.seconds()
        result = await step
        return self._clock.seconds() - started, result

    def _identity(self) -> str:
        return next((probe.seen.identity for probe in self._probes if hasattr(probe.seen, "identity")), "")  # type: ignore[union-attr]


def _place(probe: Probe) -> tuple[int, str]:
    """Where a probe stands in the report, whichever was answered first."""
    return _ORDER.index(probe.probe), probe.seen.form if isinstance(probe.seen, HostSeen) else ""
