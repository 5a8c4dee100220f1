"""What does one process need to serve requests? The worker half of the composition root.

Everything a request touches is built and wired here and nowhere else: providers, sessions, services with their rewriters
and pools, pages, the resource tree, the gateway. A reload builds anew what its configuration changes and keeps the rest;
requests under way go on with what they have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from .api import Context
from .configured import Configured
from .core.envelope import KeyRing
from .core.places import Origin
from .core.routing import RouteTable
from .core.trust import Trust
from .diagnosing import Diagnosing
from .identity.backchannel import BackChannel
from .problems import ConfError
from .rewriting import Rewriting, managed_everywhere
from .samples.sample_server import SampleServer
from .sessions.attempts import LoginAttempts
from .sessions.handoff import Handoff
from .sessions.manager import Sessions
from .settings import PluginTable, ServiceSettings, Settings
from .upstream.pool import Pool
from .web.gateway import Gateway
from .web.own import OwnParts
from .web.own import tree as own_tree
from .web.pages import Pages
from .web.protected import ProtectedService
from .web.refusals import Refusals
from .web.request_providers import RequestProviders
from .web.resource import ServiceResource
from .web.site import MeshSite
from .web.tree import Tree
from .wheel import Wheel

_SWEEP_EVERY = 1.0  # seconds between looks at sessions that are over and still hold a tunnel


class Directory:
    """The services as pages show them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def services(self) -> tuple[ServiceSettings, ...]:
        """All of them, in the order of their files' names."""
        return self._settings.services

    def url(self, service: ServiceSettings) -> str:
        """Where a browser opens it."""
        return f"{public_origin(self._settings, service.route.host)}{service.route.path}"


