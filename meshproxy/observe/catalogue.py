"""Which metrics are there? One table: name, kind, labels and what it says, and how the figures of several processes add up.

The rule: every name is ``meshproxy_<noun>_<verb>_<unit>``, every label has few values (services, providers, causes of a closed
list; never a path, a person or a client), and what is not in this table is not exposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    :ivar merge: of several workers' figures: their sum, or the largest of them.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    merge: Literal["sum", "max"] = "sum"


DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds; one more for what takes longer."""

CATALOGUE: dict[str, Metric] = {metric.name: metric for metric in (
    Metric("meshproxy_requests_total", "counter", "Requests answered; service is empty for meshproxy's own pages, status is 2xx and so on.",
           ("service", "status", "event")),
    Metric("meshproxy_request_duration_seconds", "histogram", "From a request's head to its answer's last byte; without tunnels.",
           ("service",)),
    Metric("meshproxy_request_body_bytes_total", "counter", "Bytes of request bodies, and of what tunnels sent up.", ("service",)),
    Metric("meshproxy_response_body_bytes_total", "counter", "Bytes of response bodies, and of what tunnels sent down.", ("service",)),
    Metric("meshproxy_upstream_failures_total", "counter", "Requests that a service did not answer well: who answered, and the cause.",
           ("service", "answered_by", "cause")),
    Metric("meshproxy_upstream_requests_active", "gauge", "Requests that are at a service now.", ("service",)),
    Metric("meshproxy_upstream_requests_queued", "gauge", "Requests that wait for a connection to a service now.", ("service",)),
    Metric("meshproxy_upstream_requests_retried_total", "counter", "Requests sent again, since an idle connection had died.", ("service",)),
    Metric("meshproxy_upstream_connections_idle", "gauge", "Kept-alive connections to a service that are free now.", ("service",)),
    Metric("meshproxy_upstream_connections_opened_total", "counter", "Connections opened to a service.", ("service",)),
    Metric("meshproxy_upstream_connections_reused_total", "counter", "Requests sent on a connection that had served others.", ("service",)),
    Metric("meshproxy_upstream_surplus_closed_total", "counter", "Connections closed because bytes came that nobody had asked for.",
           ("service",)),
    Metric("meshproxy_tunnels_open", "gauge", "WebSockets open to a service now.", ("service",)),
    Metric("meshproxy_connections_open", "gauge", "Connections of clients that are open now."),
    Metric("meshproxy_sessions_live", "gauge", "Sessions that this process has in memory: those in use."),
    Metric("meshproxy_sessions_ended_total", "counter", "Sessions ended, by why.", ("cause",)),
    Metric("meshproxy_cookies_rejected_total", "counter", "Session cookies that were no valid session: expired, foreign or damaged."),
    Metric("meshproxy_logins_total", "counter", "Logins by provider and outcome (succeeded, failed).", ("provider", "outcome")),
    Metric("meshproxy_refreshes_total", "counter", "Token refreshes by outcome (succeeded, failed).", ("outcome",)),
    Metric("meshproxy_reloads_total", "counter", "Reloads of the configuration by outcome (succeeded, failed).", ("outcome",)),
    Metric("meshproxy_audit_failures_total", "counter", "Audit events that a logger did not keep.", ("logger",)),
    Metric("meshproxy_access_log_dropped_total", "counter", "Access log lines that nobody read in time."),
    Metric("meshproxy_workers_serving", "gauge", "Workers that serve requests now; only with --workers."),
    Metric("meshproxy_workers_replaced_total", "counter", "Workers that ended by themselves and were replaced; only with --workers."),
    Metric("meshproxy_certificate_expiry_seconds", "gauge", "When a certificate in use ends, seconds since the epoch.", ("file",), "max"),
    Metric("meshproxy_reactor_lag_seconds", "gauge", "The longest that the event loop was late within the last minute.", (), "max"),
    Metric("meshproxy_delayed_calls", "gauge", "Timers that are set now: a number that only grows is a leak."),
    Metric("meshproxy_build_info", "gauge", "Always 1; the versions stand in the labels.", ("version", "python", "twisted"), "max"),
)}
