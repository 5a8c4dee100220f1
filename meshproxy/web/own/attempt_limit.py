"""How often may somebody try a password? So often for each user name, and so often from each address, in a while.

Names that exist and names that do not are counted alike, so the limit tells nobody which is which. A success forgets the
name's count: people who log in a hundred times a day never meet the limit. An address counts its failures only, since many
people may share one. What is kept are hashes; the counts hold once, everywhere (``SharedState``).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

WINDOW = 300.0
"""Seconds: so long a count goes on from its first attempt, and so long nobody needs to wait more."""

PER_NAME = 10
PER_ADDRESS = 60


class AttemptLimit:
    """The attempts at one provider."""

    def __init__(self, shared: Any, provider: str) -> None:
        self._shared = shared
        self._provider = provider

    async def may_try(self, username: str, client: str) -> bool:
        """Count an attempt; whether it may be made. Raises :class:`meshproxy.api.StoreDown`."""
        if await self._shared.get(self._key("paused", client)) is not None:
            return False
        tried: int = await self._shared.count(self._key("name", username.casefold()), WINDOW)
        return tried <= PER_NAME

    async def succeeded(self, username: str) -> None:
        """The person is who they say."""
        await self._shared.forget_count(self._key("name", username.casefold()))

    async def failed(self, client: str, now: float) -> None:
        """The pair was wrong."""
        failures: int = await self._shared.count(self._key("address", client), WINDOW)
        if failures >= PER_ADDRESS:
            await self._shared.put(self._key("paused", client), b"1", now + WINDOW)

    def _key(self, kind: str, value: str) -> str:
        digest = sha256(f"{self._provider}\0{value}".encode("utf-8", "replace")).hexdigest()[:32]
        return f"login-{kind}:{digest}"
