"""What do settings become before a request is judged by them? Routes, trust, and one :class:`ProtectedService` a service.

The rule: there is one way to compile a configuration. The worker serves requests with what this makes, ``explain`` and ``doctor``
explain and probe with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .core.places import Origin
from .core.routing import RouteTable
from .core.trust import Trust
from .rewriting import Rewriting, managed_everywhere
from .web.protected import ProtectedService

if TYPE_CHECKING:
    from .core.ports import UpstreamPool
    from .settings import ServiceSettings, Settings


def public_origin(settings: Settings, host: str) -> Origin:
    """The public origin of a host: scheme and port are those of ``public_url``."""
    return Origin(settings.public_url.scheme, host, settings.public_url.port)


def route_table(settings: Settings) -> RouteTable:
    """Which service is asked for."""
    return RouteTable(settings.public_url.host, [(service.name, service.route) for service in settings.services])


def trust_of(settings: Settings) -> Trust:
    """Whom to believe about the way that a request came."""
    return Trust(settings.trusted_networks, settings.trusted_spiffe_ids, settings.sidecar_networks)


def protect(
    settings: Settings, rewritings: Mapping[str, Rewriting], pool_for: Callable[[ServiceSettings], UpstreamPool], cookie_name: bytes,
    consumed: frozenset[bytes] = frozenset(),
) -> dict[str, ProtectedService]:
    """Every service, compiled.

    :param rewritings: by service: what one service's rewriters set is stripped from requests to all of them.
    :param pool_for: gives the connections to a service.
    :param cookie_name: the session cookie's.
    :param consumed: folded names of credentials that request providers take: they are for us, and go to no service.
    """
    managed = managed_everywhere(rewritings.values()) | consumed
    return {
        service.name: ProtectedService(
            service, public_origin(settings, service.route.host), rewritings[service.name], pool_for(service), managed=managed,
            cookie_name=cookie_name, body_bytes=settings.limits.body_bytes,
        )
        for service in settings.services
    }
