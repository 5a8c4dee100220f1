"""What does an examination need of a conf directory? Its services compiled as the worker compiles them, each with a pool of its own.

The rule: rewriters, forwarding plans and pools are the real ones; only the timers are bounded, and names are looked up in threads
that nobody waits for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.logger import Logger

from ..api import Context
from ..api.context import secrets_of
from ..compiling import protect
from ..configured import Configured
from ..core.places import Upstream
from ..identity.backchannel import BackChannel
from ..rewriting import Rewriting
from ..samples import SampleServer
from ..settings import PluginTable, ServiceSettings
from ..upstream.lookups import SharedLookups
from ..upstream.pool import Pool
from ..web.protected import ProtectedService
from ..wheel import Wheel
from .resolver import ThreadedResolver

_COOKIE = b"meshproxy"


class Equipment:
    """Everything that is made once for an examination; :meth:`stop` ends it.

    :param longest: seconds; no timer of a service is longer.
    :raises ConfError: where a plugin cannot be made, or a certificate cannot be used.
    """

    def __init__(self, reactor: Any, configured: Configured, longest: float) -> None:
        self.reactor = reactor
        self.configured = configured
        self.settings = configured.settings
        self.lookups = SharedLookups(ThreadedResolver(reactor))
        self._longest = longest
        self._wheel = Wheel(reactor, tick=0.1)
        self._http = BackChannel(reactor)
        self._samples = SampleServer(reactor)
        self._instances: list[Any] = []
        self._pools: list[Pool] = []
        rewritings = {
            service.name: Rewriting([self._make("header_rewriter", table, service.name) for table in service.rewrite])
            for service in self.settings.services
        }
        self.services: dict[str, ProtectedService] = protect(self.settings, rewritings, self.pool_for, _COOKIE)

    def people(self) -> Mapping[str, Any]:
        """The identity providers that know their users by name: who is meant by ``--as USER``."""
        classes = self.configured.plugins.classes("identity_provider")
        tables = [table for table in self.settings.identity if hasattr(classes[table.use], "find")]
        return {table.name: self._make("identity_provider", table) for table in tables}

    def pool_for(self, service: ServiceSettings) -> Pool:
        """Connections to a service: every question on a fresh one, so that none suffers from the one before."""
        return self.pool(service.upstream, replace(service, pool=replace(service.pool, idle=0.0)))

    def pool(self, upstream: Upstream, service: ServiceSettings) -> Pool:
        """Connections to ``upstream`` with the timers, limits and TLS of ``service``."""
        timeouts = replace(
            service.timeouts, connect=min(service.timeouts.connect, self._longest), response=min(service.timeouts.response, self._longest),
            idle=min(service.timeouts.idle, self._longest),
        )
        limits = self.settings.limits
        pool = Pool(
            self.reactor, self._wheel, upstream, timeouts, service.pool, service.tls, sample_path=self.sample_path(upstream),
            head_bytes=limits.head_bytes, max_fields=limits.fields,
        )
        pool.lookups = self.lookups
        self._pools.append(pool)
        return pool

    def sample_path(self, upstream: Upstream) -> str:
        """The socket of the sample application, where it is meant."""
        return self._samples.start() if upstream.scheme == "sample" else ""

    def stop(self) -> Deferred[Any]:
        """Close what is open, end the plugins."""
        for pool in self._pools:
            pool.close(drain=False)
        self._wheel.stop()
        stopping = [maybeDeferred(_stop, instance) for instance in self._instances if hasattr(instance, "stop")]
        return gatherResults([*stopping, maybeDeferred(self._samples.stop)], consumeErrors=True)

    def _make(self, kind: str, table: PluginTable, service: str = "") -> Any:
        settings = self.settings
        context = Context(
            name=table.name, reactor=self.reactor, log=Logger(namespace=f"meshproxy.plugin.{table.name}"), http=self._http,
            public_url=str(settings.public_url), conf_dir=settings.conf_dir, service=service,
            secrets=secrets_of(settings.session.keys),
        )
        instance = self.configured.plugins.make(table, kind, context)
        self._instances.append(instance)
        return instance


def _stop(instance: Any) -> Any:
    stopped = instance.stop()
    return Deferred.fromCoroutine(stopped) if hasattr(stopped, "send") else stopped
