"""How much of what happens? Plain counters that a request increments, and figures that are read when somebody asks.

The rule: a request costs a few dictionary increments. Everything else (families, labels, text) is made when ``/metrics`` is
read, from a snapshot that can also be taken in a worker and added up in its parent.
"""

from __future__ import annotations

import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from twisted.logger import Logger

import twisted

from .. import __version__
from ..core.exchange import Exchange
from .audit_events import Event
from .catalogue import CATALOGUE, DURATION_BUCKETS

Labels = tuple[str, ...]
Sample = tuple[str, Labels, Any]
"""Name, label values, value; of a histogram the value is a list: a count a bucket, then the sum."""

Source = Callable[[], "float | Mapping[Labels, float]"]

_MOST_LABELS = 64
"""Of labels whose values others choose (providers, causes): more become ``other``, so that a mistake cannot fill a Prometheus."""

_STATUS_CLASS = {number: f"{number}xx" for number in range(1, 6)}


class _ServiceFigures:
    """What is added up per service."""

    __slots__ = ("body_in_bytes", "body_out_bytes", "buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(DURATION_BUCKETS) + 1)
        self.seconds = 0.0
        self.body_in_bytes = 0
        self.body_out_bytes = 0


class Metrics:
    """The figures of one process."""

    log = Logger()

    def __init__(self) -> None:
        self._requests: Counter[Labels] = Counter()
        self._failures: Counter[Labels] = Counter()
        self._services: dict[str, _ServiceFigures] = {}
        self._events: dict[str, Counter[Labels]] = {"meshproxy_logins_total": Counter(), "meshproxy_reloads_total": Counter()}
        self._sources: dict[str, Source] = {}

    # ---------------------------------------------------------------- what happens

    def record(self, exchange: Exchange) -> None:
        """An observer of requests."""
        service = exchange.service
        self._requests[service, _STATUS_CLASS.get(exchange.status // 100, "none"), exchange.event] += 1
        figures = self._services.get(service)
        if figures is None:
            figures = self._services[service] = _ServiceFigures()
        figures.body_in_bytes += exchange.body_in_bytes
        figures.body_out_bytes += exchange.body_out_bytes
        if not exchange.tunnel:
            figures.buckets[bisect_left(DURATION_BUCKETS, exchange.duration)] += 1
            figures.seconds += exchange.duration
        if exchange.cause and exchange.cause != "ok":
            self._failures[service, exchange.answered_by, exchange.cause] += 1

    def audited(self, event: Event) -> None:
        """A listener of the audit trail: logins and reloads are counted from their events."""
        kind, _, outcome = event["event"].partition(".")
        if kind == "login":
            self._add("meshproxy_logins_total", str(event.get("provider") or ""), outcome)
        elif kind == "config":
            self._add("meshproxy_reloads_total", {"reloaded": "succeeded"}.get(outcome, "failed"))

    def _add(self, name: str, *labels: str) -> None:
        counter = self._events[name]
        if labels not in counter and len(counter) >= _MOST_LABELS:
            labels = ("other",) * len(labels)
        counter[labels] += 1

    def read_from(self, name: str, source: Source) -> None:
        """Read a metric of the catalogue from ``source`` whenever figures are wanted: a number, or numbers by label values.

        Raises :class:`KeyError` for a name that is not in the catalogue.
        """
        self._sources[CATALOGUE[name].name] = source

    def read_pools(self, pools: Callable[[], Mapping[str, Any]]) -> None:
        """Read the figures of the pools, by service."""
        for name, attribute in (
            ("meshproxy_upstream_requests_active", "active"),
            ("meshproxy_upstream_requests_queued", "queued"),
            ("meshproxy_upstream_requests_retried_total", "retried_total"),
            ("meshproxy_upstream_connections_idle", "idle"),
            ("meshproxy_upstream_connections_opened_total", "opened_total"),
            ("meshproxy_upstream_connections_reused_total", "reused_total"),
            ("meshproxy_upstream_surplus_closed_total", "surplus_total"),
            ("meshproxy_tunnels_open", "tunnels"),
        ):
            self.read_from(name, partial(_of_pools, pools, attribute))

    # ---------------------------------------------------------------- what is known

    def snapshot(self) -> list[Sample]:
        """Everything, as plain values (JSON can carry them from a worker to its parent)."""
        samples: list[Sample] = [("meshproxy_build_info", (__version__, platform.python_version(), twisted.__version__), 1)]
        samples += [("meshproxy_requests_total", labels, count) for labels, count in self._requests.items()]
        samples += [("meshproxy_upstream_failures_total", labels, count) for labels, count in self._failures.items()]
        for service, figures in self._services.items():
            samples += [
                ("meshproxy_request_duration_seconds", (service,), [*figures.buckets, figures.seconds]),
                ("meshproxy_request_body_bytes_total", (service,), figures.body_in_bytes),
                ("meshproxy_response_body_bytes_total", (service,), figures.body_out_bytes),
            ]
        for name, counter in self._events.items():
            samples += [(name, labels, count) for labels, count in counter.items()]
        for name, source in self._sources.items():
            samples += self._read(name, source)
        return samples

    def _read(self, name: str, source: Source) -> list[Sample]:
        try:
            value = source()
            if isinstance(value, Mapping):
                return [(name, labels, figure) for labels, figure in value.items()]
            return [(name, (), value)]
        except Exception:
            self.log.failure("the figure {name} could not be read", name=name)
            return []


def _of_pools(pools: Callable[[], Mapping[str, Any]], attribute: str) -> dict[Labels, float]:
    return {(service,): getattr(pool, attribute) for service, pool in pools().items()}


def merged(snapshots: Iterable[Iterable[Sample]]) -> list[Sample]:
    """The figures of several processes as one."""
    together: dict[tuple[str, Labels], Any] = {}
    for snapshot in snapshots:
        for name, labels, value in snapshot:
            key = (name, tuple(labels))
            if key not in together:
                together[key] = value
            elif isinstance(value, list):
                together[key] = [one + other for one, other in zip(together[key], value, strict=True)]
            elif CATALOGUE[name].merge == "max":
                together[key] = max(together[key], value)
            else:
                together[key] += value
    return [(name, labels, value) for (name, labels), value in together.items()]
