"""How does a login that fails end? With a page that has a short code, an audit event that has the reason, and no session.

The rule: the person is told what they can do, the operator why; the code and the request id lead from one to the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.logger import Logger

from ...api.errors import LoginFailed, ProviderDown, StoreDown
from .targets import login_url

if TYPE_CHECKING:
    from ...core.heads import Answer
    from .steps import Steps
    from .visit import Visit

RETRY_AFTER = 10  # seconds
_log = Logger()
# No 0, O, 1, I, L, U: read aloud and typed without mistakes, and no words.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_code(random: bytes) -> str:
    """A short code for a login attempt, of six or more random bytes."""
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in random[:6])


def failed(visit: Visit, error: BaseException, *, provider: str, code: str, to: str, steps: Steps | None = None) -> Answer:
    """The answer to a login that ended with an error.

    :param steps: of the attempt: what is secret in it is cut out of the reason.
    :param error: what the provider (or the session store) raised; anything but :class:`LoginFailed` is a fault of its own.
    """
    if isinstance(error, ProviderDown | StoreDown):
        status, reason = 503, str(error) or type(error).__name__
        title = "Logging in does not work right now"
        text = getattr(error, "message", "") or "The login service does not answer. Sessions that exist go on. Try again in a moment."
    elif isinstance(error, LoginFailed):
        status, reason = 403, error.reason
        title = "You could not be logged in"
        text = error.message or "The login service did not confirm who you are."
    else:
        status, reason = 500, f"{type(error).__name__} in provider {provider}"
        title = "Logging in broke"
        text = "Something went wrong on our side while you were logged in."
        _log.error("login {code} by provider {provider} broke: {kind}", code=code, provider=provider, kind=type(error).__name__)
    if steps is not None:
        reason = steps.cleaned(reason)
    visit.audit("login.failed", reason=reason, provider=provider, attempt=code, status=status)
    fields = ((b"Retry-After", b"%d" % RETRY_AFTER),) if status == 503 else ()
    if not visit.arrival.html:
        return visit.problem(status, text, code=code, fields=fields)
    answer = visit.message(
        status,
        title,
        text,
        "If it stays like this, tell your operators the code below.",
        code=code,
        actions=(("Try again", login_url(to)), ("All services", "/_meshproxy/")),
    )
    return type(answer)(answer.status, (*answer.fields, *fields), answer.body)
