"""What happens when a browser logs in and logs in and is never logged in? After the third time it gets a page that says why.

The rule of counting is :mod:`meshproxy.core.round_trips`; here stand its cookie and the page. The cookie is host-only and
goes with every finished round trip; a logout takes it away, so that nobody who logs in and out by hand sees the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.round_trips import WINDOW, RoundTrips
from .csrf import cookie_values

if TYPE_CHECKING:
    from ...core.heads import Answer
    from .visit import Visit

_LABEL = b"meshproxy-login-rounds"


def finished(visit: Visit) -> bool:
    """A round trip has ended: count it. Whether the browser goes round in circles."""
    values = cookie_values(visit.arrival.cookie, _name(visit))
    known = RoundTrips.parse(values[0], visit.now) if len(values) == 1 else RoundTrips()
    trips = known.finished(None if visit.session is None else visit.session.record.checked_at, visit.now)
    if trips.circling:
        forget(visit)
    else:
        visit.cookies.append(_cookie(visit, bytes(trips), int(WINDOW)))
    return trips.circling


def forget(visit: Visit) -> None:
    """Begin to count anew."""
    if cookie_values(visit.arrival.cookie, _name(visit)):
        visit.cookies.append(_cookie(visit, b"", 0))


def explain(visit: Visit, to: str, *, token: bool = False) -> Answer:
    """The page that says what is probably wrong, from what the request itself shows.

    :param token: the session stays; it is a token of it that a service does not take.
    """
    host = visit.arrival.host
    came = b"meshproxy=" in visit.arrival.cookie or b"meshproxy.1=" in visit.arrival.cookie
    if token:
        points = [
            "The login service hands out tokens that have already ended, or none of the kind that the service wants.",
            "Or the clock of the login service and that of this server differ.",
        ]
    elif came:
        points = [
            "The browser sends its session cookie back, but the session does not hold.",
            "Perhaps the clock of this server is wrong, so that sessions end at once,",
            "or several servers answer for this name and do not share one session key.",
        ]
    else:
        points = [
            "The browser does not send the session cookie back.",
            f"Perhaps it blocks or deletes cookies of {host} (a setting, an extension, a private window),",
            f"or {host} is not the name under which cookies are set here: compare the address with the one you were given.",
        ]
    visit.audit("login.failed", reason="the third round trip in a row without a session: " + points[0])
    return visit.message(
        400,
        "Logging in goes round in circles",
        "You have been logged in several times within seconds, and each time it was lost again.",
        points=points,
        actions=(("Try once more", to),),
    )


def _name(visit: Visit) -> bytes:
    return b"__Host-" + _LABEL if visit.parts.public.scheme == "https" else _LABEL


def _cookie(visit: Visit, value: bytes, lasts: int) -> bytes:
    secure = b"; Secure" if visit.parts.public.scheme == "https" else b""
    return b"%s=%s; Max-Age=%d; Path=/; HttpOnly; SameSite=Lax%s" % (_name(visit), value, lasts, secure)
