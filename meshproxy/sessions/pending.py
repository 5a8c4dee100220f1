"""What does a browser keep for us while it is away at a login? A few short-lived sealed cookies, a label each.

The rules: each is for this browser and this host alone; so many at once and no more, the oldest goes; what does not open, is too old or
comes twice is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Generic, TypeVar

from ..core.envelope import NONCE_BYTES, KeyRing
from ..core.tickets import ATTEMPT_FOR, HandoffCookie, LoginAttempt, decode, encode, fresh
from .cookies import Ours, SessionCookies

MOST_PENDING = 5
_LOOKED_AT = 20
"""So many cookies of one family are opened in one request; whoever has more made them by hand."""

T = TypeVar("T", bound=LoginAttempt | HandoffCookie)


def label_of(secret: str) -> bytes:
    """The label that a cookie's name ends with: 8 hexadecimal digits of the hash of what it is about."""
    return sha256(secret.encode()).hexdigest()[:8].encode("ascii")


class PendingCookies(Generic[T]):
    """The cookies ``NAME-FAMILY-LABEL``.

    :param family: ``login`` or ``handoff``; also the purpose they are sealed for.
    """

    def __init__(self, keys: KeyRing, cookies: SessionCookies, family: str, kind: type[T], random: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._cookies = cookies
        self._family = family.encode("ascii")
        self._kind = kind
        self._random = random

    def put(self, ours: Ours, secret: str, ticket: T, now: float, *, cross_site: bool = False) -> tuple[bytes, ...]:
        """``Set-Cookie`` values that keep it, and delete what is over or too much."""
        label = label_of(secret)
        sealed = self._keys.seal(self._purpose, self._name(label), encode(ticket), self._random(NONCE_BYTES))
        kept = self._cookies.short(self._suffix(label), sealed, ATTEMPT_FOR, cross_site=cross_site)
        return (kept, *self._tidied(ours, label, now))

    def get(self, ours: Ours, secret: str, now: float) -> T | None:
        """What was kept under that secret, if it still counts."""
        return self._opened(ours, label_of(secret), now)

    def deletion(self, secret: str) -> bytes:
        """``Set-Cookie`` that takes it away."""
        return self._cookies.short_deletion(self._suffix(label_of(secret)))

    def _tidied(self, ours: Ours, newest: bytes, now: float) -> list[bytes]:
        """Deletions, so that with the newest one there are no more than allowed."""
        living, dead = [], []
        for label in list(self._cookies.shorts(ours, self._family))[:_LOOKED_AT]:
            if len(label) != len(newest) or label == newest:
                continue
            found = self._opened(ours, label, now)
            if found is None:
                dead.append(label)
            else:
                living.append((found.started_at, label))
        living.sort(reverse=True)
        surplus = [label for _, label in living[MOST_PENDING - 1 :]]
        return [self._cookies.short_deletion(self._suffix(label)) for label in (*dead, *surplus) if label.isalnum()]

    def _opened(self, ours: Ours, label: bytes, now: float) -> T | None:
        values = self._cookies.shorts(ours, self._family).get(label, [])
        if len(values) != 1:
            return None
        found = decode(self._kind, self._keys.open(self._purpose, self._name(label), values[0]))
        return found if found is not None and fresh(found.started_at, ATTEMPT_FOR, now) else None

    @property
    def _purpose(self) -> bytes:
        return b"pending " + self._family

    def _suffix(self, label: bytes) -> bytes:
        return self._family + b"-" + label

    def _name(self, label: bytes) -> bytes:
        return b"%s-%s" % (self._cookies.name, self._suffix(label))
