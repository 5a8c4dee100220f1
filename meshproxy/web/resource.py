"""How does a protected service stand in a Twisted Web tree? As a ``ReverseProxyResource`` with another engine.

Under our own channel a :class:`ServiceResource` is only looked up: the parsed head goes straight to a relay. In anybody's
plain ``Site`` it is rendered like every resource: Twisted has parsed the head and spooled the body before we are asked, so
the rules of :mod:`meshproxy.core` hold, but the parser's strictness, streaming uploads, 100-continue and WebSockets do not.

This is the one module that imports ``twisted.web.proxy``, which installs the default reactor as a side effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IPushProducer
from twisted.web.http_headers import Headers
from twisted.web.proxy import ReverseProxyResource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from ..core.inspection import Malformed, inspect
from ..core.trust import Claimed
from .relay import Relay

if TYPE_CHECKING:
    from twisted.web.server import Request

    from ..core.heads import Answer, Field
    from .gateway import Gateway
    from .protected import ProtectedService
    from .tunnelling import Tunnelling

_PIECE = 64 * 1024


class ServiceResource(ReverseProxyResource):
    """A service behind meshproxy, as a resource.

    :param host: the service's host name, as in ``ReverseProxyResource``.
    :param port: its port.
    :param path: what is put before every path, without a slash at the end, as in ``ReverseProxyResource``.
    :param reactor: the reactor that opens connections to it.
    :param service: the compiled service; without it a public one is made of the four arguments: managed names are
        stripped, Host is set, nothing is injected.
    :param gateway: what decides about requests; without it one that knows no sessions.
    """

    def __init__(self, host: str, port: int, path: bytes, reactor: Any, *, service: ProtectedService | None = None,
                 gateway: Gateway | None = None) -> None:
        ReverseProxyResource.__init__(self, host, port, path, reactor)
        self._standalone: Any = None
        if service is None or gateway is None:
            from ..standalone import Standalone  # the composition root of a single resource; it imports this package

            self._standalone = Standalone(host, port, reactor)
            gateway = self._standalone.gateway
        self._service = service
        self.gateway: Gateway = gateway
        self._depth = 0

    @property
    def service(self) -> ProtectedService:
        """The compiled service; only a resource that was given one has it."""
        if self._service is None:
            raise LookupError("a standalone resource has a service for each public name, not one")
        return self._service

    def getChild(self, path: bytes, request: Request) -> ServiceResource:  # type: ignore[override]
        """The same service one path segment further down."""
        child = ServiceResource.__new__(ServiceResource)
        child.__dict__.update(self.__dict__, children={}, _depth=self._depth + 1)
        return child

    def render(self, request: Request) -> int:  # type: ignore[override]
        """Relay a request that Twisted has received completely."""
        lane = RequestLane(request)
        fields = [(name, value) for name, values in request.requestHeaders.getAllRawHeaders() for value in values]
        gateway = self.gateway
        try:
            facts = inspect(request.method, request.uri, request.clientproto.decode("ascii")[5:], fields)
        except Malformed as error:
            exchange = gateway.exchange_of_request(lane, request, fields, None)
            lane.answer_own(gateway.refusals.malformed(exchange, error), exchange.request_id)
            return NOT_DONE_YET
        facts.upgrade_websocket = facts.expect_continue = facts.chunked = False
        facts.content_length = lane.length or None
        exchange = getattr(request, "exchange", None) or gateway.exchange_of_request(lane, request, fields, facts)
        service = self._service or self._standalone.service_for(lane.scheme, facts)
        exchange.service = service.name
        relay = Relay(gateway, lane, service, request.method, self._target(request, facts.query), fields, facts, exchange)
        relay.forwarded_for = exchange.forwarded_for or gateway.trust.forwarded_for(exchange.peer, Claimed(False, exchange.peer.address))
        lane.begin(relay)
        return NOT_DONE_YET

    def _target(self, request: Request, query: bytes) -> bytes:
        """The target upstream: our base path and the request's own bytes below where this resource is mounted."""
        raw = request.uri.partition(b"?")[0].split(b"/")[1:]
        tail = [b""] if request.uri.endswith(b"/") and not self.path else []
        if self._depth:
            tail = raw[len(request.prepath or ()) - self._depth :]
        return (self.path + b"".join(b"/" + segment for segment in tail) or b"/") + query


