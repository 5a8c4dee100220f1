"""meshproxy.workers.passing_on"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.observe.inspector import Inspector
from meshproxy.workers.passing_on import A_SECOND, PassingOn

from .support.exchanges import exchange
from .support.worker_link import joined


class PassingOnTests(SynchronousTestCase):
    """Two workers' inspectors, with a link between them where the parent would be."""

    def setUp(self) -> None:
        self.clock = Clock()
        there: dict[str, Any] = {}
        self.here, self.other = Inspector(a_second=1000), Inspector()
        self.link, other_link, self.joint = joined(self.clock, {}, there)
        PassingOn(self.clock, self.link, self.here)
        there["kept"] = PassingOn(self.clock, other_link, self.other).keep

    def test_the_same(self) -> None:
        """What one worker kept the other shows, word for word, to who looks on too; it goes no further."""
        seen: list[str] = []
        self.other.subscribe(lambda record: seen.append(record.request_id))
        self.here.record(exchange())
        self.joint.flush()
        (kept,) = self.here.recent()
        self.assertEqual([kept.as_dict()], [record.as_dict() for record in self.other.recent()])
        self.assertEqual([kept.request_id], seen)
        found = self.other.find(kept.request_id)
        assert found is not None
        self.assertEqual(1, len(self.here.recent()))

    def test_nothing_secret(self) -> None:
        """What goes over has been redacted."""
        self.here.record(exchange())
        transport: Any = self.link.transport
        self.assertIn(b"kept", transport.value())
        self.assertNotIn(b"s3cret", transport.value())

    def test_a_crowd(self) -> None:
        """A second has its limit, and a link that is congested takes none."""
        for _ in range(3 * A_SECOND):
            self.here.record(exchange(request_id=b"%d" % _))
        self.joint.flush()
        self.assertEqual(A_SECOND, len(self.other.recent()))
        self.clock.advance(1)
        self.link.congested = True
        self.here.record(exchange(request_id=b"late"))
        self.joint.flush()
        self.assertIsNone(self.other.find("late"))
