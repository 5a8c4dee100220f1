"""A redirect provider: logs people in at a badge terminal's web page, which answers with a code.

[identity.badge]
type = "badge"
terminal = "https://badge.example.com"
"""

from urllib.parse import urlencode

from pydantic import BaseModel

from meshproxy.api import LoginFailed, Principal, ProviderDown, SignedIn, hookimpl
from meshproxy.api.identity import BackChannelError


class BadgeLogin:
    name = "badge"

    class Settings(BaseModel):
        terminal: str

    def __init__(self, settings, context):
        self.settings = settings
        self.context = context

    def begin(self, attempt):
        # `state` comes back with the browser; meshproxy has checked it before it calls finish.
        query = urlencode({"return": attempt.redirect_uri, "state": attempt.state, "nonce": attempt.nonce})
        return f"{self.settings.terminal}/start?{query}"

    async def finish(self, attempt, parameters):
        if "code" not in parameters:
            raise LoginFailed("the terminal sent no code", message="You did not hold your badge to the terminal.")
        try:
            response = await self.context.http.get(f"{self.settings.terminal}/badge", params={"code": parameters["code"]})
        except BackChannelError as error:
            raise ProviderDown(f"the terminal: {error}") from error
        if response.code != 200:
            raise LoginFailed(f"the terminal answered {response.code}")
        badge = await response.json()
        if badge.get("nonce") != attempt.nonce:  # the code was made for another login
            raise LoginFailed("the nonce is another login's")
        principal = Principal(issuer=self.settings.terminal, subject=badge["number"], name=badge.get("name"), provider=self.context.name)
        return SignedIn(principal, expires_at=badge.get("shift_ends_at"), provider_session=badge.get("session"))

    def end_session_url(self, signed_in, return_to):
        return f"{self.settings.terminal}/leave?{urlencode({'return': return_to})}"


@hookimpl
def meshproxy_identity_providers():
    return [BadgeLogin]
