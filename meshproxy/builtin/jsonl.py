"""``jsonl``: the audit trail as JSON, one event a line, on standard output or at the end of a file.

The rule: ``record`` comes back when the line is written, and raises when it is not. A file that was rotated away is opened anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, Field
from twisted.internet.defer import Deferred

from meshproxy.api import Context, LineWriter, Problem, hookimpl, line_writer, settings_of

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK


class JsonLines:
    """Writes events as they come. On standard output each says that it is the audit's: the access log stands there too."""

    name = "jsonl"

    class Settings(BaseModel):
        """``path`` is a file in the conf directory or elsewhere; ``-`` is standard output."""

        path: str = Field("-", min_length=1)

    @classmethod
    def check_settings(cls, settings: Settings, path: Callable[[Path], Path]) -> Iterable[Problem]:
        """The file's directory has to be there: found at ``check``, not at the first event."""
        folder = path(Path(settings.path)).parent
        if settings.path != "-" and not folder.is_dir():
            yield Problem("", "path", f"there is no directory {folder}")

    def __init__(self, settings: Settings, context: Context) -> None:
        path = settings_of(self.Settings, settings).path
        self._path = None if path == "-" else context.path(path)
        self._reactor = context.reactor
        self._writer: LineWriter | None = None
        self._opened: tuple[int, int] | None = None
        if self._path is not None:
            self._current_file(self._path)  # a path that cannot be written is a fault of the configuration: found at start

    def record(self, event: Mapping[str, object]) -> Deferred[None] | None:
        """Write the event. Raises :class:`OSError` when it cannot be."""
        if self._path is None:
            # Descriptor 1 itself: under twistd, print and sys.stdout are Twisted's log.
            return line_writer(1, self._reactor).write(_line({"log": "audit", **event}))
        return self._current_file(self._path).write(_line(event))

    def _current_file(self, path: os.PathLike[str]) -> LineWriter:
        if self._writer is not None:
            try:
                found = os.stat(path)
                if (found.st_dev, found.st_ino) == self._opened:
                    return self._writer
            except FileNotFoundError:
                pass
        descriptor = os.open(path, _FLAGS, 0o600)
        self.stop()
        found = os.fstat(descriptor)
        self._opened = (found.st_dev, found.st_ino)
        self._writer = LineWriter(descriptor, self._reactor)
        return self._writer

    def stop(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.stop()
            os.close(self._writer.descriptor)
            self._writer = self._opened = None


def _line(event: Mapping[str, object]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


@hookimpl
def meshproxy_audit_loggers() -> list[type]:
    """Registers ``jsonl``."""
    return [JsonLines]
