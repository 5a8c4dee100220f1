"""What is sent to a service? The very head that its forwarding plan writes, for the root of its route.

The rule: identity fields go with the request itself and only when somebody asked for them; a request with another Host never has
any, since nobody knows where a sidecar takes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..api import RequestHead
from ..compiling import public_origin, route_table
from ..core.forwarding import ForwardingPlan
from ..core.inspection import Facts, inspect
from ..core.principal import SignedIn
from ..core.routing import Match

if TYPE_CHECKING:
    from ..core.heads import Field
    from ..settings import Settings
    from ..web.protected import ProtectedService

_FIELDS: tuple[Field, ...] = ((b"User-Agent", b"meshproxy-doctor"), (b"Accept", b"*/*"))
_FOR = b"127.0.0.1"


class Heads:
    """The heads for one service.

    :param protected: the service, compiled as the worker compiles it.
    :param signed_in: whose identity fields go along; ``None``: nobody's.
    :param request_id: stands in the service's log.
    """

    def __init__(self, settings: Settings, protected: ProtectedService, signed_in: SignedIn | None, request_id: str) -> None:
        self._settings = settings
        self._protected = protected
        self._signed_in = signed_in
        self._request_id = request_id.encode("ascii")
        service = protected.settings
        origin = public_origin(settings, service.route.host)
        path = service.route.path.encode("ascii")
        host = origin.authority.encode("ascii")
        self._fields = [(b"Host", host), *_FIELDS]
        self._facts: Facts = inspect(b"GET", path, "1.1", self._fields)
        found = route_table(settings).find(service.route.host, path)
        #: what is asked for, as the service sees it (its own prefix excepted)
        self.target = found.path if isinstance(found, Match) and found.service == service.name else path
        self.public_url = f"{origin}{service.route.path}"

    def own(self) -> bytes:
        """The request as meshproxy sends it.

        :raises Refused, RewriterFailed, TokenNeeded: where the service's rewriters do.
        """
        service, signed_in = self._protected, self._signed_in
        identity = b"" if signed_in is None else service.rewriting.identity(signed_in).lines
        rewriters, plan = service.rewriting.per_request, service.forwarding
        if not rewriters:
            return self._head(plan, identity)
        facts = self._facts
        head = RequestHead(b"GET", self.target, tuple(plan.kept(facts, self._fields, cookie=b"")))
        for rewriter in rewriters:
            head = rewriter.rewrite_request(head, None if signed_in is None else signed_in.principal)
        return plan.assemble(  # whatever the rewriters made of it, it stays a question
            head.fields, b"GET", head.target, facts, forwarded_for=_FOR, identity=identity, request_id=self._request_id,
            preserve_authority=facts.authority,
        )

    def with_host(self, host: str) -> bytes:
        """The same with another Host, without identity and without what rewriters add."""
        service = self._protected.settings
        other = replace(service, request=replace(service.request, host=host))
        public = public_origin(self._settings, service.route.host)
        return self._head(ForwardingPlan(other, public, frozenset(), frozenset(), b"meshproxy"), b"")

    def _head(self, plan: ForwardingPlan, identity: bytes) -> bytes:
        return plan.head(
            b"GET", self.target, self._facts, self._fields, cookie=b"", forwarded_for=_FOR, identity=identity, request_id=self._request_id,
            preserve_authority=self._facts.authority,
        )
