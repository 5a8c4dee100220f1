"""Where does somebody log in? ``/_meshproxy/login``: off to the one provider, or the choice between several.

Logging in happens on the host of ``public_url``; on every other host this begins a hand-off (contract §3.3). Whoever has a
session already just goes on: a bookmarked login page, a second tab, the way back from a provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .endpoint import Endpoint
from .form_login import FormLogin
from .parts import is_form
from .starting import begin, hand_off, no_login_needed
from .targets import login_url, wanted

if TYPE_CHECKING:
    from twisted.web.resource import IResource

    from ...core.heads import Answer
    from .parts import OwnParts
    from .visit import Visit


class Login(Endpoint):
    """``/_meshproxy/login?to=PATH``, with a child for each provider."""

    isLeaf = False

    def getChild(self, path: bytes, request: Any) -> IResource:
        """``/_meshproxy/login/NAME``."""
        name = path.decode("utf-8", "replace")
        provider = self.parts.login_providers().get(name)
        if provider is None:
            return self if not name else NoProvider(self.parts)
        return FormLogin(self.parts, name) if is_form(provider) else RedirectLogin(self.parts, name)

    async def get(self, visit: Visit) -> Answer:
        """Go on, go off to the provider, or choose."""
        onward = await no_login_needed(visit)
        if onward is not None:
            return onward
        to = wanted(visit)
        providers = self.parts.login_providers()
        if len(providers) == 1:
            [(name, provider)] = providers.items()
            if is_form(provider):
                return self.parts.pages.redirect(302, login_url(to, name))
            return await begin(visit, name, to)
        if not providers:
            return visit.message(503, "Nobody can log in here", "No identity provider is set up that people could log in with.")
        choices = [
            {"url": login_url(to, name), "title": self.parts.title_of(name), "letter": initial(self.parts.title_of(name))}
            for name in providers
        ]
        return visit.page(200, "chooser.html", choices=choices, person="")


class RedirectLogin(Endpoint):
    """``/_meshproxy/login/NAME`` of a provider that has a site of its own."""

    def __init__(self, parts: OwnParts, name: str) -> None:
        Endpoint.__init__(self, parts)
        self._name = name

    async def get(self, visit: Visit) -> Answer:
        """Off to the provider."""
        if not visit.on_public_host:
            return await hand_off(visit)
        return await begin(visit, self._name, wanted(visit))


class NoProvider(Endpoint):
    """``/_meshproxy/login/NAME`` of a provider that there is not (any more)."""

    with_session = False

    async def get(self, visit: Visit) -> Answer:
        """A way back."""
        if not visit.arrival.html:
            return visit.problem(404, "there is no such way to log in")
        return visit.message(
            404, "There is no such way to log in", "Perhaps it existed once.", actions=(("Log in", login_url(wanted(visit))),)
        )


def initial(title: str) -> str:
    """The letter that stands for a name."""
    return next((one for one in title if one.isalnum()), "·").upper()
