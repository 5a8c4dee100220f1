"""What does the audit trail say about something that happened? One flat dict, in words of its own.

The rule: an event is made of values that may be written down. Paths stand without their query, principals without claims;
a token, a cookie or a code has no key to stand under, and a value that is no plain one becomes its text.
"""

from __future__ import annotations

from typing import Any

from ..core.exchange import Exchange
from ..core.principal import Principal
from .access_log import path_of
from .timestamps import Timestamps

Event = dict[str, Any]

_timestamps = Timestamps()


def time_text(seconds: float) -> str:
    """An instant as events carry it."""
    return _timestamps.format(seconds).decode("ascii")


def principal_of(principal: Principal | None) -> dict[str, str | None] | None:
    """Who, as far as the trail says it."""
    if principal is None:
        return None
    return {"issuer": principal.issuer, "subject": principal.subject, "email": principal.email, "provider": principal.provider}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def of_exchange(name: str, exchange: Exchange, now: float) -> Event:
    """An event about a request: ``request.accepted`` before it goes upstream, else its closing event.

    ``status`` is the one the client got, ``null`` while there is none; ``upstream`` the Host that went upstream.
    """
    return {
        "time": time_text(now),
        "event": name,
        "request_id": _text(exchange.request_id),
        "principal": principal_of(exchange.principal),
        "client": exchange.client,
        "service": exchange.service,
        "method": _text(exchange.method),
        "authority": exchange.authority,
        "path": _text(path_of(exchange.target)),
        "status": exchange.status or None,
        "reason": exchange.reason,
        "upstream": exchange.upstream_authority,
        "duration_ms": round(exchange.duration * 1000, 1),
        "answered_by": exchange.answered_by,
        "cause": exchange.cause,
    }


def of_arrival(
    name: str, now: float, *, arrival: Any = None, principal: Principal | None = None, reason: str = "", **more: object
) -> Event:
    """An event about something else: a login, the end of a session, a reload.

    :param arrival: the request of our own pages that led to it (:class:`meshproxy.web.arrival.Arrival`), where there was one.
    :param more: further keys; ``None`` is left out.
    """
    event: Event = {"time": time_text(now), "event": name}
    if arrival is not None:
        event["request_id"] = arrival.request_id
    event["principal"] = principal_of(principal)
    if arrival is not None:
        event |= {
            "client": arrival.client, "method": _text(arrival.head.method), "authority": arrival.authority,
            "path": _text(path_of(arrival.head.target)),
        }
    if reason:
        event["reason"] = reason
    for key, value in more.items():
        if value is not None:
            event[key] = value if isinstance(value, (str, int, float, bool)) else str(value)
    return event
