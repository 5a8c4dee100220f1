"""How does somebody log out? By a form of ours: here first, everywhere this session reaches, then at the provider.

A GET only asks: a link or an image on another site logs nobody out. The provider may be down; the session here is over all
the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from . import circles, csrf
from .endpoint import Endpoint
from .visit import called, end_session_url
from .waiting import within

if TYPE_CHECKING:
    from ...core.heads import Answer
    from .parts import OwnParts
    from .visit import Visit

_REVOKE_WITHIN = 2.0  # seconds (wire-rules §2.6)
_log = Logger()


class Logout(Endpoint):
    """``/_meshproxy/logout``, on every host."""

    async def get(self, visit: Visit) -> Answer:
        """Ask first."""
        if visit.session is None:
            return self.parts.pages.redirect(302, "/_meshproxy/logged-out")
        return self._ask_first(visit, 200, "")

    async def post(self, visit: Visit) -> Answer:
        """End the session, then go to the provider's own logout where there is one."""
        parts, live = self.parts, visit.session
        if live is None:
            return parts.pages.redirect(303, "/_meshproxy/logged-out")
        if not csrf.session_form(visit):
            return self._ask_first(visit, 403, "Please confirm: this form was made for another login.")
        url = end_session_url(parts, live)
        cookies = await parts.sessions.end(live, "logout", visit.now)
        visit.audit("logout", principal=live.principal, provider=live.record.provider)
        revoke(parts, live)
        visit.session, visit.finished = None, True
        visit.cookies += cookies
        circles.forget(visit)
        return parts.pages.redirect(303, url or f"{parts.public}/_meshproxy/logged-out")

    def _ask_first(self, visit: Visit, status: int, problem: str) -> Answer:
        return visit.page(
            status,
            "logout.html",
            who=called(visit.session.principal),
            form_csrf=csrf.of_session(visit.session),
            problem=problem,
            person="",
            form_action=_public_host(visit),
        )


class LoggedOut(Endpoint):
    """``/_meshproxy/logged-out``: where providers send people back to, with any ``state`` or none."""

    async def get(self, visit: Visit) -> Answer:
        """Say so, unless it is not true."""
        if visit.session is not None:
            return self.parts.pages.redirect(302, "/_meshproxy/")
        return visit.message(
            200,
            "You are logged out",
            "Close the browser if others use it too.",
            actions=(("Log in again", f"{self.parts.public}/_meshproxy/login"),),
        )


def revoke(parts: OwnParts, live: Any) -> None:
    """Tell the provider that the tokens are not needed any more; nobody waits for it, and failing does not matter."""
    ask = getattr(parts.providers.get(live.record.provider), "revoke", None)
    if ask is None or live.record.tokens is None:
        return

    async def tell() -> None:
        await within(ask(live.signed_in), parts.clock, _REVOKE_WITHIN)

    def not_told(failure: Failure) -> None:
        _log.info("the provider {name} was not told about a logout: {error}", name=live.record.provider, error=failure.getErrorMessage())

    Deferred.fromCoroutine(tell()).addErrback(not_told)


def _public_host(visit: Visit) -> list[str]:
    """Where a logout ends when it began on another host."""
    return [] if visit.on_public_host else [str(visit.parts.public)]
