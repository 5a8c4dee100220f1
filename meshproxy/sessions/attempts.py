"""Who comes back from the identity provider, and did they leave from this browser? Login attempts, each once.

The rules: state, nonce and code verifier are fresh for each attempt and stand in a sealed cookie of this browser and this host, so nobody
finishes what somebody else began; several tabs have an attempt each; an attempt that came back is used up, everywhere.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from ..api.context import Attempt
from ..core.envelope import KeyRing
from ..core.tickets import ATTEMPT_FOR, LEEWAY, LoginAttempt
from .cookies import SessionCookies
from .pending import PendingCookies
from .shared_state import SharedState

CALLBACK = "/_meshproxy/callback"
_CODE_LETTERS = "BCDFGHJKMNPQRSTVWXZ23456789"
"""Letters that cannot be mistaken for each other over the telephone, and make no words."""


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt came back to its browser.

    :ivar attempt: what the provider needs to finish it.
    :ivar provider: the name of its table.
    :ivar to: where the browser goes when it succeeds.
    :ivar set_cookies: delete the attempt's cookie.
    :ivar handoff: the hand-off value that the login was for, or "".
    """

    attempt: Attempt
    provider: str
    to: str
    set_cookies: tuple[bytes, ...]
    handoff: str = ""


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing to finish. ``reason``: ``unknown`` (no cookie of this browser for it, or too old), ``used`` (it was finished already).

    :ivar to: where that attempt wanted to go, if the browser still knows: for somebody who is logged in by now.
    """

    reason: str
    to: str = ""


class LoginAttempts:
    """Begins and finishes attempts.

    :param public_url: without a slash at the end; the callback is under it.
    """

    def __init__(
        self, keys: KeyRing, cookies: SessionCookies, shared: SharedState, public_url: str, random: Callable[[int], bytes]
    ) -> None:
        self._cookies = cookies
        self._shared = shared
        self._redirect_uri = public_url + CALLBACK
        self._random = random
        self._pending = PendingCookies(keys, cookies, "login", LoginAttempt, random)

    def begin(
        self, provider: str, to: str, host: str, now: float, cookie: bytes = b"", *, handoff: str = "", form_post: bool = False
    ) -> tuple[Attempt, tuple[bytes, ...]]:
        """A fresh attempt, and the ``Set-Cookie`` values that bind it to this browser.

        :param to: a target that was found safe.
        :param form_post: the provider answers by a form that its page sends here: the cookie must come along with that.
        """
        made = LoginAttempt(
            provider=provider, state=self._text(32), nonce=self._text(32), code_verifier=self._text(48), to=to, started_at=now,
            code=self._code(), handoff=handoff,
        )  # fmt: skip
        ours, _ = self._cookies.split(cookie)
        return self._attempt(made), self._pending.put(ours, made.state, made, now, cross_site=form_post)

    async def finish(self, state: str, cookie: bytes, now: float) -> Finished | Stale:
        """The attempt with that state, if this browser began it: the first time. Raises :class:`meshproxy.api.StoreDown`."""
        ours, _ = self._cookies.split(cookie)
        made = self._pending.get(ours, state, now) if state.isascii() and len(state) == 43 else None
        if made is None or made.state != state:
            return Stale("unknown")
        if not await self._shared.add_once("login:" + state, made.started_at + ATTEMPT_FOR + LEEWAY):
            return Stale("used", made.to)
        return Finished(self._attempt(made), made.provider, made.to, (self._pending.deletion(state),), made.handoff)

    # ---------------------------------------------------------------- parts

    def _attempt(self, made: LoginAttempt) -> Attempt:
        return Attempt(self._redirect_uri, made.state, made.nonce, made.code_verifier, made.started_at, made.code)

    def _text(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._random(size)).rstrip(b"=").decode("ascii")

    def _code(self) -> str:
        return "".join(_CODE_LETTERS[byte % len(_CODE_LETTERS)] for byte in self._random(6))
