"""Was this form sent from a page that we made for this very browser? Tokens, bound to a secret that only the browser's cookie has.

The rule: a token is a MAC over what the form is for, the browser's secret and the time; there is nothing to remember, so any replica
checks what another made. Whoever has a session uses its id as the secret, everybody else a cookie of its own.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable

from ..core.envelope import KeyRing
from .cookies import SessionCookies

TOKEN_FOR = 12 * 3600.0
"""Seconds for which a page with a form may lie open."""
_SECRET_BYTES = 16
_SUFFIX = b"login-browser"
_LEEWAY = 60.0


class CsrfTokens:
    """Makes and checks tokens."""

    def __init__(self, keys: KeyRing, cookies: SessionCookies, random: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._cookies = cookies
        self._random = random

    def browser(self, cookie: bytes) -> tuple[str, tuple[bytes, ...]]:
        """The secret of this browser, and the ``Set-Cookie`` values that give it one where it has none."""
        found = self.secret_of(cookie)
        if found is not None:
            return found, ()
        secret = base64.urlsafe_b64encode(self._random(_SECRET_BYTES)).rstrip(b"=")
        return secret.decode("ascii"), (self._cookies.short(_SUFFIX, secret, TOKEN_FOR),)

    def secret_of(self, cookie: bytes) -> str | None:
        """The secret that this browser shows, if it has one."""
        values = self._cookies.split(cookie)[0].get(b"%s-%s" % (self._cookies.name, _SUFFIX), [])
        if len(values) != 1 or len(values[0]) != 22 or not values[0].replace(b"-", b"").replace(b"_", b"").isalnum():
            return None
        return values[0].decode("ascii")

    def token(self, secret: str, purpose: str, now: float) -> str:
        """A token for a form of that purpose (``login``, ``logout``) in this browser."""
        made_at = b"%x" % int(now)
        return (made_at + b"." + _mac(self._keys.derive(b"csrf"), secret, purpose, made_at)).decode("ascii")

    def check(self, secret: str | None, purpose: str, token: str, now: float) -> bool:
        """Whether the token was made for that form, in this browser, not too long ago."""
        if not secret or not token.isascii():
            return False
        made_at, _, mac = token.encode("ascii").partition(b".")
        try:
            age = now - int(made_at, 16)
        except ValueError:
            return False
        if not -_LEEWAY <= age <= TOKEN_FOR:
            return False
        return any(hmac.compare_digest(_mac(key, secret, purpose, made_at), mac) for key in self._keys.derive_all(b"csrf"))


def _mac(key: bytes, secret: str, purpose: str, made_at: bytes) -> bytes:
    said = b"%d:%s|%s|%s" % (len(purpose), purpose.encode(), made_at, secret.encode())
    return base64.urlsafe_b64encode(hmac.digest(key, said, "sha256")[:18])
