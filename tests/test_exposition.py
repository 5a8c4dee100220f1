from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from twisted.trial import unittest

from meshproxy.observe.exposition import Exposition
from meshproxy.observe.metrics import Metrics

from .support.exchanges import exchange


class ExpositionTests(unittest.SynchronousTestCase):
    def setUp(self) -> None:
        self.metrics = Metrics()
        self.exposition = Exposition(self.metrics.snapshot)

    def samples(self) -> dict:
        _, text = self.exposition.render("")
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in parse(text.decode("utf-8")) for sample in family.samples
        }

    def test_counters_and_histograms(self) -> None:
        """A parser of the format reads the figures back; a histogram's buckets are cumulative and end with +Inf."""
        self.metrics.record(exchange(duration=0.02))
        self.metrics.record(exchange(duration=99.0))
        samples = self.samples()
        self.assertEqual(
            2, samples["meshproxy_requests_total", (("event", "request.forwarded"), ("service", "grafana"), ("status", "2xx"))])
        bucket = "meshproxy_request_duration_seconds_bucket"
        self.assertEqual(
            [0, 1, 1, 2],
            [samples[bucket, (("le", bound), ("service", "grafana"))] for bound in ("0.01", "0.025", "60.0", "+Inf")],
        )
        self.assertEqual(2, samples["meshproxy_request_duration_seconds_count", (("service", "grafana"),)])
        self.assertAlmostEqual(99.02, samples["meshproxy_request_duration_seconds_sum", (("service", "grafana"),)])

    def test_the_process_too(self) -> None:
        """Memory, descriptors and collections of the process are there as well."""
        names = {name for name, _ in self.samples()}
        self.assertTrue({"process_resident_memory_bytes", "process_open_fds", "python_info", "meshproxy_build_info"} <= names)

    def test_formats(self) -> None:
        """OpenMetrics is given to who asks for it, the plain text format to everybody else."""
        self.metrics.record(exchange())
        kind, text = self.exposition.render("application/openmetrics-text; version=1.0.0")
        self.assertTrue(kind.startswith(b"application/openmetrics-text"))
        self.assertTrue(list(parse_openmetrics(text.decode("utf-8"))))
        self.assertTrue(self.exposition.render("text/html, */*")[0].startswith(b"text/plain"))

    def test_read_anew(self) -> None:
        """Each reading shows what is now."""
        self.samples()
        self.metrics.record(exchange())
        self.assertIn(("meshproxy_request_body_bytes_total", (("service", "grafana"),)), self.samples())
