"""meshproxy.workers.share"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.settings import LimitSettings, PoolSettings, ServiceSettings, SessionSettings, Settings
from meshproxy.workers.share import share_of, why_not

SERVICE = ServiceSettings("app", "App", Upstream("http", "app", 80), RouteSettings("apps.test"), AccessSettings(public=True))
SETTINGS = Settings(Path("conf"), Origin("http", "apps.test", 8080), (SERVICE,))


class ShareTests(SynchronousTestCase):
    def test_alone(self) -> None:
        """A single process has all."""
        self.assertIs(SETTINGS, share_of(SETTINGS, 1))

    def test_together(self) -> None:
        """Workers have together what the operator wrote: connections, and requests, tunnels, waiting and per person, of each service."""
        share = share_of(SETTINGS, 4)
        self.assertEqual(2500, share.limits.connections)
        pool = share.services[0].pool
        self.assertEqual((50, 25, 500, 16), (pool.active, pool.queue, pool.tunnels, pool.per_principal))
        self.assertEqual(SETTINGS.services[0].pool.idle, pool.idle)
        self.assertEqual(SETTINGS.limits.head_bytes, share.limits.head_bytes)

    def test_at_least_one(self) -> None:
        """Nobody is left without any."""
        small = replace(SERVICE, pool=PoolSettings(active=1, queue=2, tunnels=3))
        pool = share_of(replace(SETTINGS, services=(small,)), 4).services[0].pool
        self.assertEqual((1, 1, 1), (pool.active, pool.queue, pool.tunnels))

    def test_no_limit(self) -> None:
        """0 is no limit for each as for all."""
        settings = replace(SETTINGS, limits=LimitSettings(connections=0), services=(replace(SERVICE, pool=PoolSettings(per_principal=0)),))
        share = share_of(settings, 3)
        self.assertEqual((0, 0, 0), (share.limits.connections, share.limits.connections_per_peer, share.services[0].pool.per_principal))

    def test_memory(self) -> None:
        """Sessions in one process's memory are for one process: several are refused, with the key and what would do."""
        memory = replace(SETTINGS, session=SessionSettings(store="memory"))
        refusal = why_not(memory, 2)
        self.assertEqual(
            "meshproxy.toml: session.store: 'memory' is the memory of one process, and --workers 2 are several"
            " ('cookie' and 'redis' work with any number)",
            str(refusal),
        )
        self.assertEqual([None, None, None], [why_not(memory, 1), why_not(SETTINGS, 8), why_not(SETTINGS, 1)])
