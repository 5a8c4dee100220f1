"""How do replicas share what must hold once? In Redis, behind the port of :mod:`meshproxy.sessions.shared_state`.

The rules: whatever uses something up asks Redis and waits; whether something is revoked is asked of a mirror, which is brought up to date
every second; what could not be told to Redis holds here and is told when it is back. Time is Redis's own: replicas' clocks may differ.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ..api.errors import StoreDown
from .redis_client import RedisClient, Script
from .shared_state import REVOCATIONS, Mirror, Revocation

PREFIX = "meshproxy:"
LOOK_EVERY = 1.0
"""Seconds between two looks at what others revoked."""
_OVERLAP_MS = 5000
"""Revocations are read again for so long: two scripts of one moment may come in any order."""

# KEYS: by the time of writing, by the end. ARGV: entry, milliseconds it lasts.
_REVOKE = Script("""
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], old)
  redis.call('ZREM', KEYS[2], old)
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
return 1
""")

# KEYS: by the time of writing. ARGV: from when on. Returns Redis's time, then the entries.
_LOOK = Script("""
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
return {tostring(now), redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf')}
""")

# KEYS: the counter. ARGV: milliseconds of the window.
_COUNT = Script("""
local count = redis.call('INCR', KEYS[1])
if count == 1 or redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
""")

# KEYS: the lock. ARGV: token.
UNLOCK = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")


class RedisState(Mirror):
    """Shared state in Redis.

    :param clock: the reactor.
    :param client: the way to Redis; it ends with this.
    """

    log = Logger()

    def __init__(self, clock: Any, client: RedisClient) -> None:
        super().__init__()
        self._clock = clock
        self._client = client
        #: what Redis has not been told yet
        self._untold: dict[str, Revocation] = {}
        #: Redis's time, in milliseconds, of the last look; 0 before the first
        self._looked_at = 0.0
        self._looking = False
        self._look_every = LoopingCall(self._begin_look)
        self._look_every.clock = clock
        self._look_every.start(LOOK_EVERY)

    # ---------------------------------------------------------------- revocations

    def ready(self) -> str | None:
        """Not before it is known what was revoked; not while Redis is down."""
        if self._client.trouble is not None:
            return f"Redis at {self._client.address}: {self._client.trouble}"
        return None if self._looked_at else f"Redis at {self._client.address} has not told yet what is revoked"

    async def revoke(self, name: str, revocation: Revocation) -> None:
        """It holds here at once; elsewhere within a second or two, or when Redis is back (:class:`StoreDown` until then)."""
        self._learn(name, revocation)
        self._untold[name] = revocation
        await self._tell(name, revocation)

    async def _tell(self, name: str, revocation: Revocation) -> None:
        entry = json.dumps([name, *revocation], separators=(",", ":"))
        lasts = max(1, round((revocation.expires_at - self._clock.seconds()) * 1000))
        await self._client.run(_REVOKE, (PREFIX + "revoked", PREFIX + "revoked:ends"), entry, lasts)
        if self._untold.get(name) == revocation:
            del self._untold[name]

    def _begin_look(self) -> None:
        if self._looking:
            return
        self._looking = True
        Deferred.fromCoroutine(self._look()).addErrback(self._not_looked)

    async def _look(self) -> None:
        """Learn what others revoked since the last look; tell what they could not be told."""
        try:
            since = "-inf" if not self._looked_at else str(round(self._looked_at - _OVERLAP_MS))
            now, entries = await self._client.run(_LOOK, (PREFIX + "revoked",), since)
            for entry in entries:
                self._read(entry)
            self._looked_at = float(now)
            for name, revocation in list(self._untold.items()):
                await self._tell(name, revocation)
        finally:
            self._looking = False

    def _not_looked(self, failure: Any) -> None:
        if not failure.check(StoreDown):
            self.log.failure("what was revoked elsewhere could not be read", failure)

    def _read(self, entry: bytes) -> None:
        try:
            name, at, expires_at, cause = json.loads(entry)
            revocation = Revocation(float(at), float(expires_at), str(cause))
        except (ValueError, TypeError):
            self.log.error("an entry among the revocations in Redis is none of ours")
            return
        self._learn(name, revocation)

    def _learn(self, name: str, revocation: Revocation) -> None:
        known = self._revoked.get(name)
        if known is not None and known.at >= revocation.at:
            return
        self._forget_what_is_over()
        self._revoked.pop(name, None)
        self._revoked[name] = revocation
        for told in self._watchers:
            told(name, revocation)

    def _forget_what_is_over(self) -> None:
        if len(self._revoked) < REVOCATIONS and len(self._revoked) % 1000 != 999:
            return
        now = self._clock.seconds()
        self._revoked = {name: found for name, found in self._revoked.items() if found.expires_at > now}
        while len(self._revoked) >= REVOCATIONS:
            self._revoked.pop(next(iter(self._revoked)))
            self.log.error("more than {most} revocations: the oldest is forgotten here", most=REVOCATIONS)

    # ---------------------------------------------------------------- what Redis does in one command

    async def add_once(self, key: str, expires_at: float) -> bool:
        """``True`` for the first who asks, wherever."""
        return await self._client.call("SET", PREFIX + "once:" + key, "1", "NX", "PX", self._until(expires_at)) is not None

    async def put(self, key: str, value: bytes, expires_at: float) -> None:
        """Keep a note."""
        await self._client.call("SET", PREFIX + "note:" + key, value, "PX", self._until(expires_at))

    async def get(self, key: str) -> bytes | None:
        """The note."""
        note: bytes | None = await self._client.call("GET", PREFIX + "note:" + key)
        return note

    async def lock(self, key: str, seconds: float) -> str | None:
        """A token, or ``None``."""
        token = secrets.token_urlsafe(12)
        taken = await self._client.call("SET", PREFIX + "lock:" + key, token, "NX", "PX", max(1, round(seconds * 1000)))
        return token if taken is not None else None

    async def unlock(self, key: str, token: str) -> None:
        """Give it back, if it is still the holder's."""
        await self._client.run(UNLOCK, (PREFIX + "lock:" + key,), token)

    async def count(self, key: str, window: float) -> int:
        """One more, over all replicas."""
        return int(await self._client.run(_COUNT, (PREFIX + "count:" + key,), max(1, round(window * 1000))))

    async def forget_count(self, key: str) -> None:
        """Begin anew."""
        await self._client.call("DEL", PREFIX + "count:" + key)

    def stop(self) -> Any:
        """Close the connection."""
        if self._look_every.running:
            self._look_every.stop()
        return self._client.stop()

    def _until(self, expires_at: float) -> int:
        return max(1, round((expires_at - self._clock.seconds()) * 1000))
