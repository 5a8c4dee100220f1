"""Who keeps the audit trail, and what happens when one of them cannot? A fan-out that isolates, and a promise that blocks.

The rules: every logger gets its own copy of every event; one that fails is counted and logged, the others still run. With a
``required`` logger nothing goes upstream that it has not recorded first (``request.accepted``, waited for at most a second),
so a logger that fails lets nothing pass until a record succeeds again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import isawaitable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, fail, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..core.exchange import Exchange
from . import audit_events
from .audit_events import Event

ACCEPT_WITHIN = 1.0
"""Seconds a required logger has before the request is refused (contract §6)."""

_RECORD_WITHIN = 10.0
_MOST_WAITING = 1000
_REPORT_EVERY = 60.0


class AuditFailed(Exception):
    """What must be recorded could not be: the request is not allowed."""


class _Recorder:
    """One logger, guarded: how often it failed, whether it fails now, how many records it has not come back from."""

    def __init__(self, name: str, instance: Any, required: bool, clock: Any, log: Logger) -> None:
        self.name = name
        self.instance = instance
        self.required = required
        self.failures = 0
        self.failing = False
        self.waiting: set[Deferred[bool]] = set()
        self._clock = clock
        self._log = log
        self._reported_at: float | None = None

    def record(self, event: Event, within: float) -> Deferred[bool] | None:
        """Keep the event. ``None``: it is kept; a Deferred: fires with whether it was."""
        if len(self.waiting) >= _MOST_WAITING:
            return self._refused(event, f"{_MOST_WAITING} records wait already")
        try:
            came = self.instance.record(dict(event))
        except Exception as error:
            return self._refused(event, error)
        if not isawaitable(came) and not isinstance(came, Deferred):
            self.failing = False
            return None
        kept: Deferred[bool] = maybeDeferred(lambda: came).addTimeout(within, self._clock).addCallbacks(
            self._kept, self._failed, errbackArgs=(event,)
        )
        if kept.called:
            return None if kept.result else kept
        self.waiting.add(kept)
        return kept.addBoth(self._came_back, kept)

    def _came_back(self, result: bool, kept: Deferred[bool]) -> bool:
        self.waiting.discard(kept)
        return result

    def _kept(self, _: object) -> bool:
        self.failing = False
        return True

    def _failed(self, failure: Failure, event: Event) -> bool:
        self._count(event, failure.value)
        return False

    def _refused(self, event: Event, error: object) -> Deferred[bool]:
        self._count(event, error)
        refused: Deferred[bool] = Deferred()
        refused.callback(False)
        return refused

    def _count(self, event: Event, error: object) -> None:
        """A failure: counted each time, logged when it begins and then once a minute: a broken logger must not flood the log."""
        self.failures += 1
        now = self._clock.seconds()
        if not self.failing or self._reported_at is None or now - self._reported_at >= _REPORT_EVERY:
            self._reported_at = now
            self._log.error(
                "audit logger {name} failed on {event} ({failures} so far): {kind}: {error}",
                name=self.name, event=event["event"], failures=self.failures, kind=type(error).__name__, error=error,
            )
        self.failing = True


class AuditTrail:
    """The audit trail: give it events, it gives them to every logger.

    :param loggers: name, instance (``IAuditLogger``) and whether it is required, for each.
    :param clock: the reactor (or a test's clock): its ``seconds()`` are seconds since the epoch.
    """

    log = Logger()

    def __init__(self, loggers: Iterable[tuple[str, Any, bool]], clock: Any) -> None:
        self._clock = clock
        #: called with every event, before the loggers: how metrics count logins, refreshes and reloads
        self.listeners: list[Callable[[Event], None]] = []
        self._recorders: tuple[_Recorder, ...] = ()
        self._required: tuple[_Recorder, ...] = ()
        self.configure(loggers)

    def configure(self, loggers: Iterable[tuple[str, Any, bool]]) -> None:
        """Take (new) loggers; one whose instance stays keeps its counts. What they are asked already goes on."""
        known = {(old.name, id(old.instance)): old for old in self._recorders}
        recorders = []
        for name, instance, required in loggers:
            recorder = known.get((name, id(instance))) or _Recorder(name, instance, required, self._clock, self.log)
            recorder.required = required
            recorders.append(recorder)
        self._recorders = tuple(recorders)
        self._required = tuple(recorder for recorder in recorders if recorder.required)

    @property
    def required(self) -> bool:
        """Whether requests wait for :meth:`accept`."""
        return bool(self._required)

    @property
    def blocked(self) -> list[str]:
        """The required loggers whose last record failed: while there are any, ``/readyz`` says so."""
        return [recorder.name for recorder in self._required if recorder.failing]

    @property
    def failures(self) -> dict[str, int]:
        """How many records each logger did not keep."""
        return {recorder.name: recorder.failures for recorder in self._recorders}

    # ---------------------------------------------------------------- events

    def accept(self, exchange: Exchange) -> Deferred[None] | None:
        """Record ``request.accepted`` with every required logger, before a byte goes upstream.

        ``None``: recorded. A Deferred fires when it is, or fails with :class:`AuditFailed`, after a second at the latest.
        """
        event = audit_events.of_exchange("request.accepted", exchange, self._clock.seconds())
        waits = []
        for recorder in self._required:
            kept = recorder.record(event, ACCEPT_WITHIN)
            if kept is not None:
                if kept.called and not kept.result:
                    return fail(AuditFailed(f"audit logger {recorder.name} did not record the request"))
                waits.append(kept)
        if not waits:
            return None
        # A Deferred of its own: when the client goes away it is cancelled, and the loggers' records are not.
        accepted: Deferred[None] = Deferred()
        DeferredList(waits).addCallback(self._decide, accepted)
        return accepted

    @staticmethod
    def _decide(results: list[tuple[bool, bool]], accepted: Deferred[None]) -> None:
        if all(kept for _, kept in results):
            accepted.callback(None)
        else:
            accepted.errback(AuditFailed("a required audit logger did not record the request in time"))

    def record(self, exchange: Exchange) -> None:
        """An observer of requests: the closing event of every one that was about a service."""
        if exchange.event and self._recorders:  # who only counts logins and reloads wants no event of every request
            self.emit(audit_events.of_exchange(exchange.event, exchange, self._clock.seconds()))

    def __call__(self, event: str, **about: Any) -> None:
        """Something happened that is no request: ``audit("login.failed", arrival=…, reason="…")``.

        Keywords as of :func:`meshproxy.observe.audit_events.of_arrival`.
        """
        self.emit(audit_events.of_arrival(event, self._clock.seconds(), **about))

    def emit(self, event: Event) -> None:
        """Give an event to all; nobody waits for it and nobody's failure reaches the caller."""
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                self.log.failure("a listener broke on {event}", event=event["event"])
        for recorder in self._recorders:
            recorder.record(event, _RECORD_WITHIN)

    def stopped(self) -> Deferred[None]:
        """Fires when every record that is under way came back (each has its deadline)."""
        waiting = [kept for recorder in self._recorders for kept in recorder.waiting]
        return DeferredList(waiting).addCallback(lambda _: None)
