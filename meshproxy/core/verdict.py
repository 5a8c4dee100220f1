"""What is to be done with this request? The one decision: forward, challenge or refuse.

The rule: a pure function of the head, the service's access rule and the principal; ``explain`` and the request path call
the same one. It decides, others act.
"""

from __future__ import annotations

from dataclasses import dataclass

from .access import Allowed, Denied, judge
from .inspection import Facts
from .origin_check import cross_origin
from .policy import AccessSettings
from .principal import Principal


@dataclass(frozen=True, slots=True)
class Forward:
    """It goes upstream.

    :ivar reason: which rule let it in.
    :ivar identified: whether the principal, if there is one, is told to the service (not with a forwarded preflight).
    """

    reason: str
    identified: bool = True


@dataclass(frozen=True, slots=True)
class Challenge:
    """Who is it? Nothing goes upstream.

    :ivar navigation: a browser wants to show the answer as a page.
    :ivar redirect: send it to the login (302): a navigation that can be repeated afterwards. Else 401, as a page for a
        navigation, as JSON for everything else.
    """

    reason: str
    navigation: bool
    redirect: bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """No. ``needs`` are the groups any of which would do."""

    status: int
    reason: str
    needs: tuple[str, ...] = ()


Verdict = Forward | Challenge | Refuse

_PREFLIGHT = Forward("CORS preflight", identified=False)
_PUBLIC = Forward("public")
_PAGES = frozenset({b"document", b"iframe", b"frame"})
_REPEATABLE = frozenset({b"GET", b"HEAD"})


def decide(
    access: AccessSettings,
    facts: Facts,
    method: bytes,
    principal: Principal | None,
    *,
    by_cookie: bool,
    public_origin: str,
    allowed_origins: frozenset[bytes],
    judgement: Allowed | Denied | None = None,
) -> Verdict:
    """The verdict on one request.

    :param by_cookie: a session cookie authenticated it, so the check of :mod:`meshproxy.core.origin_check` applies (to a
        public service too: the session is told to it).
    :param public_origin: the route's, as browsers write it in ``Origin``.
    :param judgement: what :func:`meshproxy.core.access.judge` said of this rule and this principal, where the caller
        remembers it with the session.
    """
    if facts.preflight and access.preflight == "forward":
        return _PREFLIGHT
    if judgement is None:
        judgement = judge(access, principal)
    if isinstance(judgement, Denied):
        if judgement.login:
            navigation = is_navigation(method, facts)
            return Challenge(judgement.reason, navigation, navigation and method in _REPEATABLE)
        return Refuse(403, judgement.reason, judgement.needs)
    if by_cookie:
        crossed = cross_origin(facts, public_origin, allowed_origins, method)
        if crossed:
            return Refuse(403, crossed)
    return _PUBLIC if access.public else Forward(judgement.reason)


def is_navigation(method: bytes, facts: Facts) -> bool:
    """Whether a browser asks for a page to show (contract §4): ``Sec-Fetch-*`` first, ``Accept`` after it, upgrades never.

    True for a form sent by POST too: its answer is shown as a page, but it cannot be repeated after a login.
    """
    if facts.upgrade or method == b"OPTIONS":
        return False
    if facts.sec_fetch_mode is not None:
        return facts.sec_fetch_mode == b"navigate"
    if facts.sec_fetch_dest is not None:
        return facts.sec_fetch_dest in _PAGES
    return facts.accept is not None and _accepts_pages(facts.accept)


def _accepts_pages(accept: bytes) -> bool:
    """Whether ``Accept`` names HTML and does not weigh it 0. ``*/*`` is what programs send."""
    for one in accept.lower().split(b","):
        kind, _semicolon, weight = one.partition(b";")
        if kind.strip() in (b"text/html", b"application/xhtml+xml"):
            return weight.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False
