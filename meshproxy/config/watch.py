"""Has a file of the conf directory changed? Asked of the file system again and again, and told once it has settled.

The rule: content is never read here; a file has changed when its links lead elsewhere (how ConfigMaps and Secrets are updated), when
another file stands in its place, when its size or time differs, when it has gone or come. Polling works on every file system that
conf directories are mounted from; notifications do not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

#: Only these count in a directory: logs and audit trails may be written beside conf files, and writing one must not reload them.
WATCHED_SUFFIXES = frozenset({".toml", ".html", ".css", ".svg", ".png", ".jpg", ".jpeg", ".webp", ".ico"})

#: What is seen of a path: where its links lead, and what stands there; ``None`` where nothing does.
Look = tuple[object, ...] | None

log = Logger()


class Watcher:
    """Looks every ``interval`` seconds, and tells a change once two looks in a row have seen the same.

    :param reactor: the clock.
    :param files: the files to look at, asked anew for every look: a reload may bring others.
    :param dirs: directories in which a file of a kind that we read is a change too when it comes, goes or changes.
    :param on_change: called with the paths that changed; a Deferred that it returns is waited for, its failure is logged.
    """

    def __init__(
        self,
        reactor: Any,
        files: Callable[[], Iterable[Path]],
        dirs: Iterable[Path],
        on_change: Callable[[frozenset[Path]], object],
        interval: float = 1.0,
    ) -> None:
        self._files = files
        self._dirs = tuple(dirs)
        self._on_change = on_change
        self._interval = interval
        self._known: dict[Path, Look] = {}
        self._last: dict[Path, Look] = {}
        self._loop = LoopingCall(self.look)
        self._loop.clock = reactor

    def start(self) -> None:
        """What is there now counts as known; the first look comes after ``interval``."""
        self._known = self._last = self._see()
        self._loop.start(self._interval, now=False).addErrback(lambda failure: log.failure("the watcher stopped", failure))

    def stop(self) -> None:
        """No further look. Harmless when it does not run."""
        if self._loop.running:
            self._loop.stop()

    def look(self) -> Deferred[None] | None:
        """One look; tells a change that has settled."""
        seen = self._see()
        settled, self._last = seen == self._last, seen
        # A path that is new because the list of files has changed is no change of a file: it was read just now.
        changed = frozenset(path for path, look in seen.items() if path in self._known and look != self._known[path])
        if not changed:
            self._known = seen
            return None
        if not settled:
            return None
        return Deferred.fromCoroutine(self._tell(changed, seen))

    async def _tell(self, changed: frozenset[Path], seen: dict[Path, Look]) -> None:
        self._known = seen
        try:
            told = self._on_change(changed)
            if isinstance(told, Deferred):
                await told
        except CancelledError:
            raise
        except Exception:
            log.failure("a change of the conf directory could not be followed")

    def _see(self) -> dict[Path, Look]:
        seen: dict[Path, Look] = {path: see(path) for path in self._files()}
        seen.update((directory, see_names(directory)) for directory in self._dirs)
        return seen


def see(path: Path) -> Look:
    """What stands at ``path``, without opening it."""
    try:
        status = os.stat(path)
        return os.path.realpath(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode
    except (OSError, ValueError):
        return None


def see_names(directory: Path) -> Look:
    """The files in a directory that could be ours to read; dot files (editors' and the kubelet's) do not count."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return None
    ours = (name for name in names if not name.startswith(".") and os.path.splitext(name)[1].lower() in WATCHED_SUFFIXES)
    return tuple((name, see(directory / name)) for name in ours)


