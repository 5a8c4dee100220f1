"""What does a page of ours need to know of the request it answers? Who asks, for what, from where.

Works for requests of our own channel and for those of anybody's plain ``Site``: there the facts are made from the
``twisted.web.Request`` by the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.heads import RequestHead
from ..core.inspection import Facts, inspect
from ..core.peer import Peer
from ..core.verdict import is_navigation
from .refusals import wants_html

if TYPE_CHECKING:
    from twisted.web.http import Request


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request for one of meshproxy's own pages.

    :ivar authority: ``host[:port]`` as the client asked (and a trusted peer passed it on); ``host`` without the port.
    :ivar client: the client's address, a trusted peer's word for it included.
    :ivar cookie: every ``Cookie`` line, joined.
    :ivar html: a person will read the answer; else a program, and it gets JSON.
    :ivar navigation: the browser shows the answer as a page, so a redirect makes sense.
    """

    head: RequestHead
    scheme: str
    authority: str
    host: str
    client: str
    peer: Peer
    request_id: str
    cookie: bytes
    html: bool
    navigation: bool
    facts: Facts

    @classmethod
    def of(cls, request: Request) -> Arrival:
        """Of a Twisted request. Raises :class:`meshproxy.core.inspection.Malformed` where a plain ``Site`` let a bad head pass."""
        known: Any = request
        fields = [(name, value) for name, values in request.requestHeaders.getAllRawHeaders() for value in values]
        facts = getattr(known, "facts", None) or inspect(request.method, request.uri, request.clientproto.decode("ascii")[5:], fields)
        exchange = getattr(known, "exchange", None)
        address = request.getClientAddress()
        peer = exchange.peer if exchange is not None else Peer(getattr(address, "host", None) or "unix", getattr(address, "port", 0))
        return cls(
            head=RequestHead(request.method, request.uri, tuple(fields)),
            scheme=exchange.scheme if exchange is not None else ("https" if request.isSecure() else "http"),
            authority=facts.authority,
            host=facts.host,
            client=exchange.client if exchange is not None else peer.address,
            peer=peer,
            request_id=exchange.request_id.decode("ascii") if exchange is not None else "",
            cookie=facts.cookie,
            html=wants_html(facts),
            navigation=is_navigation(request.method, facts),
            facts=facts,
        )
