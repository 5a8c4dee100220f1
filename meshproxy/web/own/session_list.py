"""Where am I logged in? A person's own sessions, each with a button that ends it (stores that can list).

The rule: whoever ends a session must have it in their own list; a handle that somebody guessed ends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...sessions.ending import CannotList
from . import circles, csrf
from .challenge import challenge
from .device import device_name
from .endpoint import Endpoint
from .logout import revoke
from .visit import called

if TYPE_CHECKING:
    from ...core.heads import Answer
    from ...sessions.summary import Summary
    from .visit import Visit


@dataclass(frozen=True, slots=True)
class Instant:
    """A time, for people and for machines. Ours is UTC: a page without script does not know the reader's zone."""

    text: str
    machine: str

    @classmethod
    def of(cls, seconds: float) -> Instant:
        """Of seconds since the epoch."""
        when = datetime.fromtimestamp(seconds, UTC)
        return cls(f"{when.day} {when:%B %Y, %H:%M} UTC", when.isoformat(timespec="seconds"))


class SessionList(Endpoint):
    """``/_meshproxy/sessions``."""

    async def get(self, visit: Visit) -> Answer:
        """The list."""
        if visit.session is None:
            return await challenge(visit)
        return await self._list(visit, 200, "")

    async def post(self, visit: Visit) -> Answer:
        """End one, or all: ``end=HANDLE`` or ``end=all``."""
        live = visit.session
        if live is None:
            return await challenge(visit)
        if not csrf.session_form(visit):
            return await self._list(visit, 403, "Nothing was ended: this form was made for another login.")
        wanted = visit.form.get("end", "")
        own = await self._own(visit)
        handles = [one.id for one in own or ()] if wanted == "all" else [one.id for one in own or () if one.id == wanted]
        ends_this = wanted in ("all", live.handle)
        if not handles and not ends_this:
            return await self._list(visit, 404, "There is no such session (any more).")
        for handle in handles:
            if handle != live.handle:
                await self.parts.sessions.revoke(handle, "revoked by its owner")
        if not ends_this:
            return self.parts.pages.redirect(303, "/_meshproxy/sessions")
        cookies = await self.parts.sessions.end(live, "logout", visit.now)
        visit.audit("logout", principal=live.principal, provider=live.record.provider)
        revoke(self.parts, live)
        visit.session, visit.finished = None, True
        visit.cookies += cookies
        circles.forget(visit)
        return self.parts.pages.redirect(303, f"{self.parts.public}/_meshproxy/logged-out")

    async def _own(self, visit: Visit) -> list[Summary] | None:
        """The person's own sessions, the newest first; ``None`` where the store cannot list."""
        who = visit.session.principal
        try:
            own: list[Summary] = await self.parts.sessions.list(who.subject, who.issuer)
        except CannotList:
            return None
        return own

    async def _list(self, visit: Visit, status: int, problem: str) -> Answer:
        live = visit.session
        own = await self._own(visit)
        shown = [_shown(one, current=one.id == live.handle) for one in own or ()]
        if not any(one["current"] for one in shown):
            shown.insert(0, _shown_live(live))
        who = live.principal
        account = {
            "name": called(who),
            "email": who.email,
            "email_verified": who.email_verified,
            "groups": who.groups,
            "provider": self.parts.title_of(live.record.provider),
        }
        return visit.page(
            status,
            "sessions.html",
            account=account,
            sessions=shown,
            listable=own is not None,
            problem=problem,
            form_csrf=csrf.of_session(live),
        )


def _shown(one: Any, *, current: bool) -> dict[str, object]:
    return {
        "title": device_name(one.device),
        "place": one.address,
        "started": Instant.of(one.started_at),
        "seen": Instant.of(one.seen_at),
        "current": current,
        "handle": one.id,
    }


def _shown_live(live: Any) -> dict[str, object]:
    record = live.record
    return {
        "title": device_name(record.device),
        "place": record.address,
        "started": Instant.of(record.started_at),
        "seen": Instant.of(live.seen_at),
        "current": True,
        "handle": live.handle,
    }
