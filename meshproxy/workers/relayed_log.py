"""Where does a worker's log go? To its parent, which writes it into its own, with the worker's number.

So lines stay whole and in one place whatever twistd was told: standard error, a file that it rotates, syslog. The rule: a parent that does
not keep up costs lines, which are counted, and never memory; when it is gone lines go to standard error, so that none is lost.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.logger import FilteringLogObserver, ILogObserver, LogEvent, Logger, LogLevel, eventAsText
from zope.interface import implementer

from ..log import predicate
from .messages import Link


@implementer(ILogObserver)
class RelayedLog:
    """The worker's end: a log observer.

    :ivar dropped: how many lines were lost since the last one that was not.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.dropped = 0

    def __call__(self, event: LogEvent) -> None:
        """Send one event's text."""
        text = eventAsText(event, includeTimestamp=False, includeSystem=False)
        if not text:
            return
        if not self._link.connected:
            print(text, file=sys.__stderr__, flush=True)
            return
        if self._link.congested:
            self.dropped += 1
            return
        if self.dropped:
            text = f"{text}\n({self.dropped} lines before this one were lost)"
            self.dropped = 0
        level = event.get("log_level") or LogLevel.info
        self._link.tell("log", level=level.name, namespace=event.get("log_namespace", ""), text=text)


def observer_for(link: Link) -> Any:
    """What a worker's logging begins with."""
    return FilteringLogObserver(RelayedLog(link), [predicate])


def write(number: int, level: str, namespace: str, text: str) -> None:
    """The parent's end: into its own log, as the worker's of that number."""
    level_constant = LogLevel.levelWithName(level)
    Logger(namespace=f"meshproxy.workers.{number}").emit(
        level_constant, "{text}", text=text, log_system=f"worker {number} {namespace}#{level}")
