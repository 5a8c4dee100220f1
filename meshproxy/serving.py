"""Who serves requests in this process? A worker on its listeners, from the first connection accepted to the last one let go.

The same in a single process and in each of several (:mod:`meshproxy.workers`), which differ in where the sockets come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from twisted.internet.defer import DeferredList, maybeDeferred
from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger

from .configured import Configured
from .control import Handler
from .control_handlers import handlers
from .observing import Observing
from .sessions.shared_state import SharedState
from .web.downstream_tls import DownstreamTls, listen_endpoint
from .worker import Worker

DRAIN_FOR = 30.0
"""Seconds that requests under way have when meshproxy ends."""

EndpointFor = Callable[[str, DownstreamTls | None], IStreamServerEndpoint]
"""Makes the endpoint of a ``listen`` string."""

_LOOK_AGAIN = 0.1


class Serving:
    """A worker that serves.

    :param shared: what must hold once, everywhere.
    :param observing: the observers of this process.
    :param run_key: the session key for this run, where the conf names none; ``None``: one of its own.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, configured: Configured, shared: SharedState, observing: Observing, *, run_key: bytes | None = None
    ) -> None:
        self._reactor = reactor
        self._configured = configured
        self._observing = observing
        self._ports: list[Any] = []
        self.worker = Worker(
            reactor, configured, shared=shared, audit=observing.audit, observers=observing.observers, inspector=observing.inspector,
            logins=observing.logins, run_key=run_key,
        )

    async def start(self, listen: Iterable[str], endpoint: EndpointFor | None = None) -> None:
        """Serve. Raises :class:`meshproxy.problems.ConfError`, and what opening a socket raises.

        :param listen: the endpoint strings.
        :param endpoint: the endpoint of one of them, where its socket is open already.
        """
        settings = self._configured.settings
        site = await self.worker.start()
        self._observing.watch(self.worker)
        if settings.tls is not None:
            self.worker.gateway.tls = DownstreamTls(settings.tls)
        endpoint = endpoint or partial(listen_endpoint, self._reactor)
        for text in listen:
            self._ports.append(await endpoint(text, self.worker.gateway.tls).listen(site))

    def questions(self) -> Mapping[str, Handler]:
        """What the command line may ask of this process."""
        return handlers(self.worker.sessions, self._observing.inspector, self._observing.logins)

    async def reload(self, configured: Configured) -> None:
        """Take a new configuration. Raises :class:`meshproxy.problems.ConfError`, and keeps the old one then."""
        self.prepare(configured)
        self.take(configured)

    def prepare(self, configured: Configured) -> None:
        """Make what a new configuration needs, without using it yet. Raises :class:`meshproxy.problems.ConfError`."""
        self.worker.prepare(configured)

    def discard(self) -> None:
        """What was prepared is not wanted."""
        self.worker.discard()

    def take(self, configured: Configured) -> None:
        """Use what was prepared, and certificates as their files are now: one that cannot be used is no reason to stay behind."""
        self.worker.take(configured)
        tls = self.worker.gateway.tls
        problem = None if tls is None else tls.reload(configured.settings.tls)
        if problem is not None:
            self.log.error("the certificates in use stay: {problem}", problem=problem)

    async def drain(self, seconds: float) -> None:
        """Accept no more; come back when the last connection is gone, or after so many seconds."""
        await self.close()
        gateway = self.worker.gateway
        gateway.draining = True
        deadline = self._reactor.seconds() + seconds
        for channel in list(gateway.channels):
            channel.close_when_idle()
        while gateway.channels and self._reactor.seconds() < deadline:
            await deferLater(self._reactor, _LOOK_AGAIN)

    async def stop(self) -> None:
        """Close everything that is open."""
        await self.close()
        await self.worker.stop()

    async def close(self) -> None:
        """Accept no more connections."""
        ports, self._ports = self._ports, []
        await DeferredList([maybeDeferred(port.stopListening) for port in ports], consumeErrors=True)
