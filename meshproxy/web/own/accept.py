"""Where does a hand-off end? ``/_meshproxy/accept`` on the host that wanted a session: the ticket becomes a cookie (contract §3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...sessions.handoff import Accepted
from . import circles
from .endpoint import Endpoint
from .targets import target

if TYPE_CHECKING:
    from ...core.heads import Answer
    from .visit import Visit


class Accept(Endpoint):
    """Takes a ticket: valid once, for half a minute, for this browser and this host."""

    async def get(self, visit: Visit) -> Answer:
        """Set this host's own cookie and go to where the person wanted to go."""
        parts, host = self.parts, visit.arrival.host
        if visit.on_public_host:
            return visit.problem(404, "a hand-off ends on another host than that of public_url")
        accepted = await parts.handoff.accept(visit.query.get("ticket", ""), visit.arrival.cookie, host, visit.now)
        if not isinstance(accepted, Accepted):
            if visit.session is not None:
                return parts.pages.redirect(302, accepted.to or "/")
            visit.audit("login.failed", reason=f"hand-off to {host}: {accepted.reason}")
            if not visit.arrival.html:
                return visit.problem(400, "this link does not log this browser in")
            return visit.message(
                400,
                "This link does not log you in",
                "It was used already, is too old, or was made for another browser.",
                points=("If it happens every time, your browser does not keep cookies for this site.",),
                actions=(("Open the service again", accepted.to or "/"),),
            )
        to = target(parts, visit.arrival, accepted.to)
        circling = circles.finished(visit)
        visit.cookies += accepted.started.set_cookies
        visit.finished = True
        return circles.explain(visit, to) if circling else parts.pages.redirect(302, to)
