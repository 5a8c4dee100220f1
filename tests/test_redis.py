"""meshproxy.api.redis"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import meshproxy
from meshproxy.api import redis


class ApiTests(SynchronousTestCase):
    def test_what_it_offers(self) -> None:
        """A plugin can use the same client that meshproxy's own store uses."""
        self.assertEqual(redis.RedisAddress.of("redis://a").port, 6379)
        self.assertEqual(len(redis.Script("return 1").sha), 40)
        self.assertTrue(callable(redis.RedisClient))

    def test_nobody_needs_it(self) -> None:
        """meshproxy's own door, and the built-ins, work where hiredis is not installed."""
        code = "import sys; sys.modules['hiredis'] = None; import meshproxy.api, meshproxy.builtin.redis_store, meshproxy.sessions.sharing"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=Path(meshproxy.__file__).parents[1])
