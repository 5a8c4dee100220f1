"""How does a request reach an ordinary Twisted Web resource? Our pages, and whatever else stands in the tree.

Our channel has parsed the head; here it becomes the ``twisted.web.server.Request`` that every resource knows, rendered as
Twisted Web always does. Bodies are bounded before they are kept: our own forms are small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from ..core.inspection import Malformed

if TYPE_CHECKING:
    from ..core.heads import Field
    from ..core.inspection import Facts
    from .channel import MeshChannel

OWN_BODY_BYTES = 64 * 1024  # of a form of ours, or a provider's form_post


class RenderedRequest:
    """One request that a resource renders; takes its body from the channel."""

    __slots__ = ("_channel", "_facts", "_fields", "_method", "_received", "_request", "_target", "_version")

    def __init__(self, channel: MeshChannel, method: bytes, target: bytes, version: str, fields: list[Field], facts: Facts) -> None:
        self._channel = channel
        self._method = method
        self._target = target
        self._version = b"HTTP/" + version.encode("ascii")
        self._fields = fields
        self._facts = facts
        self._received = 0
        self._request: Any = None

    def start(self) -> None:
        """Build the request; raises :class:`Malformed` (413) where the body announces itself as too large."""
        facts = self._facts
        if facts.content_length and facts.content_length > OWN_BODY_BYTES:
            raise Malformed(413, "the request body is larger than meshproxy's own pages take")
        channel = self._channel
        request = channel.site.requestFactory(channel)
        channel.requests = [request]
        headers = Headers()
        for name, value in self._fields:
            headers.addRawHeader(name, value)
        request.requestHeaders = headers
        request.exchange = channel.exchange
        request.facts = facts
        request.gotLength(facts.content_length or 0 if not facts.chunked else None)
        channel.continue_request()
        self._request = request

    def request_data(self, data: bytes) -> None:
        """A piece of the body."""
        self._received += len(data)
        if self._received > OWN_BODY_BYTES:
            raise Malformed(413, "the request body is larger than meshproxy's own pages take")
        self._request.handleContentChunk(data)

    def request_end(self) -> None:
        """Everything is there: render."""
        request = self._request
        request.parseCookies()
        if self._facts.close:
            request.responseHeaders.setRawHeaders(b"connection", [b"close"])
        request.responseHeaders.setRawHeaders(b"x-request-id", [request.exchange.request_id])
        request.requestReceived(self._method, self._target, self._version)

    def client_gone(self, clean: bool) -> None:
        """Nobody waits for the answer any more."""
        if self._request is not None and self._request in self._channel.requests:
            self._channel.requests = []
            self._request.connectionLost(Failure(ConnectionDone() if clean else ConnectionLost()))
