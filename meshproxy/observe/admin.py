"""What may a machine ask on the admin listener? Whether it lives, whether it is ready and why not, and the figures. Nothing else.

The rule: nothing here needs or shows a secret, and nothing here is ever on the public listener.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.pages import notFound
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Site

from .exposition import Exposition

Refresh = Callable[[], Deferred[None]]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests should be sent here.

    :ivar reasons: why not; empty when ready.
    :ivar warnings: what will need somebody soon (a certificate that ends), though it is ready.
    """

    reasons: Sequence[str] = ()
    warnings: Sequence[str] = ()

    @property
    def ready(self) -> bool:
        """Nothing is in the way."""
        return not self.reasons


class _Page(Resource):
    """An address without anything below it: not a leaf in Twisted's sense, which would answer for what lies below too."""

    def answer(self, request: Request, status: int, kind: bytes, body: bytes) -> bytes:
        request.setResponseCode(status)
        request.setHeader(b"content-type", kind)
        request.setHeader(b"cache-control", b"no-store")
        return body

    def json(self, request: Request, status: int, value: object) -> bytes:
        return self.answer(request, status, b"application/json", json.dumps(value).encode("ascii") + b"\n")


class _Asked(_Page):
    """A page that is brought up to date when somebody asks.

    :param refresh: does so, if that has to wait for other processes.
    """

    def __init__(self, refresh: Refresh | None) -> None:
        super().__init__()
        self._refresh = refresh

    def render_GET(self, request: Request) -> bytes | int:
        if self._refresh is None:
            return self.page(request)
        gone: list[Failure] = []
        request.notifyFinish().addErrback(lambda failure: gone.append(failure))
        self._refresh().addCallback(lambda _: None if gone else self._late(request))
        return NOT_DONE_YET

    def _late(self, request: Request) -> None:
        body = self.page(request)
        request.setHeader(b"content-length", b"%d" % len(body))
        request.write(body)
        request.finish()

    def page(self, request: Request) -> bytes:
        raise NotImplementedError


class _Health(_Page):
    """It answers, so it lives: whatever else is wrong, a restart would not mend it."""

    def render_GET(self, request: Request) -> bytes:
        return self.json(request, 200, {"status": "alive"})


class _Ready(_Asked):
    def __init__(self, readiness: Callable[[], Readiness], refresh: Refresh | None) -> None:
        super().__init__(refresh)
        self._readiness = readiness

    def page(self, request: Request) -> bytes:
        found = self._readiness()
        body = {"ready": found.ready, "reasons": list(found.reasons), "warnings": list(found.warnings)}
        return self.json(request, 200 if found.ready else 503, body)


class _Figures(_Asked):
    def __init__(self, exposition: Exposition, refresh: Refresh | None) -> None:
        super().__init__(refresh)
        self._exposition = exposition

    def page(self, request: Request) -> bytes:
        kind, text = self._exposition.render(request.getHeader("accept") or "")
        return self.answer(request, 200, kind, text)


class _Root(Resource):
    """The three addresses, exactly: what lies beside or below them is not there."""

    def getChild(self, path: bytes, request: Any) -> IResource:
        return notFound()


class AdminSite(Site):
    """The admin listener's site.

    :param readiness: asked for every ``/readyz``.
    :param exposition: the figures.
    :param refresh: brings both up to date before they are asked, where other processes know them; its Deferred never fails.
    """

    displayTracebacks = False
    noisy = False

    def __init__(
        self, readiness: Callable[[], Readiness], exposition: Exposition, reactor: Any, refresh: Refresh | None = None
    ) -> None:
        root = _Root()
        root.putChild(b"healthz", _Health())
        root.putChild(b"readyz", _Ready(readiness, refresh))
        root.putChild(b"metrics", _Figures(exposition, refresh))
        super().__init__(root, timeout=30, reactor=reactor, parsePOSTFormSubmission=False)

    def log(self, request: Any) -> None:
        """Say nothing: probes come every few seconds."""
