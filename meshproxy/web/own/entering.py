"""What happens between a proven identity and the page the person wanted? A session begins, and the browser goes on.

The same for every way to log in. Who was logged in in this browser before is not any more: nobody is two people in one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ...api.errors import LoginFailed, StoreDown
from ...core.principal import Principal, SignedIn
from . import circles
from .device import user_agent
from .failing import failed

if TYPE_CHECKING:
    from ...core.heads import Answer
    from .visit import Visit


def signed_in_of(found: object, provider: str) -> SignedIn:
    """What a provider returned, as ours: a bare principal will do, and it is this provider's whatever it says itself."""
    if isinstance(found, Principal):
        found = SignedIn(found)
    if not isinstance(found, SignedIn) or not found.principal.subject:
        raise TypeError(f"provider {provider} returned no principal")
    return replace(found, principal=replace(found.principal, provider=provider))


async def enter(
    visit: Visit, signed_in: SignedIn, *, provider: str, to: str, code: str, status: int, cookies: Iterable[bytes] = ()
) -> Answer:
    """Begin the session and send the browser on.

    :param status: 303 after a form, 302 otherwise.
    :param cookies: ``Set-Cookie`` values that belong to the attempt.
    """
    parts, arrival, before = visit.parts, visit.arrival, visit.session
    try:
        started = await parts.sessions.start(
            signed_in, provider, arrival.host, visit.now, arrival.cookie, address=arrival.client, device=user_agent(visit)
        )
    except (StoreDown, LoginFailed) as error:
        visit.cookies += cookies
        return failed(visit, error, provider=provider, code=code, to=to)
    circling = circles.finished(visit)
    visit.cookies += [*cookies, *started.set_cookies]
    visit.session, visit.finished = started.live, True
    visit.audit("login.succeeded", principal=signed_in.principal, provider=provider, attempt=code)
    if circling:
        visit.session = before
        return circles.explain(visit, to)
    return parts.pages.redirect(status, to)
