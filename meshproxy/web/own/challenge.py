"""What does a page of ours say to somebody who is not logged in? The same as every service does (contract §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .starting import hand_off
from .targets import LOGIN, here, login_url

if TYPE_CHECKING:
    from ...core.heads import Answer
    from .visit import Visit


async def challenge(visit: Visit) -> Answer:
    """302 to the login for a page that a person wants to see, 401 for everything else."""
    if not visit.arrival.navigation or visit.arrival.head.method not in (b"GET", b"HEAD"):
        return login_needed(visit, here(visit))
    if visit.on_public_host:
        return visit.parts.pages.redirect(302, login_url(here(visit)))
    visit.query = {"to": here(visit)}
    return await hand_off(visit)


def login_needed(visit: Visit, to: str) -> Answer:
    """401, and where to log in: on another host its own login, which begins the hand-off."""
    where = login_url(to) if visit.on_public_host else f"{LOGIN}"
    return visit.problem(401, "nobody is logged in", login_url=f"{visit.parts.origin_of(visit.arrival.host)}{where}")
