"""Which keys does a provider sign with, right now? Its JWK Set, kept by the rules that key rotation and outages demand.

A set is fresh for as long as its ``Cache-Control`` says, at least five minutes and at most an hour; while fetches fail the last good one
stays. A token signed with a key that is not in it makes us look once, at once: then that name is known to be wrong for a minute, and
nothing else makes us look again for half a minute, so that nobody can make us hammer the provider with invented names. A wrong signature
under a known name is such a doubt as well: careless providers put a new key under an old name.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from twisted.internet.interfaces import IReactorTime

from ..core.jws import KeyDoubt
from ..core.signing_keys import SigningKeys, parse_key_set
from .backchannel import BackChannelError
from .refreshing import Refreshing

T = TypeVar("T")

SHORTEST = 300.0
LONGEST = 3600.0
STALE_FOR = 24 * 3600.0
UNKNOWN_FOR = 60.0
FORCED_FLOOR = 30.0
MOST_UNKNOWN = 256

_MAX_AGE = re.compile(r'(?:^|[,\s])max-age\s*=\s*"?([0-9]{1,9})(?![0-9])', re.IGNORECASE)


def fresh_for(headers: Any, shortest: float = SHORTEST, longest: float = LONGEST) -> float:
    """How long an answer may be kept, by its ``Cache-Control`` (RFC 9111 §5.2.2.1), within our bounds; seconds."""
    for line in headers.getRawHeaders("cache-control", []):
        found = _MAX_AGE.search(line if isinstance(line, str) else line.decode("latin-1"))
        if found:
            return min(max(float(found[1]), shortest), longest)
    return longest


class KeyCache:
    """One provider's keys.

    :param fetch: gives the decoded JWK Set and the answer's fields: where it lies and with which credentials is the caller's affair.
    """

    def __init__(self, fetch: Callable[[], Awaitable[tuple[Any, Any]]], clock: IReactorTime) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Refreshing[SigningKeys] = Refreshing(self._fetched, clock, stale_for=STALE_FOR)
        self._unknown: dict[tuple[str, str | None], float] = {}
        self._forced_at: float | None = None

    async def _fetched(self) -> tuple[SigningKeys, float]:
        value, headers = await self._fetch()
        try:
            keys = parse_key_set(value)
        except ValueError as error:
            raise BackChannelError("not_json", str(error)) from None
        if not keys.keys:
            # An empty set would lock everybody out; a provider between two deployments serves one now and then.
            raise BackChannelError("status", "the provider publishes no key that we can use")
        return keys, fresh_for(headers)

    @property
    def error(self) -> Exception | None:
        """What the last fetch failed with; ``None`` once it worked."""
        return self._keys.error

    def peek(self) -> SigningKeys | None:
        """The keys at hand; never waits."""
        return self._keys.peek()

    def keep(self) -> None:
        """See :meth:`Refreshing.keep`."""
        self._keys.keep()

    def stop(self) -> None:
        """See :meth:`Refreshing.stop`."""
        self._keys.stop()

    async def checked(self, check: Callable[[SigningKeys], T]) -> T:
        """``check(keys)``; where it raises :class:`KeyDoubt`, once more with keys fetched now, if it is time for that.

        :raises TokenInvalid: the check's.
        :raises BackChannelError: there are no keys, and they cannot be had.
        """
        keys = await self._keys.get()
        try:
            return check(keys)
        except KeyDoubt as doubt:
            if not self._may_look(doubt):
                raise
        try:
            keys = await self._keys.renew()
        except BackChannelError:
            pass  # the keys at hand stay; the token stays unknown to them
        try:
            return check(keys)
        except KeyDoubt as doubt:
            self._remember(doubt)
            raise

    def checked_now(self, check: Callable[[SigningKeys], T]) -> T | None:
        """As :meth:`checked`, without waiting; ``None`` where waiting is needed.

        :raises TokenInvalid: the check's, :class:`KeyDoubt` only when looking again is out of the question.
        """
        keys = self._keys.peek()
        if keys is None:
            return None
        try:
            return check(keys)
        except KeyDoubt as doubt:
            if self._may_look(doubt, claim=False):
                return None
            raise

    def _may_look(self, doubt: KeyDoubt, claim: bool = True) -> bool:
        """Whether a doubt is worth a fetch now; with ``claim`` the fetch is the caller's to make."""
        now = self._clock.seconds()
        if self._unknown.get((doubt.check, doubt.kid), 0.0) > now:
            return False
        if self._forced_at is not None and now < self._forced_at + FORCED_FLOOR:
            return False
        if claim:
            self._forced_at = now
        return True

    def _remember(self, doubt: KeyDoubt) -> None:
        now = self._clock.seconds()
        if len(self._unknown) >= MOST_UNKNOWN:
            self._unknown = {name: until for name, until in self._unknown.items() if until > now}
        if len(self._unknown) < MOST_UNKNOWN:
            self._unknown[doubt.check, doubt.kid] = now + UNKNOWN_FOR
