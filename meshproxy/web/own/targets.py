"""Where does a browser go once it is logged in? To where it wanted to go, on hosts of ours alone, and never back to a step of the login."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from ...core.return_target import safe

if TYPE_CHECKING:
    from ..arrival import Arrival
    from .parts import OwnParts
    from .visit import Visit

LOGIN = "/_meshproxy/login"
_HANDOFF = f"{LOGIN}?handoff="
_STEPS = tuple(f"/_meshproxy/{step}" for step in ("login", "callback", "accept", "logout", "logged-out", "backchannel-logout", "auth"))


def wanted(visit: Visit) -> str:
    """The target that the query asks for: a path on the public host, or a URL on another host of ours."""
    handoff = visit.query.get("handoff")
    return _HANDOFF + quote(handoff, safe="") if handoff else target(visit.parts, visit.arrival, visit.query.get("to", ""))


def target(parts: OwnParts, arrival: Arrival, to: str) -> str:
    """The same of a text; a path belongs to the host that is asked."""
    hosts = parts.settings.hosts
    if to.startswith("/"):
        to = safe(to, hosts, parts.public)
        if arrival.host != parts.public.host:
            to = f"{parts.origin_of(arrival.host)}{to}"
    found = safe(to, hosts, parts.public)
    return "/" if _is_step(found) else found


def login_url(to: str, provider: str = "", *, again: bool = False) -> str:
    """The path of the login that comes back to a target; with ``again``, although a session lives."""
    if to.startswith(_HANDOFF) and not provider:
        return f"{to}&again=1" if again else to
    name = f"/{quote(provider, safe='')}" if provider else ""
    return f"{LOGIN}{name}?to={quote(to, safe='')}{'&again=1' if again else ''}"


def here(visit: Visit) -> str:
    """The very request, as a target to come back to."""
    facts = visit.arrival.facts
    return target(visit.parts, visit.arrival, (facts.path + facts.query).decode("latin-1"))


def _is_step(found: str) -> bool:
    """Whether a target is a step of logging in or out; of these only a waiting hand-off is a place to go on to."""
    path = found if found.startswith("/") else "/" + found.partition("://")[2].partition("/")[2]
    if found.startswith(_HANDOFF):
        return False
    return any(path == step or path.startswith((f"{step}/", f"{step}?")) for step in _STEPS)
