import json
from types import SimpleNamespace

from twisted.trial import unittest

from meshproxy.observe.catalogue import DURATION_BUCKETS
from meshproxy.observe.metrics import Metrics, merged

from .support.exchanges import exchange


class MetricsTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.metrics = Metrics()

    def figures(self, name: str) -> dict:
        return {labels: value for metric, labels, value in self.metrics.snapshot() if metric == name}

    def test_requests(self) -> None:
        """Requests are counted by service, status class and event; own pages have no service, an aborted one no status."""
        for changes in ({}, {}, {"status": 503, "event": "request.failed"}, {"service": "", "event": ""}, {"status": 0}):
            self.metrics.record(exchange(**changes))
        self.assertEqual(
            {
                ("grafana", "2xx", "request.forwarded"): 2, ("grafana", "5xx", "request.failed"): 1, ("", "2xx", ""): 1,
                ("grafana", "none", "request.forwarded"): 1,
            },
            self.figures("meshproxy_requests_total"),
        )

    def test_durations(self) -> None:
        """A duration falls into the first bucket that is not below it; a tunnel's hours count nowhere."""
        for duration in (0.0, 0.005, 0.0051, 61.0):
            self.metrics.record(exchange(duration=duration))
        self.metrics.record(exchange(duration=7200.0, tunnel=True))
        *buckets, seconds = self.figures("meshproxy_request_duration_seconds")["grafana",]
        self.assertEqual([2, 1, *[0] * (len(DURATION_BUCKETS) - 2), 1], buckets)
        self.assertAlmostEqual(61.0101, seconds)

    def test_bytes(self) -> None:
        """Bytes of bodies add up, those of tunnels too."""
        self.metrics.record(exchange(body_in_bytes=3))
        self.metrics.record(exchange(body_in_bytes=4, tunnel=True))
        self.assertEqual({("grafana",): 7}, self.figures("meshproxy_request_body_bytes_total"))
        self.assertEqual({("grafana",): 196}, self.figures("meshproxy_response_body_bytes_total"))

    def test_failures(self) -> None:
        """A cause other than ok is a failure, by who answered."""
        self.metrics.record(exchange())
        self.metrics.record(exchange(cause=""))
        self.metrics.record(exchange(answered_by="own-sidecar", cause="connect_refused", status=503))
        self.assertEqual({("grafana", "own-sidecar", "connect_refused"): 1}, self.figures("meshproxy_upstream_failures_total"))

    def test_audited(self) -> None:
        """Logins by provider and reloads are counted from their events; other events are not."""
        for event in ("login.succeeded", "login.failed", "login.failed", "logout", "session.ended"):
            self.metrics.audited({"event": event, "provider": "corp"})
        self.metrics.audited({"event": "login.failed"})
        self.metrics.audited({"event": "config.reloaded"})
        self.metrics.audited({"event": "config.refused"})
        self.assertEqual({("corp", "succeeded"): 1, ("corp", "failed"): 2, ("", "failed"): 1}, self.figures("meshproxy_logins_total"))
        self.assertEqual({("succeeded",): 1, ("failed",): 1}, self.figures("meshproxy_reloads_total"))

    def test_labels_are_bounded(self) -> None:
        """A label that somebody else chooses cannot grow without end: the rest is ``other``."""
        for number in range(100):
            self.metrics.audited({"event": "login.failed", "provider": f"p{number}"})
        figures = self.figures("meshproxy_logins_total")
        self.assertEqual((65, 36), (len(figures), figures["other", "other"]))

    def test_sources(self) -> None:
        """What has a source is read when figures are wanted; one that breaks is logged and left out; an unknown name is refused."""
        self.metrics.read_from("meshproxy_connections_open", lambda: 7)
        self.metrics.read_from("meshproxy_sessions_ended_total", lambda: {("logout",): 2})
        self.metrics.read_from("meshproxy_sessions_live", lambda: 1 // 0)
        self.assertEqual({(): 7}, self.figures("meshproxy_connections_open"))
        self.assertEqual({("logout",): 2}, self.figures("meshproxy_sessions_ended_total"))
        self.assertEqual({}, self.figures("meshproxy_sessions_live"))
        self.assertEqual(3, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertRaises(KeyError, self.metrics.read_from, "meshproxy_made_up", lambda: 1)

    def test_pools(self) -> None:
        """A pool's figures are read by service, from whatever pools there are now."""
        figures = {"active": 1, "queued": 2, "idle": 3, "tunnels": 4, "opened_total": 5, "reused_total": 6, "surplus_total": 7}
        pools = {"a": SimpleNamespace(**figures, retried_total=8)}
        self.metrics.read_pools(lambda: pools)
        self.assertEqual({("a",): 1}, self.figures("meshproxy_upstream_requests_active"))
        self.assertEqual({("a",): 4}, self.figures("meshproxy_tunnels_open"))
        self.assertEqual({("a",): 8}, self.figures("meshproxy_upstream_requests_retried_total"))
        pools["b"] = pools["a"]
        self.assertEqual({("a",): 3, ("b",): 3}, self.figures("meshproxy_upstream_connections_idle"))

    def test_merged(self) -> None:
        """Snapshots of several processes, carried as JSON, add up: sums, buckets one by one, the worst lag, one build."""
        self.metrics.record(exchange(duration=0.5))
        self.metrics.read_from("meshproxy_reactor_lag_seconds", lambda: 0.2)
        other = Metrics()
        other.record(exchange(duration=0.25))
        other.record(exchange(status=404))
        other.read_from("meshproxy_reactor_lag_seconds", lambda: 0.9)
        carried = [json.loads(json.dumps(metrics.snapshot())) for metrics in (self.metrics, other)]
        together = {(name, labels): value for name, labels, value in merged(carried)}
        self.assertEqual(2, together["meshproxy_requests_total", ("grafana", "2xx", "request.forwarded")])
        self.assertEqual(1, together["meshproxy_requests_total", ("grafana", "4xx", "request.forwarded")])
        self.assertEqual(3, sum(together["meshproxy_request_duration_seconds", ("grafana",)][:-1]))
        self.assertAlmostEqual(0.7625, together["meshproxy_request_duration_seconds", ("grafana",)][-1])
        self.assertEqual(0.9, together["meshproxy_reactor_lag_seconds", ()])
        self.assertEqual([1], [value for (name, _), value in together.items() if name == "meshproxy_build_info"])
