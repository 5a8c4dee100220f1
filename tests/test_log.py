"""The log on standard error."""

from __future__ import annotations

import sys
from io import StringIO

from twisted.logger import Logger, LogPublisher
from twisted.trial.unittest import SynchronousTestCase

from meshproxy import log


class LogTests(SynchronousTestCase):
    def lines(self, level: str) -> list[str]:
        out = StringIO()
        self.patch(sys, "__stderr__", out)
        log.set_level(level)
        self.addCleanup(log.set_level, "info")
        publisher = LogPublisher(log.observer_factory())
        for namespace in ("meshproxy.service", "twisted.internet"):
            logger = Logger(namespace=namespace, observer=publisher)
            logger.debug("{who} debug", who=namespace)
            logger.info("{who} info", who=namespace)
            logger.warn("{who} warn", who=namespace)
            logger.error("{who} error", who=namespace)
        return [line.split("] ", 1)[1] for line in out.getvalue().splitlines()]

    def test_levels(self) -> None:
        """From the level that is set; of Twisted's own only what is wrong, unless everything is wanted."""
        ours = ["meshproxy.service info", "meshproxy.service warn", "meshproxy.service error"]
        self.assertEqual(self.lines("info"), [*ours, "twisted.internet warn", "twisted.internet error"])
        self.assertEqual(self.lines("error")[0], "meshproxy.service error")
        self.assertIn("twisted.internet debug", self.lines("debug"))
