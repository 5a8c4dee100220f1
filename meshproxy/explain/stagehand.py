"""What does it take to explain a request? The gateway and all that it asks, made of a conf directory as the worker makes it.

The rule: everything that decides is the real thing: routes, trust, limits, rewriters, request providers. What stands in is who would be
logged in (:class:`_OneSession`), and what only a running meshproxy has: its records, hand-offs under way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger

from ..api import Context
from ..api.context import secrets_of
from ..compiling import protect, route_table, trust_of
from ..configured import Configured
from ..core.principal import SignedIn
from ..core.session import SessionRecord
from ..diagnosing import Diagnosing
from ..identity.backchannel import BackChannel
from ..rewriting import Rewriting
from ..samples import SampleServer
from ..sessions.cache import Recalled
from ..sessions.cookies import SessionCookies
from ..sessions.live import LiveSession, Timing
from ..settings import PluginTable, ServiceSettings
from ..upstream.pool import Pool
from ..web.gateway import Gateway
from ..web.pages import Pages
from ..web.refusals import Refusals
from ..web.request_providers import RequestProviders
from ..web.tree import Tree
from ..wheel import Wheel
from .asker import Asker
from .explanation import Explanation
from .question import Question
from .rehearsal import Outcome, RecordingPool, Stage
from .telling import tell
from .tracing import Trace

_COOKIE_VALUE = b"=the-session-that-is-asked-about"


class Explaining:
    """Explains requests by one configuration. Plugins are made anew for it: :meth:`stop` ends them.

    :raises ConfError: where a plugin cannot be made, or a template does not compile.
    """

    def __init__(self, reactor: Any, configured: Configured) -> None:
        self._reactor = reactor
        self._configured = configured
        settings = self._settings = configured.settings
        self._http = BackChannel(reactor)
        self._instances: list[Any] = []
        self._providers = {
            table.name: self._make("identity_provider", table) for table in settings.identity if self._is_asked(table)
        }
        self._rewritings = {
            service.name: Rewriting([self._make("header_rewriter", table, service.name) for table in service.rewrite],
                                    Logger(namespace=f"meshproxy.service.{service.name}"))
            for service in settings.services
        }
        self._routes = route_table(settings)
        self._cookies = SessionCookies(settings.public_url, settings.session.cookie_domain)
        self._diagnosing = Diagnosing(settings)
        self._refusals = Refusals(settings, Pages(settings, settings.conf_dir), _NoHandoff(), self._diagnosing)
        self._wheel = Wheel(reactor)
        self._samples = SampleServer(reactor)
        self._pools: list[Pool] = []

    async def explain(self, question: Question, asker: Asker, *, address: str = "127.0.0.1", send: bool = False) -> Explanation:
        """What would happen, or with ``send`` what does.

        :param address: of the peer whose request it would be.
        :raises ConfError: the asker's provider is none.
        """
        now = self._reactor.seconds()
        signed_in = asker.signed_in(self._configured, self._providers, now)
        asked = question if signed_in is None else question.with_cookie(self._cookies.name + _COOKIE_VALUE)
        trace = Trace()
        outcome = await self._play(asked, signed_in, address, send, trace)
        who = None if signed_in is None else signed_in.principal
        return tell(self._settings, self._routes, question, outcome, trace, who, self._diagnosing if send else None)

    async def stop(self) -> None:
        """End what was made."""
        for pool in self._pools:
            pool.close(drain=False)
        for instance in self._instances:
            if hasattr(instance, "stop"):
                await maybeDeferred(instance.stop)
        await self._samples.stop()
        self._wheel.stop()

    # ---------------------------------------------------------------- one request

    async def _play(self, question: Question, signed_in: SignedIn | None, address: str, send: bool, trace: Trace) -> Outcome:
        settings = self._settings
        sessions = _OneSession(self._cookies, self._timing, signed_in, self._reactor.seconds())
        gateway = Gateway(self._reactor, self._wheel, sessions, _NoAudit(), (), "example-")
        gateway.trust = trust_of(settings)
        stage = Stage(gateway, gateway.trust.peer(address, 0), self._reactor)
        asked = RequestProviders({name: one for name, one in self._providers.items() if hasattr(one, "authenticate")})
        services = protect(settings, self._rewritings, self._pool_for(stage, send), self._cookies.name, asked.consumed)
        gateway.configure(
            tree=Tree(self._routes, {name: _Leaf(service) for name, service in services.items()}, None),  # type: ignore[arg-type,misc]
            trust=gateway.trust, limits=settings.limits, refusals=self._refusals, providers=asked, handoff=None,
        )
        return await stage.play(question.head, trace.watch)

    def _pool_for(self, stage: Stage, send: bool) -> Callable[[ServiceSettings], Any]:
        def pool_for(service: ServiceSettings) -> RecordingPool:
            return RecordingPool(stage, (lambda: self._real_pool(service)) if send else None)

        return pool_for

    def _real_pool(self, service: ServiceSettings) -> Pool:
        limits = self._settings.limits
        path = self._samples.start() if service.upstream.scheme == "sample" else ""
        pool = Pool(self._reactor, self._wheel, service.upstream, service.timeouts, service.pool, service.tls, sample_path=path,
                    head_bytes=limits.head_bytes, max_fields=limits.fields)
        self._pools.append(pool)
        return pool

    # ---------------------------------------------------------------- making

    @property
    def _timing(self) -> Timing:
        session = self._settings.session
        return Timing(session.lifetime, session.idle_timeout, session.recheck)

    def _is_asked(self, table: PluginTable) -> bool:
        """Whether this provider has a say in a request, or knows its people; the others would only begin to fetch things."""
        cls = self._configured.plugins.classes("identity_provider")[table.use]
        return hasattr(cls, "authenticate") or hasattr(cls, "find")

    def _make(self, kind: str, table: PluginTable, service: str = "") -> Any:
        settings = self._settings
        context = Context(
            name=table.name, reactor=self._reactor, log=Logger(namespace=f"meshproxy.plugin.{table.name}"), http=self._http,
            public_url=str(settings.public_url), conf_dir=settings.conf_dir, service=service,
            secrets=secrets_of(settings.session.keys),
        )
        instance = self._configured.plugins.make(table, kind, context)
        self._instances.append(instance)
        return instance


class _Leaf:
    """What the tree finds: of a service's resource only the service is asked."""

    def __init__(self, service: Any) -> None:
        self.service = service


