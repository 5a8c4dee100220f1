"""What went through just now, and what became of it? ``/_meshproxy/inspector``, for operators: a page, JSON, and live.

The rule: only operators see it (``[operators]``), and what they see was redacted before it was kept. The page needs no script: live, it
simply never ends.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from ...core.access import is_operator
from ...core.heads import Answer
from .challenge import challenge
from .endpoint import Endpoint
from .endpoint import _Sender as Sender

if TYPE_CHECKING:
    from twisted.web.server import Request

    from ...observe.inspector import Record
    from .parts import OwnParts
    from .visit import Visit

_SHOWN = 60
_VIEWERS = 20
_BEAT_EVERY = 15.0  # seconds between signs of life: who has left is noticed
_GAP = b"<!-- live -->"


@dataclass(frozen=True, slots=True)
class _Looking(Answer):
    """An answer that does not end; ``visit`` is whose it is."""

    visit: Any = None


class Inspector(Endpoint):
    """The last requests: ``?service=NAME``, ``?failed=1``, ``?id=REQUEST-ID``."""

    isLeaf = False

    def __init__(self, parts: OwnParts) -> None:
        Endpoint.__init__(self, parts)
        self.putChild(b"live", Live(parts))

    async def get(self, visit: Visit) -> Answer:
        """As a page for people, as JSON for programs."""
        refused = await not_for(visit)
        if refused is not None:
            return refused
        records, inspector = _wanted(visit), self.parts.inspector
        if not visit.arrival.html:
            told = [record.as_dict() for record in records]
            return self.parts.pages.json(200, {"requests": told, "services": inspector.services, "skipped": inspector.skipped})
        return visit.page(
            200, "inspector.html", records=[record.as_dict() for record in records], services=inspector.services,
            service=_service(visit), failed="failed" in visit.query, wanted=visit.query.get("id", ""), skipped=inspector.skipped,
        )


class Live(Endpoint):
    """The same as it happens: server-sent events for programs, for people a page to which requests are added."""

    def __init__(self, parts: OwnParts) -> None:
        Endpoint.__init__(self, parts)
        self._viewers: set[_Viewer] = set()

    async def get(self, visit: Visit) -> Answer:
        """Whether it may begin; :meth:`render` does the rest."""
        refused = await not_for(visit)
        if refused is not None:
            return refused
        if len(self._viewers) >= _VIEWERS:
            return visit.problem(503, "too many people are looking already", retry_after=30)
        return _Looking(200, visit=visit)

    def render(self, request: Request) -> int:
        """Answer, and go on answering."""
        sender, gone = Sender(request), request.notifyFinish()
        gone.addErrback(lambda _: None)
        asked = Deferred.fromCoroutine(self._answer(request))
        asked.addCallbacks(self._begin, sender.broke, callbackArgs=(request, sender, gone)).addErrback(sender.lost)
        return NOT_DONE_YET

    def _begin(self, result: tuple[Answer, list[bytes]], request: Any, sender: Sender, gone: Deferred[None]) -> None:
        answer, cookies = result
        if not isinstance(answer, _Looking) or request.method == b"HEAD":
            sender.send(result)
        elif not gone.called:
            viewer = _Viewer(self, request, answer.visit)
            self._viewers.add(viewer)
            viewer.begin(cookies)

    def left(self, viewer: _Viewer) -> None:
        """Somebody looks no more."""
        self._viewers.discard(viewer)


@implementer(IPushProducer)
class _Viewer:
    """Somebody who looks on. One who does not keep up misses some, which is counted."""

    def __init__(self, live: Live, request: Any, visit: Visit) -> None:
        self._live = live
        self._request = request
        self._visit = visit
        self._html = visit.arrival.html
        self._service = _service(visit)
        self._full = False
        self._missed = 0
        self._unsubscribe = lambda: None
        self._beat = LoopingCall(self._write, b"<!-- -->\n" if self._html else b": \n\n")
        self._beat.clock = live.parts.clock

    def begin(self, cookies: list[bytes]) -> None:
        """Send what is known of the page, then what happens."""
        request, parts = self._request, self._live.parts
        request.notifyFinish().addBoth(self._gone)
        headers = request.responseHeaders
        for name, value in ((b"X-Meshproxy-Source", b"meshproxy"), (b"Cache-Control", b"no-store"), (b"X-Accel-Buffering", b"no"),
                            (b"X-Content-Type-Options", b"nosniff"), (b"Referrer-Policy", b"same-origin"), (b"Server", b"meshproxy")):
            headers.setRawHeaders(name, [value])
        if cookies:
            headers.setRawHeaders(b"Set-Cookie", cookies)
        first = b": meshproxy's requests, one a message\n\n"
        if self._html:
            page = self._visit.page(200, "inspector_live.html", service=self._service)
            for name, value in page.fields:
                headers.setRawHeaders(name, [value])
            first = page.body.partition(_GAP)[0]
        else:
            headers.setRawHeaders(b"Content-Type", [b"text/event-stream; charset=utf-8"])
        request.registerProducer(self, True)
        request.write(first)
        self._unsubscribe = parts.inspector.subscribe(self.happened)
        self._beat.start(_BEAT_EVERY, now=False).addErrback(lambda _: None)
        self._visit.session.channels.add(self)

    def happened(self, record: Record) -> None:
        """A request was kept."""
        if self._service is not None and record.service != self._service:
            return
        if self._full:
            self._missed += 1
            return
        told = record.as_dict()
        missed, self._missed = self._missed, 0
        if self._html:
            self._write(self._live.parts.pages.page("inspector_record.html", one=told, missed=missed, wanted=""))
        else:
            self._write(b"data: " + json.dumps({**told, "missed": missed}).encode("ascii") + b"\n\n")

    def session_ended(self, cause: str) -> None:
        """Who looks on is logged out."""
        self._write(b"</ul><p>Your session has ended.</p>" if self._html else b"event: end\ndata: session\n\n")
        self._request.unregisterProducer()
        self._request.finish()

    def pauseProducing(self) -> None:
        """They do not keep up."""
        self._full = True

    def resumeProducing(self) -> None:
        """They do again."""
        self._full = False

    def stopProducing(self) -> None:
        """The connection is gone; :meth:`_gone` hears of it too."""

    def _write(self, data: bytes) -> None:
        if not self._full:
            self._request.write(data)

    def _gone(self, _: Failure | None) -> None:
        self._unsubscribe()
        if self._beat.running:
            self._beat.stop()
        session = self._visit.session
        if session is not None:
            session.channels.discard(self)
        self._live.left(self)


async def not_for(visit: Visit) -> Answer | None:
    """The answer to somebody who is no operator, ``None`` for one who is."""
    if visit.session is None:
        return await challenge(visit)
    if not is_operator(visit.parts.settings.operators, visit.principal):
        return visit.problem(403, "only operators see what others do", needs=visit.parts.settings.operators.groups)
    return None


def _service(visit: Visit) -> str | None:
    """Whose requests are wanted: "" are meshproxy's own, ``None`` all."""
    name = visit.query.get("service", "*")
    return None if name == "*" else name


def _wanted(visit: Visit) -> list[Record]:
    inspector, query = visit.parts.inspector, visit.query
    if "id" in query:
        found = inspector.find(query["id"])
        return [] if found is None else [found]
    records: list[Record] = inspector.recent(_service(visit), limit=10 * _SHOWN)
    return [record for record in records if record.failed or "failed" not in query][:_SHOWN]
