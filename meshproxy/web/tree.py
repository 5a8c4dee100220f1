"""Which leaf of the resource tree is a request for? The public host's pages, ``/_meshproxy/`` everywhere, the services.

The tree is an ordinary Twisted Web resource tree; what is special is that it can also be asked with a parsed head
(:meth:`Tree.locate`), without a ``twisted.web.Request``. Both ways give the same leaf.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twisted.web.resource import IResource, NoResource, Resource
from zope.interface import implementer

from ..core.inspection import Malformed
from ..core.routing import Misroute, RouteTable

if TYPE_CHECKING:
    from ..core.inspection import Facts
    from .resource import ServiceResource


@implementer(IResource)
class Tree(Resource):
    """The root of everything under one configuration."""

    isLeaf = False

    def __init__(self, routes: RouteTable, services: Mapping[str, ServiceResource], own: IResource) -> None:
        Resource.__init__(self)
        self.routes = routes
        self.services = services
        self._own = own

    def locate(self, facts: Facts) -> tuple[ServiceResource, bytes] | None:
        """The leaf that is a protected service, and the path to forward; ``None`` where another resource renders.

        Raises :class:`Malformed`: 400 for an ambiguous path, 404 where nothing lives, 421 for a Host that nobody has.
        """
        match = self.routes.find(facts.host, facts.path)
        if isinstance(match, Misroute):
            if match.status == 404 and self.children:
                return None  # what others mounted beside our services
            raise Malformed(match.status, match.reason)
        if match.own or match.service is None:
            return None
        return self.services[match.service], match.path

    def getChildWithDefault(self, path: bytes, request: Any) -> IResource:
        """As Twisted Web asks: ``/_meshproxy``, what others mounted, else the home page that stands there."""
        if path == b"_meshproxy":
            return self._own
        if path in self.children:
            return self.children[path]
        return self._own.getChildWithDefault(path, request) if not path else NoResource()
