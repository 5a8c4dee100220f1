"""Which pages are meshproxy's own? Everything under ``/_meshproxy/``, on every host (contract §4).

One small module an endpoint; :func:`tree` puts them together.
"""

from __future__ import annotations

from typing import Any

from twisted.web.resource import IResource, Resource

from .accept import Accept
from .backchannel import BackchannelLogout
from .callback import Callback
from .endpoint import Endpoint
from .forward_auth import ForwardAuth
from .home import Home, Services
from .inspector import Inspector
from .jwks import Jwks
from .login import Login
from .logout import LoggedOut, Logout
from .parts import OwnParts
from .session_list import SessionList
from .static import Static
from .userinfo import Userinfo
from .visit import Visit

__all__ = ["OwnParts", "OwnTree", "tree"]


class Missing(Endpoint):
    """What is not there."""

    with_session = False

    async def get(self, visit: Visit) -> Any:
        """404, in HTML or JSON."""
        return visit.problem(404, "meshproxy has no such page")

    post = get


class OwnTree(Resource):
    """The children of ``/_meshproxy``.

    :ivar home: the home page, which is also at ``/`` of the public host where no service has it.
    """

    def __init__(self, parts: OwnParts) -> None:
        Resource.__init__(self)
        self.home = Home(parts)
        self._missing = Missing(parts)

    def getChild(self, path: bytes, request: Any) -> IResource:
        """The home page at the prefix itself; nothing else besides what was put there."""
        return self.home if not path else self._missing

    def render(self, request: Any) -> Any:
        """``/_meshproxy`` without the slash."""
        return self.home.render(request)


def tree(parts: OwnParts) -> OwnTree:
    """The resource for ``/_meshproxy``."""
    root = OwnTree(parts)
    endpoints: dict[bytes, Endpoint] = {
        b"services": Services(parts),
        b"auth": ForwardAuth(parts),
        b"login": Login(parts),
        b"callback": Callback(parts),
        b"accept": Accept(parts),
        b"logout": Logout(parts),
        b"logged-out": LoggedOut(parts),
        b"backchannel-logout": BackchannelLogout(parts),
        b"userinfo": Userinfo(parts),
        b"sessions": SessionList(parts),
        b"jwks.json": Jwks(parts),
        b"static": Static(parts),
    }
    if parts.inspector is not None:
        endpoints[b"inspector"] = Inspector(parts)
    for name, endpoint in endpoints.items():
        root.putChild(name, endpoint)
    return root
