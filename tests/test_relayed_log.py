"""meshproxy.workers.relayed_log"""

from __future__ import annotations

import io
import sys
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel, eventAsText, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.workers import relayed_log
from meshproxy.workers.relayed_log import RelayedLog

from .support.worker_link import joined


class RelayedLogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.link, _, self.joint = joined(Clock(), {}, {"log": lambda **about: self.heard.append(about)})
        self.observer = RelayedLog(self.link)
        self.log = Logger(namespace="meshproxy.upstream", observer=self.observer)

    def test_a_line(self) -> None:
        """An event goes over as its text, with level and namespace."""
        self.log.warn("{name} does not answer", name="grafana")
        self.joint.flush()
        self.assertEqual([{"level": "warn", "namespace": "meshproxy.upstream", "text": "grafana does not answer"}], self.heard)

    def test_a_failure(self) -> None:
        """A failure's traceback goes with it."""
        try:
            raise ValueError("broken")
        except ValueError:
            self.log.failure("it broke")
        self.joint.flush()
        self.assertEqual("critical", self.heard[0]["level"])
        self.assertIn("ValueError: broken", self.heard[0]["text"])

    def test_congestion(self) -> None:
        """A parent that does not keep up costs lines, never memory; the next line says how many."""
        self.link.congested = True
        for _ in range(3):
            self.log.info("lost")
        self.link.congested = False
        self.log.info("heard")
        self.log.info("and again")
        self.joint.flush()
        self.assertEqual(["heard\n(3 lines before this one were lost)", "and again"], [one["text"] for one in self.heard])

    def test_without_a_parent(self) -> None:
        """When the parent is gone lines go to standard error."""
        self.joint.cut()
        stream = io.StringIO()
        self.patch(sys, "__stderr__", stream)
        self.log.error("the last words")
        self.assertEqual("the last words\n", stream.getvalue())

    def test_in_the_parent(self) -> None:
        """The parent's log has it with the worker's number, the place it comes from, and its level."""
        seen: list[Any] = []
        globalLogPublisher.addObserver(seen.append)
        self.addCleanup(globalLogPublisher.removeObserver, seen.append)
        relayed_log.write(2, "warn", "meshproxy.upstream", "50% of {this} is text")
        (event,) = (one for one in seen if one.get("log_namespace") == "meshproxy.workers.2")
        self.assertEqual(LogLevel.warn, event["log_level"])
        self.assertEqual("[worker 2 meshproxy.upstream#warn] 50% of {this} is text", eventAsText(event, includeTimestamp=False))
