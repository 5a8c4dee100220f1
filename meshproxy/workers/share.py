"""What may one of several workers use? Its share: limits and pools of the conf files hold for all of them together (contract §1).

The rule: together they never allow much more than the operator wrote, and each allows at least one; 0 stays "no limit". Workers do not
lend each other what they do not need: that would cost every request a question.
"""

from __future__ import annotations

from dataclasses import replace

from ..problems import Problem
from ..settings import LimitSettings, PoolSettings, Settings


def why_not(settings: Settings, workers: int) -> Problem | None:
    """Why so many workers cannot run with these settings."""
    if workers > 1 and settings.session.store == "memory":
        return Problem(
            "meshproxy.toml", "session.store", f"'memory' is the memory of one process, and --workers {workers} are several",
            "'cookie' and 'redis' work with any number",
        )
    return None


def share_of(settings: Settings, workers: int) -> Settings:
    """The settings as one of so many workers uses them."""
    if workers == 1:
        return settings
    services = tuple(replace(service, pool=_pool(service.pool, workers)) for service in settings.services)
    return replace(settings, services=services, limits=_limits(settings.limits, workers))


def _limits(limits: LimitSettings, workers: int) -> LimitSettings:
    return replace(
        limits,
        connections=_part(limits.connections, workers),
        connections_per_peer=_part(limits.connections_per_peer, workers),
    )


def _pool(pool: PoolSettings, workers: int) -> PoolSettings:
    return replace(
        pool,
        active=_part(pool.active, workers),
        queue=_part(pool.queue, workers),
        tunnels=_part(pool.tunnels, workers),
        per_principal=_part(pool.per_principal, workers),
    )


def _part(whole: int, workers: int) -> int:
    return -(-whole // workers)
