"""A service of four arguments: public, under whatever name it is asked."""

from __future__ import annotations

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.inspection import Facts
from meshproxy.standalone import Standalone


def facts(host: str, port: int | None = None) -> Facts:
    made = Facts()
    made.host, made.port = host, port
    return made


class StandaloneTests(SynchronousTestCase):
    def test_one_service_a_name(self) -> None:
        """Each public name has its compiled service, made once; all of them share the connections."""
        standalone = Standalone("backend.test", 8000, MemoryReactorClock())
        self.addCleanup(standalone.close)
        one = standalone.service_for("http", facts("a.test", 8080))
        self.assertIs(standalone.service_for("http", facts("a.test", 8080)), one)
        other = standalone.service_for("https", facts("b.test"))
        self.assertEqual((one.public_origin, other.public_origin), ("http://a.test:8080", "https://b.test"))
        self.assertIs(one.pool, other.pool)
        self.assertTrue(one.anonymous.allowed)

    def test_bounded(self) -> None:
        """Names that a client makes up do not pile up."""
        standalone = Standalone("backend.test", 8000, MemoryReactorClock())
        self.addCleanup(standalone.close)
        for number in range(200):
            standalone.service_for("http", facts(f"h{number}.test"))
        self.assertLessEqual(len(standalone._services), 64)
