"""How does a ``ServiceResource`` work in a stranger's ``Site``, with its four arguments alone? As a public service.

The composition root of a single resource: a pool, a gateway that knows no sessions, and the rules of
:mod:`meshproxy.core`: managed names are stripped, Host is set, nothing is injected. What the public name is, each request
says: there is no ``public_url``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .core.places import Origin, Upstream
from .core.policy import AccessSettings, RouteSettings
from .core.trust import Trust
from .diagnosing import Diagnosing
from .rewriting import Rewriting
from .settings import LimitSettings, ServiceSettings, Settings
from .upstream.pool import Pool
from .web.gateway import Gateway
from .web.pages import Pages
from .web.protected import ProtectedService
from .web.refusals import Refusals
from .web.request_providers import RequestProviders
from .wheel import Wheel

if TYPE_CHECKING:
    from .core.inspection import Facts

_NAMES = 64  # public names that are remembered; more are compiled anew with each request
_COOKIE = b"meshproxy"


class _Nobody:
    """What the cookies of a request say where nobody logs in: nothing, and all of them go on."""

    session = None

    def __init__(self, cookie: bytes) -> None:
        self.cookie = cookie


class _NoSessions:
    def recall(self, cookie: bytes, host: str, now: float) -> _Nobody:
        return _Nobody(cookie)


class _NoAudit:
    required = False


class Standalone:
    """One public service and what it takes to relay to it."""

    def __init__(self, host: str, port: int, reactor: Any) -> None:
        upstream = Upstream("http", host, port)
        self._settings = ServiceSettings("service", host, upstream, RouteSettings(""), AccessSettings(public=True))
        self._rewriting = Rewriting(())
        self._services: dict[Origin, ProtectedService] = {}
        wheel = Wheel(reactor)
        self._pool = Pool(reactor, wheel, upstream, self._settings.timeouts, self._settings.pool)
        self.gateway = Gateway(reactor, wheel, _NoSessions(), _NoAudit(), (), os.urandom(6).hex())
        settings = Settings(Path(), Origin("http", host, port), mesh=False)
        self.gateway.configure(
            tree=None, trust=Trust((), (), ()), limits=LimitSettings(), providers=RequestProviders({}), handoff=None,
            refusals=Refusals(settings, Pages(settings, settings.conf_dir), None, Diagnosing(settings)),
        )

    def service_for(self, scheme: str, facts: Facts) -> ProtectedService:
        """The service under the public name that this request used."""
        public = Origin(scheme, facts.host, facts.port or {"http": 80, "https": 443}[scheme])
        service = self._services.get(public)
        if service is None:
            service = ProtectedService(
                self._settings, public, self._rewriting, self._pool, managed=frozenset(), cookie_name=_COOKIE, body_bytes=0)
            if len(self._services) < _NAMES:
                self._services[public] = service
        return service

    def close(self) -> None:
        """Close the connections to the service."""
        self._pool.close(drain=False)
