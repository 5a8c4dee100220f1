"""What does a provider tell us by itself? That sessions ended (OpenID Connect Back-Channel Logout 1.0).

The rule: the provider's class proves the token; a form that proves nothing ends nothing and is a 400. A session that nobody
has here is no error: what was asked for is so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError

from ...api.errors import LoginFailed, ProviderDown, Rejected
from .endpoint import Endpoint
from .waiting import within

if TYPE_CHECKING:
    from ...core.heads import Answer
    from .visit import Visit


class BackchannelLogout(Endpoint):
    """``/_meshproxy/backchannel-logout``."""

    with_session = False

    async def post(self, visit: Visit) -> Answer:
        """End the sessions that a valid ``logout_token`` names."""
        if not visit.form.get("logout_token"):
            return self._refused(visit, "there is no logout_token")
        reasons = []
        down = False
        for name, provider in self.parts.providers.items():
            ask = getattr(provider, "backchannel_logout", None)
            if ask is None:
                continue
            try:
                ended = await within(ask(dict(visit.form)), self.parts.clock)
            except CancelledError:
                raise
            except ProviderDown as error:
                down = True
                reasons.append(f"{name}: {error.reason}")
            except (Rejected, LoginFailed) as error:
                reasons.append(f"{name}: {error}")
            except Exception as error:
                self.log.failure("provider {name} broke at a back-channel logout", name=name)
                reasons.append(f"{name}: {type(error).__name__}")
            else:
                for issuer, key in ended:
                    await self.parts.sessions.end_matching(issuer, key, "logout at the provider")
                visit.audit("logout", reason="the provider said so", provider=name, sessions=len(ended))
                return self.parts.pages.json(200, {})
        if down:
            return visit.problem(503, "the provider's keys cannot be fetched", retry_after=10)
        return self._refused(visit, "; ".join(reasons) or "no provider takes part in back-channel logout")

    def _refused(self, visit: Visit, reason: str) -> Answer:
        """§2.8: 400 with an error object. The reason is for the audit trail: the sender learns no more than that."""
        visit.audit("logout.refused", reason=reason)
        return self.parts.pages.json(400, {"error": "invalid_request", "error_description": "the logout token is not accepted"})
