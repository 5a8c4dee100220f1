"""Who am I? ``/_meshproxy/userinfo``, for programs: what services are told, and never a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .challenge import login_needed
from .endpoint import Endpoint

if TYPE_CHECKING:
    from ...core.heads import Answer
    from .visit import Visit


class Userinfo(Endpoint):
    """The principal as JSON; 401 when nobody is logged in."""

    async def get(self, visit: Visit) -> Answer:
        """``expires_at``: when the session ends unless it is used before, in seconds since the epoch."""
        live = visit.session
        if live is None:
            return login_needed(visit, "/")
        who = live.principal
        return self.parts.pages.json(
            200,
            {
                "issuer": who.issuer,
                "subject": who.subject,
                "email": who.email,
                "email_verified": who.email_verified,
                "name": who.name,
                "username": who.username,
                "groups": list(who.groups),
                "provider": who.provider,
                "expires_at": int(live.expires_at),
            },
        )
