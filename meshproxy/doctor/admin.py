"""What does our own sidecar's admin tell of one request? Its counters before and after it, its endpoints, its certificate.

The rule: reads only, and what does not answer, or answers something else, is no error: then nothing is known. Istio leaves most
statistics out; what stands in ``/clusters`` of each host is always there.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..core.diagnosis import AdminSeen
from ..core.evidence import Evidence

_STATS = (
    r"/stats?filter=cluster\..*\.(upstream_cx_connect_fail|upstream_cx_connect_timeout|upstream_rq_total|upstream_cx_total|"
    r"ssl\.fail_verify_san|ssl\.fail_verify_error|ssl\.connection_error|ssl\.handshake)$"
)
_STAT = re.compile(r"cluster\.(?P<cluster>.+)\.(?P<name>upstream_[a-z_]+|ssl\.[a-z_]+): (?P<value>\d+)")
_HOST = re.compile(r"(?P<cluster>.+?)::(?P<address>[^:\s]\S*:\d+|\[[^\]]+\]:\d+|\S+\.sock)::(?P<name>[a-z_]+)::(?P<value>.*)")
_PASSTHROUGH = "PassthroughCluster"
_OWN = ("prometheus_stats", "agent", "xds-grpc", "sds-grpc", "zipkin", "BlackHoleCluster")


@dataclass(slots=True)
class Counters:
    """What the admin counts at one moment, by cluster and counter; ``hosts``: health flags by cluster and address."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    hosts: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, cluster: str, name: str, value: int) -> None:
        """Count."""
        self.counts.setdefault(cluster, Counter())[name] += value

    def since(self, before: Counters, cluster: str) -> Counter[str]:
        """What a cluster's counters have grown by."""
        return self.counts.get(cluster, Counter()) - before.counts.get(cluster, Counter())


Get = Callable[[str], Awaitable[bytes | None]]
"""Reads a path of the admin; ``None`` where it does not answer 200."""


async def observe(get: Get, request: Callable[[], Awaitable[Evidence]], expected: str) -> AdminSeen:
    """Count, send one request, count again.

    :param expected: the name that the cluster's own probably contains, where several have moved.
    """
    before = await _count(get)
    if before is None:
        return AdminSeen(False)
    await request()
    after = await _count(get)
    identity, ends = _identity(await get("/certs"))
    if after is None:
        return AdminSeen(True, identity=identity, identity_ends=ends)
    cluster = which_cluster(before, after, expected)
    grown = after.since(before, cluster)
    flags = after.hosts.get(cluster, {})
    tls_failed = grown["ssl.connection_error"] + grown["ssl.fail_verify_san"] + grown["ssl.fail_verify_error"]
    return AdminSeen(
        True, cluster, len(flags), sum(1 for flag in flags.values() if flag == "healthy"),
        refused=max(grown["upstream_cx_connect_fail"], grown["cx_connect_fail"]), timed_out=grown["upstream_cx_connect_timeout"],
        wrong_name=grown["ssl.fail_verify_san"], not_trusted=grown["ssl.fail_verify_error"], tls_failed=tls_failed,
        handshakes=grown["ssl.handshake"], passthrough=cluster.startswith(_PASSTHROUGH), identity=identity, identity_ends=ends,
        encrypts=_encrypts(after.counts.get(cluster, Counter())),
    )


def which_cluster(before: Counters, after: Counters, expected: str) -> str:
    """The cluster that the request went to: the one whose counters moved, "" where that is not certain."""
    moved = [name for name in after.counts if name not in _OWN and after.since(before, name)]
    if len(moved) > 1:
        moved = [name for name in moved if expected and name.endswith(f"||{expected}")] or moved
    return moved[0] if len(moved) == 1 else ""


def _encrypts(counts: Counter[str]) -> bool | None:
    """Whether the cluster has TLS: its statistics have handshakes; ``None`` where the statistics are left out."""
    if not any(name.startswith("upstream_") for name in counts):
        return None
    return any(name.startswith("ssl.") for name in counts)


async def _count(get: Get) -> Counters | None:
    clusters = await get("/clusters")
    if clusters is None or b"::" not in clusters:
        return None
    counters = read_clusters(clusters.decode("utf-8", "replace"))
    stats = await get(_STATS)
    for line in (stats or b"").decode("utf-8", "replace").splitlines():
        match = _STAT.fullmatch(line.strip())
        if match is not None:
            counters.add(match["cluster"], match["name"], int(match["value"]))
    return counters


def read_clusters(text: str) -> Counters:
    """The text form of ``/clusters``."""
    counters = Counters()
    for line in text.splitlines():
        match = _HOST.fullmatch(line.strip())
        if match is None:
            continue
        cluster, name, value = match["cluster"], match["name"], match["value"]
        if name == "health_flags":
            counters.hosts.setdefault(cluster, {})[match["address"]] = value
        elif value.isdigit() and name in ("cx_connect_fail", "cx_total", "rq_total", "rq_error", "rq_timeout"):
            counters.add(cluster, name, int(value))
    return counters


def _identity(certs: bytes | None) -> tuple[str, float | None]:
    """Our own SPIFFE id, and when its certificate ends."""
    try:
        found: Any = json.loads(certs or b"")
        for one in found["certificates"]:
            for link in one.get("cert_chain", ()):
                for name in link.get("subject_alt_names", ()):
                    if str(name.get("uri", "")).startswith("spiffe://"):
                        ends = datetime.fromisoformat(str(link["expiration_time"]).replace("Z", "+00:00")).timestamp()
                        return str(name["uri"]), ends
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return "", None
