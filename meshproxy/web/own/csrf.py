"""Did this form come from a page of ours, in this very browser? Tokens that only it can know.

Two kinds. Who is logged in has a token made from the session's id, which no page shows. Who is not yet has a secret in a
cookie of its own, and the form's token is made from that: so nobody can log a browser in as somebody else. The secret stays
the same over all tabs of a browser, so every one of them can send its form.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .parts import OwnParts
    from .visit import Visit

_LABEL = b"meshproxy-login-form"
_SECRET_BYTES = 24


def of_session(session: Any) -> str:
    """The token of forms that somebody who is logged in sends."""
    return _token(session.record.id.encode(), b"session form")


def session_form(visit: Visit) -> bool:
    """Whether the form was made for the session that sends it."""
    return visit.session is not None and _same(visit.form, of_session(visit.session))


def of_browser(visit: Visit) -> str:
    """The token of forms that somebody sends who is not logged in; gives the browser its secret where it has none."""
    secret = _secret(visit)
    if secret is None:
        secret = urlsafe_b64encode(visit.parts.random(_SECRET_BYTES))
        attributes = b"; Path=/; HttpOnly; SameSite=Lax" + (b"; Secure" if visit.parts.public.scheme == "https" else b"")
        visit.cookies.append(_name(visit.parts) + b"=" + secret + attributes)
    return _token(secret, b"login form")


def browser_form(visit: Visit) -> bool:
    """Whether the form was made for this browser."""
    secret = _secret(visit)
    return secret is not None and _same(visit.form, _token(secret, b"login form"))


def _name(parts: OwnParts) -> bytes:
    """Always host-only, whatever the session's cookie is: no neighbour under the same domain may set it."""
    return b"__Host-" + _LABEL if parts.public.scheme == "https" else _LABEL


def _secret(visit: Visit) -> bytes | None:
    """The browser's secret; ``None`` where there is none, or more than one: one of them is somebody else's."""
    found = cookie_values(visit.arrival.cookie, _name(visit.parts))
    return found[0] if len(found) == 1 and len(found[0]) == len(urlsafe_b64encode(bytes(_SECRET_BYTES))) else None


def cookie_values(cookie: bytes, name: bytes) -> list[bytes]:
    """Every value that a ``Cookie`` field has for exactly this name."""
    pairs = (pair.strip(b" \t").partition(b"=") for pair in cookie.split(b";"))
    return [value for found, _equals, value in pairs if found == name]


def _token(secret: bytes, purpose: bytes) -> str:
    return urlsafe_b64encode(hmac.new(secret, b"meshproxy " + purpose, sha256).digest()[:24]).decode("ascii")


def _same(form: Mapping[str, str], wanted: str) -> bool:
    return hmac.compare_digest(form.get("csrf", "").encode("utf-8", "replace"), wanted.encode("ascii"))
