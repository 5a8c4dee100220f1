"""How does Prometheus read it? In its own text formats, made by its own library from a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from .catalogue import CATALOGUE, DURATION_BUCKETS, Metric
from .metrics import Labels, Sample

_BOUNDS = (*(str(bound) for bound in DURATION_BUCKETS), "+Inf")

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


def _family(metric: Metric) -> Family:
    if metric.kind == "counter":
        return CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
    if metric.kind == "gauge":
        return GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    return HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)


def _add(family: Family, labels: Labels, value: Any) -> None:
    if isinstance(family, HistogramMetricFamily):
        counts, seconds = value[:-1], value[-1]
        family.add_metric(labels, buckets=list(zip(_BOUNDS, accumulate(counts), strict=True)), sum_value=seconds)
    else:
        family.add_metric(labels, value)


class _Collector(Collector):
    """Gives the registry the families of a snapshot, in the catalogue's order; a metric without figures is left out."""

    def __init__(self, snapshot: Callable[[], Iterable[Sample]]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Family]:
        """The families."""
        families: dict[str, Family] = {}
        for name, labels, value in self._snapshot():
            if name not in families:
                families[name] = _family(CATALOGUE[name])
            _add(families[name], labels, value)
        return iter([families[name] for name in CATALOGUE if name in families])

    def describe(self) -> Iterator[Family]:
        """Nothing: the registry needs no snapshot to know that the names are ours alone."""
        return iter(())


class Exposition:
    """``/metrics``: our figures, and those of the process and the interpreter.

    :param snapshot: the figures, merged where several processes have some.
    """

    def __init__(self, snapshot: Callable[[], Iterable[Sample]]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Collector(snapshot))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def render(self, accept: str) -> tuple[bytes, bytes]:
        """Content type and text, in the format that ``Accept`` asks for."""
        encode, content_type = choose_encoder(accept)
        return content_type.encode("ascii"), encode(self._registry)
