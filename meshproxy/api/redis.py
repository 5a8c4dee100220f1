"""What does a plugin need to keep something in Redis? A client that answers within a second or raises ``StoreDown``.

It is no part of :mod:`meshproxy.api` itself, because it needs the package hiredis (``pip install 'meshproxy[redis]'``).
"""

from __future__ import annotations

from ..sessions.redis_client import RedisClient, Script
from ..sessions.redis_url import RedisAddress

__all__ = ["RedisAddress", "RedisClient", "Script"]
