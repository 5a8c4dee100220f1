"""Where does a provider send the browser back to? ``/_meshproxy/callback``, one address for all providers.

The rules: an answer counts once, in the browser that began the attempt, within its time. One that does not count harms
nobody: who has a session goes on, the others may begin again. A provider that answers by a form (``form_post``) comes from
another site, so our Lax cookies stay behind; the form is turned into a GET of our own, to which they come along.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from twisted.internet.defer import CancelledError

from ...api.errors import LoginFailed, StoreDown
from ...sessions.attempts import Finished, Stale
from .endpoint import Endpoint
from .entering import enter, signed_in_of
from .failing import failed, new_code
from .remembered import remembered
from .steps import Steps
from .waiting import within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...core.heads import Answer
    from .visit import Visit

#: what an answer of the code flow may carry (RFC 6749 §4.1.2, RFC 9207, OpenID Connect Session Management)
_KNOWN = ("code", "state", "iss", "error", "error_description", "error_uri", "session_state", "scope")
_LONGEST = 8192


class Callback(Endpoint):
    """The end of a redirect provider's login."""

    async def get(self, visit: Visit) -> Answer:
        """``response_mode=query``, or what a form became."""
        return await self._finish(visit, visit.query, bounced=True)

    async def post(self, visit: Visit) -> Answer:
        """``response_mode=form_post``."""
        if visit.query:
            return visit.problem(400, "the answer of a provider is either a form or a query")
        return await self._finish(visit, visit.form, bounced=False)

    async def _finish(self, visit: Visit, parameters: Mapping[str, str], *, bounced: bool) -> Answer:
        parts = self.parts
        if not visit.on_public_host:
            return visit.problem(404, "providers answer to the host of public_url")
        state = parameters.get("state", "")
        if not state or sum(map(len, parameters.values())) > _LONGEST:
            return await self._stale(visit, "", None, "no state, or too much of everything")
        finished = await parts.attempts.finish(state, visit.arrival.cookie, visit.now)
        if not isinstance(finished, Finished):
            if not bounced:
                known = urlencode({name: parameters[name] for name in _KNOWN if name in parameters})
                return parts.pages.redirect(303, f"/_meshproxy/callback?{known}")
            return await self._stale(visit, state, finished, finished.reason)
        name, code = finished.provider, finished.attempt.code or new_code(parts.random(6))
        steps = Steps(parts, code, finished.attempt, (parameters.get("code", ""), parameters.get("session_state", "")))
        steps.note(f"the browser came back, with {', '.join(known for known in _KNOWN if known in parameters)}")
        attempt = replace(finished.attempt, note=steps.note)
        try:
            provider = parts.login_providers().get(name)
            if provider is None:
                raise LoginFailed(f"provider {name} is not set up any more")
            signed_in = signed_in_of(await within(provider.finish(attempt, dict(parameters)), parts.clock), name)
        except CancelledError:
            raise
        except Exception as error:  # whatever it is, it ends in a page with a code
            if not isinstance(error, LoginFailed | StoreDown):
                self.log.failure("provider {name} broke at the end of login {code}", name=name, code=code)
            visit.cookies += finished.set_cookies
            return failed(visit, error, provider=name, code=code, to=finished.to, steps=steps)
        return await enter(
            visit, signed_in, provider=name, to=finished.to, code=code, status=302 if bounced else 303, cookies=finished.set_cookies
        )

    async def _stale(self, visit: Visit, state: str, stale: Stale | None, reason: str) -> Answer:
        """An answer to nothing that this browser has begun: reloaded, too late, or somebody else's."""
        if visit.session is not None:
            to = (stale.to if stale else "") or await remembered(self.parts, state)
            return self.parts.pages.redirect(303, to or "/")
        code = new_code(self.parts.random(6))
        visit.audit("login.failed", reason=f"an answer that belongs to no login of this browser: {reason}", attempt=code)
        if not visit.arrival.html:
            return visit.problem(400, "this answer belongs to no login of this browser", code=code)
        return visit.message(
            400,
            "This login cannot go on",
            "It took too long, was finished already, or began in another browser.",
            points=("If it happens every time, your browser does not keep cookies for this site.",),
            code=code,
            actions=(("Log in again", "/_meshproxy/login"), ("All services", "/_meshproxy/")),
        )