@implementer(IPushProducer)
class RequestLane:
    """The downstream side of a relay where a ``twisted.web.Request`` stands for the browser."""

    def __init__(self, request: Request) -> None:
        self._request: Request | None = request
        content: Any = request.content
        content.seek(0, 2)
        self._content = content
        self.length = content.tell()
        content.seek(0)
        self._relay: Relay | None = None
        self._paused = 0
        self._sent = False
        self.scheme = "https" if request.isSecure() else "http"
        request.notifyFinish().addErrback(self._gone)

    def begin(self, relay: Relay) -> None:
        """Start the relay and give it the body as far as it wants it."""
        self._relay = relay
        relay.start()
        self._pump()

    def _pump(self) -> None:
        while self._relay is not None and self._request is not None and not self._paused and not self._sent:
            piece = self._content.read(_PIECE)
            if piece:
                self._relay.request_data(piece)
            else:
                self._sent = True
                self._relay.request_end()

    def _gone(self, _: object) -> None:
        relay, self._relay, self._request = self._relay, None, None
        if relay is not None:
            relay.client_gone(True)

    # ---------------------------------------------------------------- what a relay asks of a lane

    def begin_answer(self, relay: Relay, status: int, reason: bytes, fields: list[Field], length: int | None, no_body: bool,
                     set_cookies: tuple[bytes, ...]) -> None:
        """The head of a service's answer."""
        kept = relay.service.answers.fields(
            fields, request_id=relay.exchange.request_id, date=relay.gateway.date(), set_cookies=set_cookies)
        if length is not None and not no_body:
            kept.append((b"Content-Length", b"%d" % length))
        self._head(status, reason, kept)
        if self._request is not None:
            self._request.registerProducer(self, True)

    def _head(self, status: int, reason: bytes, fields: list[Field]) -> None:
        request = self._request
        if request is None:
            return
        request.setResponseCode(status, reason or None)
        headers = Headers()
        for name, value in fields:
            headers.addRawHeader(name, value)
        if not headers.hasHeader(b"content-type"):
            request.defaultContentType = None  # type: ignore[assignment]
        request.responseHeaders = headers

    def send_interim(self, head: bytes) -> None:
        """Twisted Web has no interim answers; they are optional (RFC 9110 §15.2)."""

    def send_body(self, data: bytes) -> None:
        """A piece of the answer's body."""
        if self._request is not None:
            self._request.write(data)

    def flush_answer(self) -> None:
        """Twisted Web has sent it already."""

    def end_answer(self) -> None:
        """The answer is complete."""
        request, self._request, self._relay = self._request, None, None
        if request is not None:
            request.unregisterProducer()
            request.finish()

    def cut_answer(self) -> None:
        """The answer broke off: the connection too, so that it does not look complete."""
        request, self._request, self._relay = self._request, None, None
        if request is not None:
            request.unregisterProducer()
            if request.channel is not None:
                request.channel.forceAbortClient()

    def answer_own(self, answer: Answer, request_id: bytes) -> None:
        """The whole answer is ours."""
        own = {b"cache-control": (b"Cache-Control", b"no-store"), b"x-meshproxy-source": (b"X-Meshproxy-Source", b"meshproxy")}
        for name, _ in answer.fields:
            own.pop(name.lower(), None)
        self._head(answer.status, b"", [*answer.fields, *own.values(), (b"X-Request-Id", request_id),
                                        (b"Content-Length", b"%d" % len(answer.body))])
        request, self._request, self._relay = self._request, None, None
        if request is not None:
            request.write(answer.body)
            request.finish()

    def continue_request(self) -> None:
        """Twisted Web said 100 Continue before we were asked."""

    def open_tunnel(self, relay: Tunnelling, head: bytes) -> bytes:
        """Never: upgrades are not asked for in this lane."""
        raise RuntimeError("a tunnel needs meshproxy's own channel")

    def send_raw(self, data: bytes) -> None:
        """Never: there are no tunnels in this lane."""

    def close_tunnel(self, clean: bool) -> None:
        """Never: there are no tunnels in this lane."""

    def half_close_tunnel(self) -> bool:
        """Never: there are no tunnels in this lane."""
        return False

    def pause_reading(self, why: int) -> None:
        """Give the relay no more of the body."""
        self._paused |= why

    def resume_reading(self, why: int) -> None:
        """Go on giving it."""
        if self._paused & why:
            self._paused &= ~why
            self._pump()

    # ---------------------------------------------------------------- IPushProducer, called by the request's transport

    def pauseProducing(self) -> None:
        """The browser does not keep up."""
        if self._relay is not None:
            self._relay.client_congested()

    def resumeProducing(self) -> None:
        """It does again."""
        if self._relay is not None:
            self._relay.client_relieved()

    def stopProducing(self) -> None:
        """It is gone."""
        self._gone(None)
