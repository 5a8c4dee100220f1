"""What does the sample application show? The head it received, and pages that use a WebSocket, a stream and an upload.

The rule: it works wherever a route puts it. What is asked for stands in the last segment of the path, links are built from the
path and ``X-Forwarded-Prefix``, and everything it loads is a resource of its own, so that a strict CSP holds.
"""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from .echo import EchoResource

_CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_PAGE = (files(__package__) / "page.html").read_text("utf-8")

_STATIC = {
    b"sample.js": (b"text/javascript; charset=utf-8", (files(__package__) / "sample.js").read_bytes()),
    b"sample.css": (b"text/css; charset=utf-8", (files(__package__) / "sample.css").read_bytes()),
}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def base_path(request: Any) -> str:
    """The path that a browser sees this page under, with one slash at its end."""
    prefix = next((_text(value) for name, value in request.fields if name.lower() == b"x-forwarded-prefix"), "")
    path = _text(request.uri.partition(b"?")[0])
    # Empty segments go: a base that began with two slashes would name another host.
    return "/" + "".join(f"{segment}/" for segment in f"{prefix}/{path}".split("/") if segment)


class HeadResource(Resource):
    """Shows the head: a page for people, ``Accept: application/json`` gets ``{"request_line": …, "fields": [[name, value], …]}``."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        """Answer any method alike."""
        request.setHeader(b"cache-control", b"no-store")
        accept = b",".join(value for name, value in request.fields if name.lower() == b"accept")
        if b"application/json" in accept or request.method not in (b"GET", b"HEAD"):
            request.setHeader(b"content-type", b"application/json")
            shown = {
                "request_line": _text(request.head[0]),
                "fields": [[_text(name), _text(value)] for name, value in request.fields],
                "body_bytes": request.body_bytes,
            }
            return json.dumps(shown, indent=1).encode("ascii") + b"\n"
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        request.setHeader(b"content-security-policy", _CSP)
        rows = "\n".join(
            f"<tr><th scope=row>{escape(_text(name))}</th><td>{escape(_text(value))}</td></tr>" for name, value in request.fields
        )
        page = _PAGE.replace("@base@", escape(base_path(request))).replace("@request_line@", escape(_text(request.head[0])))
        return page.replace("@fields@", rows).encode("utf-8")


class ClockResource(Resource):
    """Server-sent events: the time, every second, until nobody listens."""

    isLeaf = True

    def __init__(self, clock: Any) -> None:
        super().__init__()
        self._clock = clock

    def render_GET(self, request: Any) -> int:
        """Stream."""
        request.setHeader(b"content-type", b"text/event-stream")
        request.setHeader(b"cache-control", b"no-store")
        ticks = 0

        def tick() -> None:
            nonlocal ticks
            ticks += 1
            request.write(b"id: %d\ndata: %.3f\n\n" % (ticks, self._clock.seconds()))

        ticking = LoopingCall(tick)
        ticking.clock = self._clock
        request.notifyFinish().addErrback(lambda _: ticking.stop())
        ticking.start(1.0)
        return NOT_DONE_YET


class UploadResource(Resource):
    """Takes a body of any size and tells its length and SHA-256: nothing of it is kept, in memory or on disk."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        """Answer when the last byte is in."""
        request.setHeader(b"content-type", b"application/json")
        received = {"bytes": request.body_bytes, "sha256": request.digest.hexdigest()}
        return json.dumps(received).encode("ascii") + b"\n"


class StaticResource(Resource):
    """A file of the sample page."""

    isLeaf = True

    def __init__(self, kind: bytes, content: bytes) -> None:
        super().__init__()
        self._kind = kind
        self._content = content

    def render_GET(self, request: Any) -> bytes:
        """The file."""
        request.setHeader(b"content-type", self._kind)
        request.setHeader(b"x-content-type-options", b"nosniff")
        return self._content


class SampleApplication(Resource):
    """The root: the last segment of the path selects, everything else shows the head."""

    def __init__(self, clock: Any) -> None:
        super().__init__()
        self._head = HeadResource()
        self._named: dict[bytes, Resource] = {
            b"ws": EchoResource(), b"clock": ClockResource(clock), b"upload": UploadResource(),
            **{name: StaticResource(*static) for name, static in _STATIC.items()},
        }

    def getChild(self, path: bytes, request: Any) -> Resource:
        """Whatever the prefix is."""
        last = request.uri.partition(b"?")[0].rpartition(b"/")[2]
        return self._named.get(last, self._head)
