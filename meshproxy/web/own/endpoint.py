"""How is one of our endpoints asked, and how does its answer get out? A Twisted resource around one coroutine a method.

An endpoint says ``async def get(visit)`` or ``async def post(visit)`` and returns an :class:`Answer`; everything that they
all need stands here: reading parameters, finding the session, our fields, and an answer for every way to fail. A coroutine
goes to its end even when the browser has left: a login or a logout that was begun is not left half done. Whatever it waits
for has a deadline of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from ...api.errors import StoreDown
from ...core.heads import Answer
from ...core.inspection import Malformed
from ..arrival import Arrival
from .visit import BadParameters, Visit, parameters
from .waiting import settled

if TYPE_CHECKING:
    from twisted.python.failure import Failure
    from twisted.web.server import Request

    from .parts import OwnParts

_BODY_BYTES = 64 * 1024
_RETRY_AFTER = 5  # seconds
_FORM = b"application/x-www-form-urlencoded"


class Endpoint(Resource):
    """The base of all our endpoints. A subclass has ``get``, ``post`` or both; HEAD is GET without the body."""

    isLeaf = True
    log = Logger()
    #: whether the endpoint wants to know who asks
    with_session = True

    def __init__(self, parts: OwnParts) -> None:
        Resource.__init__(self)
        self.parts = parts

    async def get(self, visit: Visit) -> Answer:
        """Answer a GET."""
        raise NotImplementedError

    async def post(self, visit: Visit) -> Answer:
        """Answer a POST."""
        raise NotImplementedError

    # ---------------------------------------------------------------- in

    def render(self, request: Request) -> int:
        """Begin to answer; the answer comes when it is ready."""
        sender = _Sender(request)
        Deferred.fromCoroutine(self._answer(request)).addCallbacks(sender.send, sender.broke).addErrback(sender.lost)
        return NOT_DONE_YET

    async def _answer(self, request: Request) -> tuple[Answer, list[bytes]]:
        try:
            arrival = Arrival.of(request)
        except Malformed as error:
            return self.parts.pages.problem(error.status, html=False, reason=error.reason, request_id="", fields=error.fields), []
        visit = Visit(self.parts, arrival, self.parts.clock.seconds())
        try:
            answer = await self._ask(visit, request)
        except CancelledError:
            raise
        except BadParameters as error:
            answer = visit.problem(400, str(error))
        except StoreDown as error:
            self.log.warn("request {id}: the session store is down: {error}", id=arrival.request_id, error=error)
            visit.finished = True
            answer = visit.problem(503, "", retry_after=_RETRY_AFTER)
        except Exception:
            self.log.failure("request {id} for a page of ours broke", id=arrival.request_id)
            answer = visit.problem(500, "")
        return answer, self._cookies(visit)

    async def _ask(self, visit: Visit, request: Request) -> Answer:
        method = visit.arrival.head.method
        ask = {b"GET": self.get, b"HEAD": self.get, b"POST": self.post}.get(method)
        if ask is None or getattr(ask, "__func__", None) in (Endpoint.get, Endpoint.post):
            return visit.problem(405, "this method is not for this address", fields=((b"Allow", self._allowed()),))
        visit.query = parameters(visit.arrival.facts.query[1:])
        if method == b"POST":
            body = _body(request)
            if body is None:
                return visit.problem(413, "the request body is larger than meshproxy's own pages take")
            visit.form = _form(request, body)
        if self.with_session:
            visit.session = await self._session(visit)
            exchange = getattr(request, "exchange", None)
            if exchange is not None and visit.session is not None:
                exchange.principal, exchange.session_id = visit.session.principal, visit.session.record.id
        return await ask(visit)

    async def _session(self, visit: Visit) -> Any:
        """Who asks. Raises :class:`StoreDown`."""
        recalled = await self._recalled(visit)
        return None if recalled is None else recalled.session

    async def _recalled(self, visit: Visit) -> Any:
        """What the cookies say (:class:`meshproxy.sessions.cache.Recalled`); ``None`` without any. Raises :class:`StoreDown`."""
        arrival = visit.arrival
        if not arrival.cookie:
            return None
        recalled = self.parts.sessions.recall(arrival.cookie, arrival.host, visit.now)
        if recalled is None:
            recalled = await settled(self.parts.sessions.load(arrival.cookie, arrival.host, visit.now))
        return recalled

    def _allowed(self) -> bytes:
        methods = [b"GET, HEAD"] if type(self).get is not Endpoint.get else []
        return b", ".join(methods + ([b"POST"] if type(self).post is not Endpoint.post else []))

    def _cookies(self, visit: Visit) -> list[bytes]:
        """What the answer sets: the use of a session counts here as everywhere (contract §3.4)."""
        session = visit.session
        if session is not None and not session.ended and not visit.finished:
            visit.cookies += self.parts.sessions.renewal(session, visit.now)
        return visit.cookies


def _body(request: Request) -> bytes | None:
    """The body, or ``None`` when it is larger than any form of ours (our channel has refused it already)."""
    content: Any = request.content
    content.seek(0, 2)
    if content.tell() > _BODY_BYTES:
        return None
    content.seek(0)
    body: bytes = content.read()
    return body


def _form(request: Request, body: bytes) -> dict[str, str]:
    kind = (request.getHeader(b"content-type") or b"").partition(b";")[0].strip().lower()
    if not body and not kind:
        return {}
    if kind != _FORM:
        raise BadParameters("a form is expected (application/x-www-form-urlencoded)")
    return parameters(body)


class _Sender:
    """Writes an answer, unless the browser has gone."""

    def __init__(self, request: Request) -> None:
        self._request: Request | None = request
        request.notifyFinish().addErrback(self._gone)

    def _gone(self, _: Failure) -> None:
        self._request = None

    def send(self, result: tuple[Answer, list[bytes]]) -> None:
        """The whole answer at once."""
        request, self._request = self._request, None
        if request is None:
            return
        answer, cookies = result
        request.setResponseCode(answer.status)
        headers = request.responseHeaders
        headers.setRawHeaders(b"Server", [b"meshproxy"])
        headers.setRawHeaders(b"X-Meshproxy-Source", [b"meshproxy"])
        named: dict[bytes, list[bytes]] = {}
        for name, value in answer.fields:
            named.setdefault(name, []).append(value)
        for name, values in named.items():
            headers.setRawHeaders(name, values)
        if cookies:
            headers.setRawHeaders(b"Set-Cookie", [*headers.getRawHeaders(b"Set-Cookie", []), *cookies])
        if not headers.hasHeader(b"Content-Type"):
            request.defaultContentType = None  # type: ignore[assignment]
        if answer.status not in (204, 304):
            headers.setRawHeaders(b"Content-Length", [b"%d" % len(answer.body)])
        request.write(answer.body)
        request.finish()

    def lost(self, failure: Failure) -> None:
        """It could not even be written."""
        Endpoint.log.failure("an answer of our own could not be sent", failure)

    def broke(self, failure: Failure) -> None:
        """Not even the error page could be made: say so in the log, and to the browser as much as is certain."""
        Endpoint.log.failure("an answer of our own broke", failure)
        self.send(
            (Answer(500, ((b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"no-store")), b"Something broke.\n"), [])
        )
