"""What does one process need to serve requests? The worker half of the composition root.

Everything a request touches is built and wired here and nowhere else: providers, sessions, services with their rewriters
and pools, pages, the resource tree, the gateway. A reload builds anew what its configuration changes and keeps the rest;
requests under way go on with what they have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from .compiling import protect, public_origin, route_table, trust_of
from .configured import Configured
from .core.envelope import KeyRing
from .diagnosing import Diagnosing
from .instances import Instances, Key
from .problems import ConfError
from .samples.sample_server import SampleServer
from .sessions.attempts import LoginAttempts
from .sessions.handoff import Handoff
from .sessions.manager import Sessions
from .settings import ServiceSettings, Settings
from .upstream.pool import Pool
from .web.authorizing import Authorizer
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
    :param logins: what keeps the steps of login attempts.
    :param run_key: the session key where the conf names none: all workers of a run have the same.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, configured: Configured, *, shared: Any, audit: Any, observers: Iterable[Callable[..., None]],
        inspector: Any = None, logins: Any = None, run_key: bytes | None = None,
    ) -> None:
        self.reactor = reactor
        self.wheel = Wheel(reactor)
        self.shared = shared
        self.audit = audit
        self.inspector = inspector
        self.logins = logins
        self.configured = configured
        self.samples = SampleServer(reactor)
        self._sample_path = ""
        self._instances = Instances(reactor, self._invalidate, lambda: self._key_bytes(self.configured.settings))
        self._pools: dict[str, tuple[ServiceSettings, Pool]] = {}
        self._before: set[Key] = set()
        self._run_key = run_key or os.urandom(32)
        self.providers = self._instances.providers(configured)
        self.sessions = Sessions(
            configured.settings, keys=self._keys(configured.settings), store=self._instances.store(configured), shared=shared,
            providers=self.providers, clock=reactor, audit=audit, needed_tokens=needed_tokens(configured.settings),
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
        self._before = self._instances.known()
        self._start_samples(configured.settings)
        try:
            self._instances.providers(configured)
            for service in configured.settings.services:
                self._instances.rewriting(configured, service)
        except ConfError:
            self.discard()
            raise

    def discard(self) -> None:
        """What was prepared is not wanted."""
        self._instances.stop_all_but(self._before)

    def take(self, configured: Configured) -> None:
        """Use a configuration that was prepared, from the next request on."""
        settings = configured.settings
        self.providers = self._instances.providers(configured)
        self.sessions.reconfigure(
            settings, keys=self._keys(settings), providers=self.providers, needed_tokens=needed_tokens(settings))
        self._apply(configured)
        self._instances.stop_all_but(self._instances.used_by(configured))

    async def stop(self) -> None:
        """Close what is open: connections, pools, plugin instances."""
        for channel in list(self.gateway.channels):
            channel.abort()
        for _, pool in self._pools.values():
            pool.close(drain=False)
        if self._sweeping.running:
            self._sweeping.stop()
        self.sessions.stop()
        await self._instances.stop_all_but(set())
        await maybeDeferred(self.samples.stop)
        self.wheel.stop()

    # ---------------------------------------------------------------- building

    def _start_samples(self, settings: Settings) -> None:
        if not self._sample_path and any(service.upstream.scheme == "sample" for service in settings.services):
            self._sample_path = self.samples.start()

    def _invalidate(self) -> None:
        """A plugin knows something new: identity fields are computed anew with each session's next request."""
        self.sessions.forget_computed()

    def _keys(self, settings: Settings) -> KeyRing:
        """The session keys; without a ``secret_file`` one that was made for this run."""
        return KeyRing(self._key_bytes(settings))

    def _key_bytes(self, settings: Settings) -> tuple[bytes, ...]:
        return settings.session.keys or (self._run_key,)

    def _apply(self, configured: Configured) -> None:
        """Compile a configuration and swap it in."""
        settings = configured.settings
        self.configured = configured
        keys = self._keys(settings)
        handoff = Handoff(keys, self.sessions, self.shared, settings.public_url, settings.hosts, os.urandom)
        attempts = LoginAttempts(keys, self.sessions.cookies, self.shared, str(settings.public_url), os.urandom)
        pages = Pages(settings, settings.conf_dir)
        rewritings = {service.name: self._instances.rewriting(configured, service) for service in settings.services}
        asked = RequestProviders({name: one for name, one in self.providers.items() if hasattr(one, "authenticate")})
        cookie_name = self.sessions.cookies.name
        compiled = protect(settings, rewritings, lambda service: self._pool(settings, service), cookie_name, asked.consumed)
        resources = {service.name: self._resource(service, compiled[service.name]) for service in settings.services}
        self._retire_pools(settings)
        own = own_tree(OwnParts(
            settings=settings, pages=pages, sessions=self.sessions, attempts=attempts, handoff=handoff, providers=self.providers,
            shared=self.shared, directory=Directory(settings), audit=self.audit, clock=self.reactor,
            inspector=self.inspector, authorize=Authorizer(self.gateway), logins=self.logins,
            jwks=lambda: self._instances.published_keys(configured),
        ))
        self.gateway.configure(
            tree=Tree(route_table(settings), resources, own), limits=settings.limits, providers=asked, handoff=handoff,
            trust=trust_of(settings),
            refusals=Refusals(settings, pages, handoff, Diagnosing(settings)),
        )

    def _resource(self, service: ServiceSettings, compiled: ProtectedService) -> ServiceResource:
        upstream = service.upstream
        return ServiceResource(upstream.host, upstream.port, upstream.path.encode(), self.reactor, service=compiled, gateway=self.gateway)

    def _pool(self, settings: Settings, service: ServiceSettings) -> Pool:
        """The connections to a service; kept over a reload where nothing about them changed."""
        known = self._pools.get(service.name)
        if known is not None and _same_connections(known[0], service):
            problem = None if known[1].tls is None else known[1].tls.reload()
            if problem is not None:
                self.log.error("service {name}: what it used so far stays: {problem}", name=service.name, problem=str(problem))
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


def needed_tokens(settings: Settings) -> set[str]:
    """Which tokens of a login are handed on to services; the others may be left out of a session cookie that is too small."""
    tables = [table for service in settings.services for table in service.rewrite if table.use == "bearer"]
    return {str(table.options.get("token", "access")) for table in tables}


def _same_connections(one: ServiceSettings, other: ServiceSettings) -> bool:
    return (one.upstream, one.timeouts, one.pool, one.tls) == (other.upstream, other.timeouts, other.pool, other.tls)
