"""What comes before a login? Perhaps none is needed, perhaps another host is the place for it; else off to the provider."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError

from ...core.round_trips import WINDOW
from . import circles
from .failing import failed, new_code
from .remembered import remember
from .steps import Steps
from .targets import login_url, target, wanted
from .waiting import within

if TYPE_CHECKING:
    from ...core.heads import Answer
    from .visit import Visit


async def no_login_needed(visit: Visit) -> Answer | None:
    """The answer to somebody who needs no login, or cannot log in on this host; ``None``: they need one."""
    parts, live = visit.parts, visit.session
    if not visit.on_public_host:
        return await hand_off(visit)
    if live is None:
        return None
    again = "again" in visit.query
    handoff = visit.query.get("handoff", "")
    if again and not (handoff and _tokens_live(live, visit.now)):
        if visit.now - live.record.started_at < WINDOW:
            return circles.explain(visit, login_url(wanted(visit), again=True), token=True)
        return None
    if not handoff:
        return parts.pages.redirect(302, wanted(visit))
    url = await parts.handoff.ticket(live, handoff, visit.now)
    if live.ended:
        visit.session = None  # the provider ended it just now, when its tokens were refreshed
        return None
    if not isinstance(url, str):
        return visit.message(
            400,
            "This link is no longer valid",
            "It was made for a login that took too long. Open the service again.",
            actions=(("All services", "/_meshproxy/"),),
        )
    return parts.pages.redirect(302, url)


async def hand_off(visit: Visit) -> Answer:
    """On another host: off to the login on the public one, which comes back with a session for this host."""
    parts, host = visit.parts, visit.arrival.host
    to = target(parts, visit.arrival, visit.query.get("to", ""))
    if to.startswith("/"):
        to = f"{parts.origin_of(host)}/" if to == "/" else f"{parts.public}{to}"
    again = "again" in visit.query
    if visit.session is not None and not again and not parts.handoff.due_recheck(visit.session, visit.now):
        return parts.pages.redirect(302, to)
    value, cookies = parts.handoff.begin(host, to, visit.now, visit.arrival.cookie)
    visit.cookies += cookies
    return parts.pages.redirect(302, f"{parts.public}/_meshproxy/login?{value}{'&again=1' if again else ''}")


async def begin(visit: Visit, name: str, to: str) -> Answer:
    """Begin an attempt and send the browser to the provider."""
    parts = visit.parts
    code = new_code(parts.random(6))
    steps = Steps(parts, code)
    try:
        posted = getattr(parts.providers[name], "response_mode", "") == "form_post"
        attempt, cookies = parts.attempts.begin(name, to, visit.arrival.host, visit.now, visit.arrival.cookie, form_post=posted)
        code = attempt.code or code
        steps = Steps(parts, code, attempt)
        url = await within(parts.providers[name].begin(replace(attempt, note=steps.note)), parts.clock)
        if not (isinstance(url, str) and url.isascii() and url.isprintable() and url.startswith(("https://", "http://"))):
            raise TypeError(f"provider {name} began with no URL")
    except CancelledError:
        raise
    except Exception as error:  # whatever it is, it ends in a page with a code
        return failed(visit, error, provider=name, code=code, to=to, steps=steps)
    visit.cookies += cookies
    await remember(parts, attempt.state, to, visit.now)
    steps.note(f"the browser is sent to {url.partition('?')[0].partition('#')[0]}")
    visit.audit("login.started", provider=name, attempt=code)
    return parts.pages.redirect(302, url)


def _tokens_live(live: Any, now: float) -> bool:
    """Whether every token of the session still holds, so that a hand-off of it would bring what a service misses."""
    tokens = live.record.tokens
    return tokens is not None and all(end is None or end > now for end in (tokens.expires_at, tokens.id_expires_at))
