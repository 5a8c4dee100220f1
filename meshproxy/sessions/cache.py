"""Have these very cookie bytes been read before? Two generations of answers, so that old ones go without a clock or a list.

The rule: only cookies that hold a valid session are kept, so nobody fills the cache without having logged in.
"""

from __future__ import annotations

from .live import LiveSession

ENTRIES = 8192
SIZE_BYTES = 32 * 1024 * 1024
LONGEST_KEY = 24 * 1024


class Recalled:
    """What a request's cookies say.

    :ivar session: the session, or ``None`` for an anonymous person.
    :ivar cookie: the other cookies, byte for byte: what goes upstream.
    :ivar version: of the session when these cookies were written.
    """

    __slots__ = ("cookie", "session", "version")

    def __init__(self, session: LiveSession | None, cookie: bytes, version: int = 0) -> None:
        self.session = session
        self.cookie = cookie
        self.version = version


class RecallCache:
    """Raw cookie bytes → :class:`Recalled`. When the young generation is full it becomes the old one, and the old one is forgotten."""

    __slots__ = ("_entries", "_old", "_size", "_size_bytes", "young")

    def __init__(self, entries: int = ENTRIES, size_bytes: int = SIZE_BYTES) -> None:
        self._entries = entries
        self._size_bytes = size_bytes
        self.young: dict[bytes, Recalled] = {}
        self._old: dict[bytes, Recalled] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def older(self, cookie: bytes) -> Recalled | None:
        """What the old generation knows; it is young again by that. The young one is asked by whoever calls."""
        found = self._old.pop(cookie, None)
        if found is not None:
            self.put(cookie, found)
        return found

    def put(self, cookie: bytes, recalled: Recalled) -> None:
        """Remember it."""
        if len(cookie) > LONGEST_KEY:
            return
        self.young[cookie] = recalled
        self._size += len(cookie) + len(recalled.cookie)
        if len(self.young) >= self._entries or self._size >= self._size_bytes:
            self.turn()

    def drop(self, cookie: bytes) -> None:
        """Forget it."""
        self.young.pop(cookie, None)

    def turn(self) -> None:
        """A new generation; what is not asked for until the next turn goes, and with it sessions that nobody uses."""
        self._old, self.young, self._size = self.young, {}, 0
