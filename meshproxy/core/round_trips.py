"""Is this browser going round in circles? Logins that end well and yet begin again at once.

A login that is finished sets a session cookie. Where the browser comes back from yet another login while the session of the
last one is not there, the cookie did not stick: blocked, for another host, or ended by a clock that is off. The third such
round trip within :data:`WINDOW` seconds ends in a page that says so. Tabs that log in at the same time are no circle: their
requests either carry the session already, or know of no earlier trip.

What is known of earlier trips travels in a small cookie that proves nothing and is trusted for nothing: whoever changes it
only changes the page that they themselves see.
"""

from __future__ import annotations

from dataclasses import dataclass

WINDOW = 30.0
"""Seconds in which round trips count together."""

MOST_LOST = 2
"""How many trips may get lost in a row; the one after them is the third."""

MOST_TRIPS = 12
"""How many trips of any kind a browser may finish in a window: ten tabs restored at once, and a few."""


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """The finished logins of one browser within the window.

    :ivar lost: how many in a row came without the session of the one before.
    :ivar ended_at: whole seconds since the epoch, the oldest first.
    """

    lost: int = 0
    ended_at: tuple[int, ...] = ()

    @classmethod
    def parse(cls, value: bytes, now: float) -> RoundTrips:
        """What the cookie says; anything odd in it, and everything outside the window, counts as nothing."""
        parts = value.split(b".")
        if len(parts) > MOST_TRIPS + 2 or not all(part.isdigit() and len(part) < 12 for part in parts):
            return cls()
        lost, *instants = map(int, parts)
        recent = tuple(instant for instant in instants if -1.0 <= now - instant < WINDOW)
        return cls(lost, recent) if recent else cls()

    def finished(self, session_since: float | None, now: float) -> RoundTrips:
        """One more trip has ended.

        :param session_since: when the session that the request came with was made or last confirmed; ``None``: there is none.
        """
        came_back = not self.ended_at or (session_since is not None and session_since >= self.ended_at[-1])
        return RoundTrips(0 if came_back else self.lost + 1, (*self.ended_at, int(now))[-MOST_TRIPS - 1 :])

    @property
    def circling(self) -> bool:
        """Whether it is time to stop and explain."""
        return self.lost >= MOST_LOST or len(self.ended_at) > MOST_TRIPS

    def __bytes__(self) -> bytes:
        """The cookie's value."""
        return b".".join(b"%d" % number for number in (min(self.lost, 99), *self.ended_at))