class Worker:
    """Everything that requests touch, in one process.

    :param shared: what must hold once, everywhere (:mod:`meshproxy.sessions.shared_state`).
    :param audit: the audit trail.
    :param observers: what reads the record of every request.
    :param inspector: the last requests, for the page that shows them.
    :param run_key: the session key where the conf names none: all workers of a run have the same.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, configured: Configured, *, shared: Any, audit: Any, observers: Iterable[Callable[..., None]],
        inspector: Any = None, run_key: bytes | None = None,
    ) -> None:
        self.reactor = reactor
        self.wheel = Wheel(reactor)
        self.shared = shared
        self.audit = audit
        self.inspector = inspector
        self.configured = configured
        self.samples = SampleServer(reactor)
        self._sample_path = ""
        self._http = BackChannel(reactor)
        self._instances: dict[tuple[str, str, str, bytes], Any] = {}
        self._pools: dict[str, tuple[ServiceSettings, Pool]] = {}
        self._prepared: set[Any] = set()
        self._run_key = run_key or os.urandom(32)
        self.providers = self._make_providers(configured)
        self.sessions = Sessions(
            configured.settings, keys=self._keys(configured.settings), store=self._make_store(configured), shared=shared,
            providers=self.providers, clock=reactor, audit=audit,
        )
        self._sweeping = LoopingCall(lambda: self.sessions.sweep(reactor.seconds()))
        self._sweeping.clock = reactor
        self.gateway = Gateway(reactor, self.wheel, self.sessions, audit, observers, os.urandom(6).hex())
        self.site: MeshSite | None = None

    async def start(self) -> MeshSite:
        """Build what the configuration says; returns what listeners serve."""
        self._start_samples(self.configured.settings)
        self._apply(self.configured)
        self.site = MeshSite(self.gateway, self.reactor)
        self._sweeping.start(_SWEEP_EVERY, now=False).addErrback(lambda failure: self.log.failure("sessions are not swept", failure))
        return self.site

    async def reconfigure(self, configured: Configured) -> None:
        """Take a new configuration. Raises without having changed anything where an instance cannot be made."""
        self.prepare(configured)
        self.take(configured)

    def prepare(self, configured: Configured) -> None:
        """Make what a new configuration needs, beside what runs. Raises :class:`ConfError`, and nothing is left of it then."""
        old = set(self._instances)
        self._start_samples(configured.settings)
        try:
            self._make_providers(configured)
            for service in configured.settings.services:
                self._rewriting(configured, service)
        except ConfError:
            self._stop_but(old)
            raise
        self._prepared = set(self._instances) - old

    def discard(self) -> None:
        """What was prepared is not wanted."""
        self._stop_but(set(self._instances) - self._prepared)
        self._prepared = set()

    def take(self, configured: Configured) -> None:
        """Use a configuration that was prepared, from the next request on."""
        settings = configured.settings
        self._prepared = set()
        self.providers = self._make_providers(configured)
        needs_tokens = any(table.use == "bearer" for service in settings.services for table in service.rewrite)
        needed = {"id", "access"} if needs_tokens else set()
        self.sessions.reconfigure(settings, keys=self._keys(settings), providers=self.providers, needed_tokens=needed)
        self._apply(configured)

    async def stop(self) -> None:
        """Close what is open: connections, pools, plugin instances."""
        for channel in list(self.gateway.channels):
            channel.abort()
        for _, pool in self._pools.values():
            pool.close(drain=False)
        if self._sweeping.running:
            self._sweeping.stop()
        self.sessions.stop()
        await gatherResults([self._stop_instance(key) for key in list(self._instances)])
        await maybeDeferred(self.samples.stop)
        self.wheel.stop()

    # ---------------------------------------------------------------- building

    def _start_samples(self, settings: Settings) -> None:
        if not self._sample_path and any(service.upstream.scheme == "sample" for service in settings.services):
            self._sample_path = self.samples.start()

    def context(self, settings: Settings, name: str, service: str = "") -> Context:
        """What a plugin's instance is given."""
        return Context(
            name=name, reactor=self.reactor, log=Logger(namespace=f"meshproxy.plugin.{name}"), http=self._http,
            public_url=str(settings.public_url), conf_dir=settings.conf_dir, invalidate=self._invalidate, service=service,
        )

    def _invalidate(self) -> None:
        """A plugin knows something new: identity fields are computed anew with each session's next request."""
        self.sessions.forget_computed()

    def _instance(self, configured: Configured, kind: str, table: PluginTable, service: str = "") -> Any:
        """The instance for a table; one whose table and files did not change is kept over a reload."""
        key = (kind, service, table.name, configured.plugins.fingerprint(table, kind, configured.settings.conf_dir))
        if key not in self._instances:
            self._instances[key] = configured.plugins.make(table, kind, self.context(configured.settings, table.name, service))
        return self._instances[key]

    def _stop_instance(self, key: Any) -> Deferred[Any]:
        one = self._instances.pop(key)
        stopped = maybeDeferred(_call, one.stop) if hasattr(one, "stop") else succeed(None)
        return stopped.addErrback(lambda failure: self.log.failure("a plugin did not stop", failure))

    def _stop_but(self, kept: set[Any]) -> None:
        for key in set(self._instances) - kept:
            self._stop_instance(key)

    def _keys(self, settings: Settings) -> KeyRing:
        """The session keys; without a ``secret_file`` one that was made for this run."""
        return KeyRing(settings.session.keys or (self._run_key,))

    def _make_providers(self, configured: Configured) -> dict[str, Any]:
        return {table.name: self._instance(configured, "identity_provider", table) for table in configured.settings.identity}

    def _make_store(self, configured: Configured) -> Any:
        settings = configured.settings
        if settings.session.store == "cookie":
            return None
        from .plugins.host import store_table

        return self._instance(configured, "session_store", store_table(settings))

    def _apply(self, configured: Configured) -> None:
        """Compile a configuration and swap it in."""
        settings = configured.settings
        self.configured = configured
        keys = self._keys(settings)
        handoff = Handoff(keys, self.sessions, self.shared, settings.public_url, settings.hosts, os.urandom)
        attempts = LoginAttempts(keys, self.sessions.cookies, self.shared, str(settings.public_url), os.urandom)
        pages = Pages(settings, settings.conf_dir)
        rewritings = {service.name: self._rewriting(configured, service) for service in settings.services}
        managed = managed_everywhere(rewritings.values())
        resources = {}
        for service in settings.services:
            protected = ProtectedService(
                service, public_origin(settings, service.route.host), rewritings[service.name], self._pool(settings, service), managed=managed,
                cookie_name=self.sessions.cookies.name, body_bytes=settings.limits.body_bytes,
            )
            upstream = service.upstream
            resources[service.name] = ServiceResource(
                upstream.host, upstream.port, upstream.path.encode(), self.reactor, service=protected, gateway=self.gateway)
        self._retire_pools(settings)
        own = own_tree(OwnParts(
            settings=settings, pages=pages, sessions=self.sessions, attempts=attempts, handoff=handoff, providers=self.providers,
            shared=self.shared, directory=Directory(settings), audit=self.audit, clock=self.reactor,
            inspector=self.inspector,
        ))
        routes = RouteTable(settings.public_url.host, [(service.name, service.route) for service in settings.services])
        asked = {name: one for name, one in self.providers.items() if hasattr(one, "authenticate")}
        self.gateway.configure(
            tree=Tree(routes, resources, own), limits=settings.limits, providers=RequestProviders(asked), handoff=handoff,
            trust=Trust(settings.trusted_networks, settings.trusted_spiffe_ids, settings.sidecar_networks),
            refusals=Refusals(settings, pages, handoff, Diagnosing(settings)),
        )

    def _rewriting(self, configured: Configured, service: ServiceSettings) -> Rewriting:
        instances = [self._instance(configured, "header_rewriter", table, service.name) for table in service.rewrite]
        return Rewriting(instances, Logger(namespace=f"meshproxy.service.{service.name}"))

    def _pool(self, settings: Settings, service: ServiceSettings) -> Pool:
        """The connections to a service; kept over a reload where nothing about them changed."""
        known = self._pools.get(service.name)
        if known is not None and _same_connections(known[0], service):
            return known[1]
        pool = Pool(
            self.reactor, self.wheel, service.upstream, service.timeouts, service.pool, service.tls, sample_path=self._sample_path,
            head_bytes=settings.limits.head_bytes, max_fields=settings.limits.fields,
        )
        if known is not None:
            known[1].close()
        self._pools[service.name] = (service, pool)
        return pool

    def _retire_pools(self, settings: Settings) -> None:
        names = {service.name for service in settings.services}
        for name in [name for name in self._pools if name not in names]:
            self._pools.pop(name)[1].close()

    @property
    def pools(self) -> dict[str, Pool]:
        """The pools by service, for metrics."""
        return {name: pool for name, (_, pool) in self._pools.items()}


def public_origin(settings: Settings, host: str) -> Origin:
    """The public origin of a host: scheme and port are those of ``public_url``."""
    return Origin(settings.public_url.scheme, host, settings.public_url.port)


def _same_connections(one: ServiceSettings, other: ServiceSettings) -> bool:
    return (one.upstream, one.timeouts, one.pool, one.tls) == (other.upstream, other.timeouts, other.pool, other.tls)


def _call(function: Callable[[], Any]) -> Any:
    result = function()
    return Deferred.fromCoroutine(result) if hasattr(result, "send") else result
