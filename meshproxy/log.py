"""Where does meshproxy's own log go, and how much of it? Standard error, from the level that ``[log] level`` names.

The access log and the audit trail are not logs in this sense: they are records, and have their own way out
(:mod:`meshproxy.observe`).
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.logger import FilteringLogObserver, LogLevel, LogLevelFilterPredicate, textFileLogObserver

_LEVELS = {"debug": LogLevel.debug, "info": LogLevel.info, "warn": LogLevel.warn, "error": LogLevel.error}
#: which events are written, by namespace and level
predicate = LogLevelFilterPredicate(LogLevel.info)
# Twisted announces every port and factory; that is for its debugging, not for an operator's.
for _namespace in ("twisted", "log_legacy"):
    predicate.setLogLevelForNamespace(_namespace, LogLevel.warn)


def set_level(level: str) -> None:
    """From now on: ``debug``, ``info``, ``warn`` or ``error``."""
    predicate.setLogLevelForNamespace("", _LEVELS[level])
    for namespace in ("twisted", "log_legacy"):
        predicate.setLogLevelForNamespace(namespace, LogLevel.debug if level == "debug" else LogLevel.warn)


def observer_factory() -> Any:
    """A log observer for twistd: text, one event a line, on standard error."""
    return FilteringLogObserver(textFileLogObserver(sys.__stderr__ or sys.stderr), [predicate])


