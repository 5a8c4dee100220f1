"""How does somebody log in with a name and a password? By a form of ours, at ``/_meshproxy/login/NAME``.

The rules: a form counts only in the browser that it was made for; who fails too often waits; a wrong name and a wrong
password get the same words and (the provider's part) take the same time; what was typed as a password goes to the provider
and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError

from ...api.errors import LoginFailed, StoreDown
from . import csrf
from .attempt_limit import WINDOW, AttemptLimit
from .endpoint import Endpoint
from .entering import enter, signed_in_of
from .failing import failed, new_code
from .starting import no_login_needed
from .targets import login_url, wanted
from .waiting import within

if TYPE_CHECKING:
    from ...core.heads import Answer
    from ...core.principal import SignedIn
    from .parts import OwnParts
    from .visit import Visit

_LONGEST_NAME = 256
_LONGEST_PASSWORD = 1024

_WRONG = "User name or password is not right."
_STALE = "This page was open for too long, or your browser keeps no cookies for it. Please try once more."
_PAUSED = "Too many attempts. Wait a few minutes, then try again."


class FormLogin(Endpoint):
    """The form of one provider."""

    def __init__(self, parts: OwnParts, name: str) -> None:
        Endpoint.__init__(self, parts)
        self._name = name
        self._limit = AttemptLimit(parts.shared, name)

    async def get(self, visit: Visit) -> Answer:
        """The empty form; whoever has a session goes on."""
        onward = await no_login_needed(visit)
        return onward if onward is not None else self._form(visit, 200)

    async def post(self, visit: Visit) -> Answer:
        """The form, filled in."""
        if not visit.on_public_host:
            return visit.problem(404, "people log in on the host of public_url")
        code = new_code(self.parts.random(6))
        username, password = visit.form.get("username", ""), visit.form.get("password", "")
        if not csrf.browser_form(visit) or _from_elsewhere(visit):
            return self._refused(visit, 403, "the form was not made for this browser", _STALE, code)
        if not username or not password or len(username) > _LONGEST_NAME or len(password) > _LONGEST_PASSWORD:
            return self._refused(visit, 403, "no name or no password, or one that is too long", _WRONG, code)
        try:
            if not await self._limit.may_try(username, visit.arrival.client):
                return self._refused(visit, 429, "too many attempts", _PAUSED, code)
            signed_in = await self._verified(visit, username, password)
        except CancelledError:
            raise
        except (StoreDown, LoginFailed) as error:
            return failed(visit, error, provider=self._name, code=code, to=wanted(visit))
        except Exception as error:  # the provider's fault; it ends in a page with a code
            self.log.failure("provider {name} broke while verifying login {code}", name=self._name, code=code)
            return failed(visit, error, provider=self._name, code=code, to=wanted(visit))
        if signed_in is None:
            return self._refused(visit, 403, "wrong user name or password", _WRONG, code)
        return await enter(visit, signed_in, provider=self._name, to=wanted(visit), code=code, status=303)

    async def _verified(self, visit: Visit, username: str, password: str) -> SignedIn | None:
        found = await within(self.parts.providers[self._name].verify(username, password), self.parts.clock)
        if found is None:
            await self._limit.failed(visit.arrival.client, visit.now)
            return None
        await self._limit.succeeded(username)
        return signed_in_of(found, self._name)

    def _refused(self, visit: Visit, status: int, reason: str, problem: str, code: str) -> Answer:
        visit.audit(
            "login.failed", reason=reason, provider=self._name, attempt=code, username=visit.form.get("username", "")[:_LONGEST_NAME]
        )
        retry_after = int(WINDOW) if status == 429 else None
        if not visit.arrival.html:
            return visit.problem(status, problem, code=code, retry_after=retry_after)
        fields = ((b"Retry-After", b"%d" % retry_after),) if retry_after else ()
        return self._form(visit, status, problem=problem, code=code, fields=fields)

    def _form(
        self, visit: Visit, status: int, *, problem: str = "", code: str = "", fields: tuple[tuple[bytes, bytes], ...] = ()
    ) -> Answer:
        parts, to = self.parts, wanted(visit)
        several = len(parts.login_providers()) > 1
        return visit.page(
            status,
            "login.html",
            fields=fields,
            action=login_url(to, self._name),
            form_csrf=csrf.of_browser(visit),
            problem=problem,
            code=code,
            username=visit.form.get("username", "")[:_LONGEST_NAME],
            person="",
            others=login_url(to) if several else "",
            provider_title=parts.title_of(self._name) if several else "",
            form_action=_hosts(parts),
        )


def _hosts(parts: OwnParts) -> list[str]:
    """The origins of our other hosts: where a hand-off leads right after the form."""
    return [str(parts.origin_of(host)) for host in parts.settings.hosts[1:]]


def _from_elsewhere(visit: Visit) -> bool:
    """Whether the browser itself says that another site sent the form."""
    facts = visit.arrival.facts
    if facts.origin is not None and facts.origin != b"null":
        return facts.origin.lower() != str(visit.parts.public).encode("ascii")
    return facts.sec_fetch_site is not None and facts.sec_fetch_site not in (b"same-origin", b"none")
