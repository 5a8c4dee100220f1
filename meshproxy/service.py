"""What does ``twistd meshproxy`` run? The parent half of the composition root: sockets, admin, control, reload, the end.

It owns what exists once: the admin listener, ``SharedState``, the watch over files, and the way out (SIGTERM drains and exits 0). What
requests touch is :class:`~meshproxy.serving.Serving`'s, in this process, or several workers' (:class:`~meshproxy.workers.crew.Crew`).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.logger import Logger

from .config import Watcher
from .configured import Configured, read
from .control import ControlError, ControlServer, default_path
from .log import set_level
from .observing import Observing
from .problems import ConfError, Problem
from .serving import DRAIN_FOR, Serving
from .sessions.shared_state import SharedState
from .sessions.sharing import shared_state
from .workers.crew import Crew

#: what a reload cannot change, as keys of the conf file and where they stand in the settings
_FIXED = {"listen": "listen", "admin_listen": "admin_listen", "control": "control", "state_dir": "state_dir"}


class MeshproxyService(Service):
    """One running meshproxy.

    :param configured: a conf directory that has been read and checked.
    :param workers: how many processes serve requests; with more than one this process serves none.
    :param quiet_warnings: for the embedded default, whose warnings are known and would only frighten.
    """

    log = Logger()

    def __init__(self, reactor: Any, configured: Configured, *, workers: int = 1, quiet_warnings: bool = False) -> None:
        self.reactor = reactor
        self.configured = configured
        self.quiet_warnings = quiet_warnings
        self._workers = workers
        self._serving: Serving | Crew | None = None
        self._admin: Any = None
        self._control: ControlServer | None = None
        self._reloading = DeferredLock()
        self._observing: Observing | None = None
        self._shared: SharedState | None = None
        self._watcher: Watcher | None = None
        self._stopping: Deferred[None] | None = None
        self._exiting = False
        self._also_watched: frozenset[Any] = frozenset()
        self.started: Deferred[None] | None = None
        set_level(configured.settings.log.level)

    # ---------------------------------------------------------------- start

    def startService(self) -> None:
        """Build everything and listen. What fails here ends the program with exit 1: half a proxy is none."""
        Service.startService(self)
        self.started = Deferred.fromCoroutine(self._start())
        self.started.addErrback(self._start_failed)
        self.reactor.callWhenRunning(self._take_signals)

    async def _start(self) -> None:
        settings = self.configured.settings
        if not self.quiet_warnings:
            self._warn(self.configured.warnings)
        self._shared = shared_state(self.reactor, settings)
        self._observing = Observing(self.reactor, self.configured, requests=self._workers == 1)
        if self._workers == 1:
            self._serving = Serving(self.reactor, self.configured, self._shared, self._observing)
        else:
            self._serving = Crew(self.reactor, self.configured, self._workers, self._shared)
            self._observing.watch_crew(self._serving)
        await self._serving.start(settings.listen)
        if settings.admin_listen:
            self._admin = await serverFromString(self.reactor, settings.admin_listen).listen(self._observing.admin_site())
        self._start_control(self._serving)
        self._watcher = Watcher(self.reactor, self._files, self._directories(), self._changed)
        self._watcher.start()
        self._observing.ready()
        self.log.info("meshproxy is ready at {url}", url=str(settings.public_url))

    def _start_control(self, serving: Serving | Crew) -> None:
        """The command line's socket. A place that the operator named must work; the default one may be missing."""
        settings = self.configured.settings
        path = Path(settings.control) if settings.control else default_path(settings.conf_dir)
        control = ControlServer(self.reactor, path, serving.questions())
        try:
            control.start()
        except ControlError as error:
            if settings.control:
                raise
            self.log.warn("`meshproxy sessions` and `login-report` cannot ask this process: {why}", why=str(error))
            return
        self._control = control

    def _start_failed(self, failure: Any) -> None:
        if self._stopping is not None:
            return  # it was told to end before it was ready
        if failure.check(ConfError):
            for problem in failure.value.problems:
                self.log.error("{problem}", problem=str(problem))
        else:
            self.log.error("meshproxy cannot start: {why}", why=failure.getErrorMessage())
            self.log.debug("{traceback}", traceback=failure.getTraceback())
        self._exit(1)

    def _warn(self, warnings: Iterable[Problem]) -> None:
        for warning in warnings:
            self.log.warn("{problem}", problem=str(warning))  # "warning" is a key of Python's own warnings

    # ---------------------------------------------------------------- signals

    def _take_signals(self) -> None:
        """Those of twistd are in place once the reactor runs; ours replace them (SIGTERM would exit 143)."""
        for number, action in ((signal.SIGTERM, self._terminate), (signal.SIGINT, self._terminate), (signal.SIGHUP, self._hang_up)):
            self._on_signal(number, action)

    def _on_signal(self, number: int, action: Callable[[], None]) -> None:
        signal.signal(number, lambda *_: self.reactor.callFromThread(action))

    def _terminate(self) -> None:
        """Drain and exit 0; a second signal ends it at once."""
        if self._stopping is not None:
            self._exit(0)
            return
        self.log.info("draining: no new connections, requests under way have {seconds:g} s", seconds=DRAIN_FOR)
        self._stopping = Deferred.fromCoroutine(self._drain())
        self._stopping.addErrback(lambda failure: self.log.failure("draining failed", failure))
        self._stopping.addCallback(lambda _: self._exit(0))

    def _exit(self, status: int) -> None:
        if self._exiting:
            return
        self._exiting = True
        self.reactor.addSystemEventTrigger("after", "shutdown", *((_exit_with, status) if status else (_ends_anyway,)))
        if self.reactor.running:
            self.reactor.stop()
        else:
            self.reactor.callWhenRunning(self.reactor.stop)

    async def _drain(self) -> None:
        """Stop accepting, let what is under way finish, then close."""
        if self._observing is not None:
            self._observing.draining()
        if self._serving is not None:
            await self._serving.drain(DRAIN_FOR)

    async def _stop(self) -> None:
        """One after the other, from the outside in; what goes wrong with one keeps the others from nothing."""
        parts = (self._watcher, self._control, self._admin, self._serving, self._observing, self._shared)
        for part in parts:
            if part is not None:
                stop = part.stopListening if part is self._admin else part.stop
                ended = maybeDeferred(_call, stop)
                ended.addErrback(lambda failure: self.log.failure("while ending", failure))
                await ended

    def stopService(self) -> Deferred[None]:
        """Close everything; twistd waits for it."""
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    # ---------------------------------------------------------------- reload

    def _hang_up(self) -> None:
        """SIGHUP reloads."""
        self.reload().addErrback(lambda failure: self.log.failure("reloading failed", failure))

    def _changed(self, paths: Any) -> Deferred[None]:
        self.log.info("{paths} changed: reloading", paths=", ".join(sorted(str(path) for path in paths)))
        return self.reload()

    def reload(self) -> Deferred[None]:
        """Read the conf directory again and swap it in; a bad one is reported and changes nothing."""
        return self._reloading.run(lambda: Deferred.fromCoroutine(self._reload()))

    async def _reload(self) -> None:
        old = self.configured
        serving, observing = self._serving, self._observing
        if serving is None or observing is None or self._stopping is not None:
            return
        try:
            new = read(old.settings.conf_dir, old.plugins)
            observing.prepare(new)
            await serving.reload(new)
        except ConfError as error:
            self._also_watched = frozenset(error.files)
            for problem in error.problems:
                self.log.error("not reloaded: {problem}", problem=str(problem))
            observing.reloaded(False, [str(problem) for problem in error.problems])
            return
        for key, attribute in _FIXED.items():
            if getattr(old.settings, attribute) != getattr(new.settings, attribute):
                self.log.warn("{key} has changed; that takes a restart", key=key)
        if old.settings.session.store != new.settings.session.store:
            self.log.warn("[session] store has changed; that takes a restart")
        self.configured = new
        self._also_watched = frozenset()
        set_level(new.settings.log.level)
        self._warn([warning for warning in new.warnings if warning not in old.warnings])
        observing.reconfigure(new)
        observing.reloaded(True, [])
        self.log.info("reloaded")

    def _files(self) -> Any:
        """What was read, by the running configuration and by one that failed: a missing secret may appear."""
        return self.configured.settings.files | self._also_watched

    def _directories(self) -> Any:
        conf_dir = self.configured.settings.conf_dir
        return (conf_dir, conf_dir / "services", conf_dir / "templates")


def _call(stop: Callable[[], Any]) -> Any:
    result = stop()
    return Deferred.fromCoroutine(result) if hasattr(result, "send") else result


def _ends_anyway() -> None:
    """The interpreter's own end puts the default handlers back: one more SIGTERM then would turn exit 0 into 143."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _exit_with(status: int) -> None:
    """Twistd itself would end with 0: leave with the status that says what happened."""
    sys.stderr.flush()
    os._exit(status)
