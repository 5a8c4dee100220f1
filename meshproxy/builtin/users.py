"""``users``: people out of a file, with argon2 password hashes. For a demo, a small team, the day when the real provider is down.

The rule: an unknown user costs what a known one costs, and is answered alike. Hashing runs in a few threads of its own behind a bounded
queue, so that a flood of logins takes neither the reactor nor the memory. How often somebody may try is the login page's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BaseModel
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from meshproxy.api import ConfError, Context, Principal, Problem, ProviderDown, User, UsersFile, hookimpl, settings_of

_THREADS = 2
_WAITING = 32
"""Hashes at once and waiting: at 50 ms each the last of them waits less than a second."""
_PASSWORD_BYTES = 1024


class Users:
    """Verifies name and password against ``file``."""

    name = "users"

    class Settings(BaseModel):
        """``file`` holds a table for each user: ``password`` (required), ``email``, ``name``, ``groups``."""

        file: Path

    @classmethod
    def check_settings(cls, settings: Settings, path: Callable[[Path], Path]) -> Iterable[Problem]:
        """All that is wrong with the users file."""
        try:
            UsersFile(path(settings.file))
        except ConfError as error:
            return error.problems
        return ()

    def __init__(self, settings: Settings, context: Context) -> None:
        self._file = UsersFile(context.path(settings_of(self.Settings, settings).file))
        self._provider = context.name
        self._hashes = _HashingThreads(context.reactor)

    async def verify(self, username: str, password: str) -> Principal | None:
        """The principal, or ``None``. Raises :class:`ProviderDown` when too many wait already."""
        user = self._file.users.get(username)
        too_long = len(password.encode(errors="replace")) > _PASSWORD_BYTES
        hashed = self._file.dummy_hash(username) if user is None or too_long else user.password
        matches = await self._hashes.run(_verify, hashed, "" if too_long else password)
        return self._principal(username, user) if matches and user is not None and not too_long else None

    def find(self, username: str) -> Principal | None:
        """The principal of that name, without a password: for ``explain --as USER``, and to see who is gone after a reload."""
        user = self._file.users.get(username)
        return None if user is None else self._principal(username, user)

    def current(self, principal: Principal) -> Principal | None:
        """Who has a session as the file has them now: other groups count at once, who is gone is logged out."""
        return self.find(principal.subject)

    def principals(self) -> list[Principal]:
        """Everybody in the file."""
        return [self._principal(username, user) for username, user in self._file.users.items()]

    def stop(self) -> Any:
        """End the threads."""
        return self._hashes.stop()

    def _principal(self, username: str, user: User) -> Principal:
        return Principal(
            issuer=f"users:{self._provider}", subject=username, username=username, email=user.email, name=user.name,
            groups=tuple(user.groups), provider=self._provider, email_verified=True,
        )


def _verify(hashed: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(hashed, password.encode(errors="surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


class _HashingThreads:
    """A few threads, begun with the first login; the reactor's own pool stays free for name resolution."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pool: ThreadPool | None = None
        self._trigger: Any = None
        self._running = 0

    async def run(self, function: Callable[..., bool], *arguments: object) -> bool:
        if self._running >= _THREADS + _WAITING:
            raise ProviderDown("too many logins at once", "Too many people are logging in just now. Please try again in a moment.")
        if self._pool is None:
            self._pool = ThreadPool(0, _THREADS, "passwords")
            self._pool.start()
            self._trigger = self._reactor.addSystemEventTrigger("during", "shutdown", self._pool.stop)
        self._running += 1
        try:
            return await deferToThreadPool(self._reactor, self._pool, function, *arguments)
        finally:
            self._running -= 1

    def stop(self) -> None:
        if self._pool is not None:
            self._reactor.removeSystemEventTrigger(self._trigger)
            self._pool.stop()
            self._pool = None


@hookimpl
def meshproxy_identity_providers() -> list[type]:
    """Registers ``users``."""
    return [Users]
