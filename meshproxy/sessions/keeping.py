"""Where is a session kept? In the cookie itself, or in a store that the cookie refers to.

The rules: a store's value opens only with the key that is in the cookie, and only under its own name; a record that does not fit gets
smaller by :func:`meshproxy.core.session_codec.slimmer`, and the log says what was left out; what a store raises is :class:`StoreDown`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from twisted.internet.defer import CancelledError, maybeDeferred
from twisted.logger import Logger

from ..api.errors import LoginFailed, StoreDown
from ..core.envelope import INFLATED_BYTES, NONCE_BYTES, KeyRing
from ..core.session import SessionRecord
from ..core.session_codec import Reference, decode_reference, decode_session, encode_reference, encode_session, left_out, slimmer
from .cookies import CHUNK_BYTES, CHUNKS, Ours, SessionCookies
from .names import handle_of, tags_of
from .summary import Summary, decode_summary, encode_summary, summary_of

_SESSION, _REFERENCE, _STORED, _SUMMARY = b"session", b"reference", b"stored session", b"session summary"
_STORED_BYTES = INFLATED_BYTES - 1024


class SessionTooBig(LoginFailed):
    """The session fits nowhere."""


class CookieKeeping:
    """The whole session in the cookie.

    :param needed: which tokens rewriters want (``id``, ``access``): the others may be left out when there is no room.
    """

    log = Logger()

    def __init__(self, keys: KeyRing, cookies: SessionCookies, random: Callable[[int], bytes], needed: Collection[str]) -> None:
        self.keys = keys
        self.cookies = cookies
        self._random = random
        self.needed = needed

    def read(self, ours: Ours) -> tuple[SessionRecord, int] | None:
        """The record in the cookies, and how many cookies it took."""
        found = self.cookies.unpack(self.keys, _SESSION, ours)
        record = None if found is None else decode_session(found[0])
        return None if record is None or found is None else (record, found[1])

    def write(self, record: SessionRecord) -> tuple[SessionRecord, list[bytes]]:
        """The record as it was written, and the cookie values. Raises :class:`SessionTooBig`."""
        for smaller in slimmer(record, self.needed):
            payload = encode_session(smaller)
            values = self.cookies.pack(self.keys, _SESSION, payload, self._random) if len(payload) < INFLATED_BYTES - 4 else None
            if values is not None:
                if smaller is not record:
                    gone = ", ".join(left_out(record, smaller))
                    self.log.warn("session {handle} is too big for cookies; left out: {gone}", handle=handle_of(record.id), gone=gone)
                return smaller, values
        raise SessionTooBig(
            f"the session takes more than {CHUNKS} cookies of {CHUNK_BYTES} bytes: ask for fewer claims or groups, "
            'or set [session] store = "redis" or "memory"',
            "There is more to know about you than fits into a cookie.",
        )


class StoreKeeping:
    """The session in a store, sealed; its key in the cookie.

    :param store: an :class:`meshproxy.api.ISessionStore`.
    """

    log = Logger()

    def __init__(self, keys: KeyRing, cookies: SessionCookies, random: Callable[[int], bytes], store: Any) -> None:
        self.keys = keys
        self.cookies = cookies
        self._random = random
        self._store = store
        #: why the store did not answer the last time, else ``None``
        self.trouble: str | None = None

    # ---------------------------------------------------------------- the cookie

    def read(self, ours: Ours) -> tuple[Reference, int] | None:
        """The reference in the cookies."""
        found = self.cookies.unpack(self.keys, _REFERENCE, ours)
        reference = None if found is None else decode_reference(found[0])
        return None if reference is None or found is None else (reference, found[1])

    def write(self, reference: Reference) -> list[bytes]:
        """The cookie values."""
        values = self.cookies.pack(self.keys, _REFERENCE, encode_reference(reference), self._random)
        if values is None:
            raise SessionTooBig("a reference does not fit into cookies")
        return values

    # ---------------------------------------------------------------- the store

    async def load(self, session_id: str, secret: bytes, known: SessionRecord | None = None) -> SessionRecord | None:
        """The stored record; ``known`` itself where the store has that version."""
        handle = handle_of(session_id)
        found = await self._ask("load", handle)
        if found is None:
            return None
        value, version = found
        if known is not None and known.version == version:
            return known
        sealed = bytes(value).partition(b"\n")[2]
        payload = KeyRing((secret,)).open(_STORED, handle.encode(), sealed)
        record = None if payload is None else decode_session(payload)
        if record is None or record.id != session_id:
            self.log.warn("the stored session {handle} does not open with its cookie", handle=handle)
            return None
        return replace(record, version=version)

    async def save(self, record: SessionRecord, secret: bytes, expires_at: float, if_version: int) -> SessionRecord | None:
        """Write it over that version; the record with its new version, or ``None`` when another version stands there."""
        handle = handle_of(record.id)
        summary = self.keys.seal(_SUMMARY, handle.encode(), encode_summary(summary_of(record, expires_at)), self._random(NONCE_BYTES))
        sealed = KeyRing((secret,)).seal(_STORED, handle.encode(), _fitting(record), self._random(NONCE_BYTES), deflate=True)
        written = await self._ask("save", handle, summary + b"\n" + sealed, expires_at, tags_of(record), if_version)
        return replace(record, version=if_version + 1) if written else None

    async def delete(self, handle: str) -> None:
        """Forget it."""
        await self._ask("delete", handle)

    async def find(self, tag: str | None) -> list[str]:
        """The handles of the sessions with that tag, or of all."""
        return list(await self._ask("find", tag))

    async def summary(self, handle: str) -> Summary | None:
        """What may be shown of it."""
        found = await self._ask("load", handle)
        if found is None:
            return None
        return decode_summary(self.keys.open(_SUMMARY, handle.encode(), bytes(found[0]).partition(b"\n")[0]))

    async def lock(self, handle: str, seconds: float) -> str | None:
        """The lock that guards the session's refresh."""
        token: str | None = await self._ask("lock", "refresh:" + handle, seconds)
        return token

    async def unlock(self, handle: str, token: str) -> None:
        """Give it back."""
        await self._ask("unlock", "refresh:" + handle, token)

    async def _ask(self, method: str, *arguments: Any) -> Any:
        try:
            result = await maybeDeferred(getattr(self._store, method), *arguments)
        except CancelledError:
            raise
        except StoreDown as error:
            self.trouble = str(error) or "the session store does not answer"
            raise
        except Exception as error:
            self.log.failure("the session store failed in {method}", method=method)
            self.trouble = f"{type(error).__name__} in {method}"
            raise StoreDown(self.trouble) from error
        self.trouble = None
        return result


def _fitting(record: SessionRecord) -> bytes:
    """The record's bytes, smaller where they would not open again."""
    for smaller in slimmer(record):
        payload = encode_session(smaller)
        if len(payload) <= _STORED_BYTES:
            return payload
    raise SessionTooBig("the session takes more than 63 KiB", "There is more to know about you than we can keep.")