class _OneSession:
    """The sessions of a meshproxy in which one person is logged in: whoever sends our cookie is that person."""

    def __init__(self, cookies: SessionCookies, timing: Timing, signed_in: SignedIn | None, now: float) -> None:
        self._cookies = cookies
        self._timing = timing
        self._signed_in = signed_in
        self._now = now

    def recall(self, cookie: bytes, host: str, now: float) -> Recalled:
        """The session, and the cookies that are not ours."""
        ours, rest = self._cookies.split(cookie)
        live = None
        if self._signed_in is not None and self._cookies.name in ours:
            who = self._signed_in
            record = SessionRecord("explained", self._cookies.scope(host), who.principal, who.principal.provider, self._now, self._now,
                                   self._now, self._now, tokens=who.tokens)
            live = LiveSession(record, self._timing, jitter=0.0)
        return Recalled(live, rest)

    def renewal(self, live: LiveSession, now: float) -> tuple[bytes, ...]:
        """No cookie is written."""
        return ()

    def refreshed(self, live: LiveSession, now: float) -> None:
        """Nothing is to be waited for."""

    def without_ours(self, cookie: bytes) -> bytes:
        """The cookies that go upstream."""
        return self._cookies.split(cookie)[1]


class _NoHandoff:
    """A challenge on another host goes to the login by the hand-off; where exactly only a running meshproxy can say."""

    def begin(self, host: str, to_url: str, now: float, cookie: bytes = b"") -> tuple[str, tuple[bytes, ...]]:
        return "handoff=example", ()


class _NoAudit:
    """Nothing is recorded: nothing happens."""

    required: Mapping[str, object] | bool = False
