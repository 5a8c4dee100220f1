"""``redis``: sessions in a Redis that all replicas share (``redis_url``).

A session is one hash ``meshproxy:s:KEY`` (value, version, tags) that ends by itself. The sets ``meshproxy:t:TAG`` and ``meshproxy:all``
hold the keys by the time of their end. The rule: whatever must happen together happens in one script, by Redis's own clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

from meshproxy.api import Context, Problem, hookimpl, settings_of

_SESSION, _TAG, _ALL, _LOCK = "meshproxy:s:", "meshproxy:t:", "meshproxy:all", "meshproxy:l:"

_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""
_UNTAG = """
local function untag(tags)
  for tag in string.gmatch(tags or '', '[^\\n]+') do redis.call('ZREM', 'meshproxy:t:' .. tag, ARGV[1]) end
end
"""
# KEYS: the session, all. ARGV: key, value, milliseconds, version or '', tags. Returns whether it was written.
_SAVE = _NOW + _UNTAG + """
local stands = redis.call('HMGET', KEYS[1], 'n', 't')
local version = tonumber(stands[1] or 0)
if ARGV[4] ~= '' and tonumber(ARGV[4]) ~= version then return 0 end
local last = now + ARGV[3]
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'n', version + 1, 't', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if stands[2] ~= ARGV[5] then untag(stands[2]) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], last, ARGV[1])
for tag in string.gmatch(ARGV[5], '[^\\n]+') do
  local index = 'meshproxy:t:' .. tag
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  redis.call('ZADD', index, last, ARGV[1])
  if redis.call('PTTL', index) < tonumber(ARGV[3]) then redis.call('PEXPIRE', index, ARGV[3]) end
end
return 1
"""
# KEYS: the session, all. ARGV: key.
_DELETE = _UNTAG + """
untag(redis.call('HGET', KEYS[1], 't'))
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
"""
# KEYS: an index. Returns the keys that have not ended.
_FIND = _NOW + "return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')"
# KEYS: the lock. ARGV: token.
_UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisStore:
    """Keeps sessions in Redis. What it cannot do within a second it refuses (:class:`meshproxy.api.StoreDown`)."""

    name = "redis"

    class Settings(BaseModel):
        """``redis_url`` (with user and password, if need be), and the CAs to trust for ``rediss://``."""

        model_config = ConfigDict(extra="forbid")

        redis_url: SecretStr
        redis_ca_file: Path | None = None

    @classmethod
    def check_settings(cls, settings: Settings, path: Callable[[Path], Path]) -> Iterable[Problem]:
        """What is wrong with the URL; whether the client library is there."""
        try:
            from meshproxy.api.redis import RedisAddress
        except ImportError:
            return [Problem("meshproxy.toml", "session.store", "\"redis\" needs the package hiredis: pip install 'meshproxy[redis]'")]
        try:
            RedisAddress.of(settings.redis_url.get_secret_value())
        except ValueError as error:
            return [Problem("meshproxy.toml", "session.redis_url", str(error))]
        return ()

    def __init__(self, settings: Settings, context: Context) -> None:
        from meshproxy.api.redis import RedisClient, Script

        said = settings_of(self.Settings, settings)
        ca_file = None if said.redis_ca_file is None else context.path(said.redis_ca_file)
        self._seconds = context.reactor.seconds
        self._client = RedisClient(context.reactor, said.redis_url.get_secret_value(), ca_file=ca_file)
        self._save, self._delete, self._find, self._unlock = (Script(text) for text in (_SAVE, _DELETE, _FIND, _UNLOCK))

    async def load(self, key: str) -> tuple[bytes, int] | None:
        """Value and version, or ``None``."""
        value, version = await self._client.call("HMGET", _SESSION + key, "v", "n")
        return None if value is None or version is None else (value, int(version))

    async def save(self, key: str, value: bytes, expires_at: float, tags: Iterable[str], if_version: int | None = None) -> bool:
        """Keep it, unless another version than ``if_version`` stands there."""
        lasts = max(1, round((expires_at - self._seconds()) * 1000))
        version = "" if if_version is None else if_version
        arguments: tuple[Any, ...] = (key, value, lasts, version, "\n".join(sorted(set(tags))))
        return bool(await self._client.run(self._save, (_SESSION + key, _ALL), *arguments))

    async def delete(self, key: str) -> None:
        """Forget it."""
        await self._client.run(self._delete, (_SESSION + key, _ALL), key)

    async def find(self, tag: str | None = None) -> list[str]:
        """The keys with the tag, or all."""
        found = await self._client.run(self._find, (_ALL if tag is None else _TAG + tag,))
        return [key.decode() for key in found]

    async def lock(self, key: str, seconds: float) -> str | None:
        """A token, or ``None`` while another holder's lease runs."""
        token = secrets.token_urlsafe(16)
        taken = await self._client.call("SET", _LOCK + key, token, "NX", "PX", max(1, round(seconds * 1000)))
        return token if taken is not None else None

    async def unlock(self, key: str, token: str) -> None:
        """Give it back, if it is still the holder's."""
        await self._client.run(self._unlock, (_LOCK + key,), token)

    def stop(self) -> Any:
        """Close the connection."""
        return self._client.stop()


@hookimpl
def meshproxy_session_stores() -> list[type]:
    """Registers ``redis``."""
    return [RedisStore]
