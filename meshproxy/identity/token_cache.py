"""Which tokens have we judged already? Verdicts by the token's hash, bounded, each until it must be asked again.

The tokens themselves are not kept: whoever reads our memory finds none here.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 10_000


class TokenCache(Generic[T]):
    """Least recently used gives way."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._verdicts: OrderedDict[bytes, tuple[T, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._verdicts)

    @staticmethod
    def key(token: str) -> bytes:
        """What a token is known by here."""
        return hashlib.sha256(token.encode("utf-8")).digest()

    def get(self, key: bytes, now: float) -> T | None:
        """The verdict, if it still holds."""
        found = self._verdicts.get(key)
        if found is None:
            return None
        verdict, until = found
        if until <= now:
            del self._verdicts[key]
            return None
        self._verdicts.move_to_end(key)
        return verdict

    def put(self, key: bytes, verdict: T, until: float) -> None:
        """Remember it."""
        self._verdicts[key] = (verdict, until)
        self._verdicts.move_to_end(key)
        while len(self._verdicts) > self._most:
            self._verdicts.popitem(last=False)
