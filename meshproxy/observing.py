"""Who watches what happens? The observers of one process, made from the configuration: audit, access log, metrics, health.

Part of the composition root: it makes them, gives them what they read, and stops them. The worker only knows a list of
callables that take the record of a request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

from .api import Context, line_writer
from .configured import Configured
from .core.exchange import Exchange
from .core.redaction import redact_head
from .identity.backchannel import BackChannel
from .observe.access_log import AccessLog
from .observe.admin import AdminSite, Readiness
from .observe.audit import AuditTrail
from .observe.exposition import Exposition
from .observe.inspector import Inspector
from .observe.login_reports import LoginReports
from .observe.metrics import Metrics, merged
from .observe.reactor_lag import ReactorLag
from .settings import Settings

if TYPE_CHECKING:
    from .worker import Worker
    from .workers.crew import Crew

_STDOUT = 1


class Observing:
    """The observers of one process.

    :param requests: whether it serves requests itself; the parent of several workers does not.
    :ivar audit: the audit trail, which is also called directly with what is no request (logins, reloads).
    :ivar observers: what is given every request's record, in this order.
    :ivar inspector: the last requests; :ivar logins: the last login attempts.
    """

    log = Logger()

    def __init__(self, reactor: Any, configured: Configured, *, requests: bool = True) -> None:
        self._reactor = reactor
        self._loggers: dict[Any, Any] = {}
        self._http = BackChannel(reactor)
        self._worker: Worker | None = None
        self._crew: Crew | None = None
        self._reasons = {"starting": "starting"}
        self._reached: set[str] = set()  # identity providers that answered once
        self._access_file: Any = None
        self.metrics = Metrics()
        self.lag = ReactorLag(reactor)
        self.audit = AuditTrail(self._make_loggers(configured), reactor)
        self.inspector = Inspector()
        self.logins = LoginReports()
        self.audit.listeners += [self.metrics.audited, self.logins.audited]
        self._access = self._make_access_log(configured.settings) if requests else None
        self.observers: list[Callable[[Exchange], None]] = [
            self._access_record, self.audit.record, self.metrics.record, self.inspector.record,
        ]
        if configured.settings.log.level == "debug":
            self.observers.append(self._debug_head)

    def watch(self, worker: Worker) -> None:
        """Read the figures of a worker when somebody asks."""
        self._worker = worker
        metrics = self.metrics
        metrics.read_pools(lambda: worker.pools)
        metrics.read_from("meshproxy_connections_open", lambda: len(worker.gateway.channels))
        metrics.read_from("meshproxy_access_log_dropped_total", lambda: self._access.dropped if self._access is not None else 0)
        metrics.read_from("meshproxy_cookies_rejected_total", lambda: worker.sessions.reading.rejected)
        metrics.read_from("meshproxy_sessions_live", lambda: len(worker.sessions.book))
        metrics.read_from("meshproxy_sessions_ended_total", lambda: {(cause,): n for cause, n in worker.sessions.book.ended.items()})
        refreshing = worker.sessions.refreshing
        metrics.read_from(
            "meshproxy_refreshes_total", lambda: {("succeeded",): refreshing.succeeded, ("failed",): refreshing.failed})
        self._watch_process()

    def watch_crew(self, crew: Crew) -> None:
        """Read the figures of several workers, and of this process, their parent."""
        self._crew = crew
        self.metrics.read_from("meshproxy_workers_serving", lambda: crew.serving)
        self.metrics.read_from("meshproxy_workers_replaced_total", lambda: crew.replaced)
        self._watch_process()

    def _watch_process(self) -> None:
        metrics = self.metrics
        metrics.read_from("meshproxy_delayed_calls", lambda: len(self._reactor.getDelayedCalls()))
        metrics.read_from("meshproxy_reactor_lag_seconds", lambda: self.lag.worst)
        metrics.read_from("meshproxy_audit_failures_total", lambda: {(name,): count for name, count in self.audit.failures.items()})
        self.lag.start()

    def admin_site(self) -> AdminSite:
        """What the admin listener serves."""
        crew = self._crew
        if crew is None:
            return AdminSite(self.readiness, Exposition(self.metrics.snapshot), self._reactor)
        figures = Exposition(lambda: merged([self.metrics.snapshot(), *crew.figures()]))
        return AdminSite(self.readiness, figures, self._reactor, refresh=crew.look)

    # ---------------------------------------------------------------- ready or not

    def ready(self) -> None:
        """Requests are served from now on."""
        self._reasons.pop("starting", None)

    def draining(self) -> None:
        """The process is about to end: send nothing new."""
        self._reasons["draining"] = "draining"

    def readiness(self) -> Readiness:
        """Whether requests should be sent here, and why not."""
        reasons = list(self._reasons.values())
        warnings: list[str] = []
        worker = self._worker
        if worker is not None:
            down, never = self._providers_down(worker)
            # Who has a session does not need its provider: an outage must not take this process out of service. Only a process
            # in which nobody could ever log in is not ready.
            (reasons if never else warnings).extend(down)
            for why in (worker.sessions.ready(), worker.shared.ready()):
                if why:
                    reasons.append(why)
        reasons += [f"audit logger {name} cannot record" for name in self.audit.blocked]
        if self._crew is not None:
            of_workers = self._crew.readiness()
            reasons += [reason for reason in of_workers.reasons if reason not in reasons]
            warnings += of_workers.warnings
        return Readiness(reasons, warnings)

    def _providers_down(self, worker: Worker) -> tuple[list[str], bool]:
        """Which identity providers do not answer, and whether none of them has since the start."""
        down = []
        for name, provider in worker.providers.items():
            why = provider.ready() if hasattr(provider, "ready") else None
            if why:
                down.append(f"identity provider {name}: {why}")
            else:
                self._reached.add(name)
        return down, bool(down) and not self._reached

    def reloaded(self, succeeded: bool, problems: list[str]) -> None:
        """A reload was tried."""
        if succeeded:
            self.audit("config.reloaded")
        else:
            self.audit("config.rejected", reason="; ".join(problems)[:2000])

    def prepare(self, configured: Configured) -> None:
        """Make the audit loggers of a new configuration. Raises :class:`meshproxy.problems.ConfError`."""
        self._make_loggers(configured)

    def reconfigure(self, configured: Configured) -> None:
        """Take a new configuration."""
        self.audit.configure(self._make_loggers(configured))

    async def stop(self) -> None:
        """Write what is still to be written."""
        self.lag.stop()
        if self._access is not None:
            self._access.stop()
        await self.audit.stopped()
        for logger in self._loggers.values():
            if hasattr(logger, "stop"):
                await maybeDeferred(_call, logger.stop)
        if self._access_file is not None:
            self._access_file.close()

    # ---------------------------------------------------------------- making

    def _make_loggers(self, configured: Configured) -> list[tuple[str, Any, bool]]:
        """Audit loggers; one whose table did not change stays."""
        made = []
        for table in configured.settings.audit:
            key = (table.name, configured.plugins.fingerprint(table, "audit_logger", configured.settings.conf_dir))
            if key not in self._loggers:
                context = Context(
                    name=table.name, reactor=self._reactor, log=Logger(namespace=f"meshproxy.audit.{table.name}"), http=self._http,
                    public_url=str(configured.settings.public_url), conf_dir=configured.settings.conf_dir,
                )
                self._loggers[key] = configured.plugins.make(table, "audit_logger", context)
            made.append((table.name, self._loggers[key], table.required))
        return made

    def _make_access_log(self, settings: Settings) -> AccessLog | None:
        if settings.log.access == "off":
            return None
        descriptor = _STDOUT
        if settings.log.file is not None:
            self._access_file = settings.log.file.open("ab", buffering=0)
            descriptor = self._access_file.fileno()
        return AccessLog(line_writer(descriptor, self._reactor).write, settings.log.access, self._reactor)

    def _access_record(self, exchange: Exchange) -> None:
        if self._access is not None:
            self._access.record(exchange)

    def _debug_head(self, exchange: Exchange) -> None:
        """At ``level = "debug"``: what went upstream, secrets redacted."""
        if exchange.outgoing_head:
            self.log.debug("request {id} went upstream as {head}", id=exchange.request_id.decode("ascii"),
                           head=redact_head(exchange.outgoing_head).decode("latin-1"))


def _call(function: Callable[[], Any]) -> Any:
    result = function()
    return Deferred.fromCoroutine(result) if hasattr(result, "send") else result
