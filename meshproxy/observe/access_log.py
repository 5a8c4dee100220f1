"""Who asked for what, when, and what became of it? One line a request, as JSON or as text.

The rule: a line costs a few microseconds and no system call. Lines are put together from pieces that were encoded before,
collected, and written in batches; a reader that does not keep up costs lines, which are counted, and never a request.
"""

from __future__ import annotations

import json
import select
from collections.abc import Callable
from typing import Any, Literal, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..core.exchange import Exchange
from ..core.memo import Memo
from ..core.principal import Principal
from .timestamps import Timestamps

_FLUSH_AFTER = 0.1
_BATCH_BYTES = 64 * 1024
_REPORT_EVERY = 60.0
_LONGEST_PATH = 2048
_PIPE_BUF = getattr(select, "PIPE_BUF", 4096)

_PLAIN = bytes(c for c in range(0x21, 0x7F) if c not in b'"\\')
"""What stands in a JSON string, and in a quoted part of a text line, as it is: visible ASCII without quote and backslash."""


class Writer(Protocol):
    """Where lines go: :class:`meshproxy.api.LineWriter`, or a file that is opened anew when it was rotated."""

    def write(self, line: bytes) -> Deferred[None] | None:
        """Write; a Deferred when it has to wait. Raises :class:`OSError`."""


def path_of(target: bytes) -> bytes:
    """A request target without its query, and without scheme and authority where it was in absolute form: both may hold secrets."""
    path = target.partition(b"?")[0]
    if not path.startswith(b"/") and b"://" in path:
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return path


def _inside(value: bytes) -> bytes:
    """What stands between the quotes of a JSON string: nearly always the bytes themselves."""
    if not value.translate(None, _PLAIN):
        return value
    return json.dumps(value.decode("utf-8", "backslashreplace"))[1:-1].encode("ascii")


_known = Memo(lambda value: json.dumps(value.decode("utf-8", "surrogateescape")).encode("ascii"), entries=4096, longest=256)


def _quoted(value: str) -> bytes:
    """JSON of a string that comes again and again: an authority, a reason, a service."""
    return _known[value.encode("utf-8", "surrogateescape")]


class AccessLog:
    """The access log.

    :param write: takes lines, as :meth:`Writer.write`.
    :param mode: ``json`` or ``text``.
    :param reactor: for the batches.
    :ivar lines: how many were written or are on their way.
    :ivar dropped: how many were lost because nobody reads.
    """

    log = Logger()

    def __init__(self, write: Callable[[bytes], Deferred[None] | None], mode: Literal["json", "text"], reactor: Any) -> None:
        self._write = write
        self._reactor = reactor
        self._format = self._json_line if mode == "json" else self._text_line
        self._timestamps = Timestamps()
        self._principals: dict[tuple[str, str, str | None, str], bytes] = {}
        self._batch: list[bytes] = []
        self._batch_bytes = 0
        self._flushing: IDelayedCall | None = None
        self._reported_at: float | None = None
        self._stopped = False
        self.lines = 0
        self.dropped = 0

    def record(self, exchange: Exchange) -> None:
        """Write a request's line, soon."""
        line = self._format(exchange)
        self._batch.append(line)
        self._batch_bytes += len(line)
        self.lines += 1
        if self._batch_bytes >= _BATCH_BYTES or self._stopped:
            self.flush()
        elif self._flushing is None:
            self._flushing = self._reactor.callLater(_FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        """Hand over what was collected, in pieces that end with a line and that a pipe takes whole.

        So processes that share a pipe (``--workers``) do not tear each other's lines.
        """
        if self._flushing is not None:
            if self._flushing.active():
                self._flushing.cancel()
            self._flushing = None
        batch, self._batch, self._batch_bytes = self._batch, [], 0
        piece: list[bytes] = []
        size = 0
        for line in batch:
            if piece and size + len(line) > _PIPE_BUF:
                self._hand_over(piece)
                piece, size = [], 0
            piece.append(line)
            size += len(line)
        if piece:
            self._hand_over(piece)

    def stop(self) -> None:
        """Hand over what is left; whatever comes later is written at once."""
        self._stopped = True
        self.flush()

    def _hand_over(self, piece: list[bytes]) -> None:
        try:
            waits = self._write(b"".join(piece))
        except OSError as error:
            self._lost(len(piece), error)
            return
        if waits is not None:
            waits.addErrback(self._gave_up, len(piece))

    def _gave_up(self, failure: Failure, lines: int) -> None:
        self._lost(lines, failure.value)

    def _lost(self, lines: int, error: object) -> None:
        self.dropped += lines
        now = self._reactor.seconds()
        if self._reported_at is None or now - self._reported_at >= _REPORT_EVERY:
            self._reported_at = now
            self.log.error("access log: {dropped} lines are lost so far: {error}", dropped=self.dropped, error=error)

    # ---------------------------------------------------------------- formats

    def _json_line(self, e: Exchange) -> bytes:
        path = _inside(path_of(e.target)[:_LONGEST_PATH])
        return (
            b'{"log":"access","time":"%b","request_id":"%b","client":%b,"method":"%b","authority":%b,"path":"%b","status":%d,'
            b'"service":%b,"upstream_authority":%b,"principal":%b,"answered_by":%b,"cause":%b,"event":%b,"reason":%b,'
            b'"duration_ms":%.1f,"bytes_in":%d,"bytes_out":%d}\n'
        ) % (
            self._timestamps.format(e.started_at), _inside(e.request_id), _quoted(e.client), _inside(e.method), _quoted(e.authority), path,
            e.status, _quoted(e.service), _quoted(e.upstream_authority), b"null" if e.principal is None else self._principal(e.principal),
            _quoted(e.answered_by), _quoted(e.cause), _quoted(e.event), _quoted(e.reason),
            e.duration * 1000, e.body_in_bytes, e.body_out_bytes,
        )

    def _text_line(self, e: Exchange) -> bytes:
        """``TIME CLIENT "METHOD AUTHORITY PATH" STATUS BYTES MS SERVICE>UPSTREAM WHO ANSWERED-BY/CAUSE ID REASON``; ``-``: nothing."""
        path = _inside(path_of(e.target)[:_LONGEST_PATH])
        who = b"-" if e.principal is None else _quoted(e.principal.email or e.principal.subject)
        return b'%b %b "%b %b %b" %d %d %.1fms %b>%b %b %b/%b %b %b\n' % (
            self._timestamps.format(e.started_at), _quoted(e.client)[1:-1], _inside(e.method), _quoted(e.authority)[1:-1] or b"-", path,
            e.status, e.body_out_bytes, e.duration * 1000, _quoted(e.service)[1:-1] or b"-", _quoted(e.upstream_authority)[1:-1] or b"-",
            who, _quoted(e.answered_by)[1:-1], _quoted(e.cause)[1:-1] or b"-", _inside(e.request_id), _quoted(e.reason),
        )

    def _principal(self, principal: Principal) -> bytes:
        key = (principal.issuer, principal.subject, principal.email, principal.provider)
        found = self._principals.get(key)
        if found is None:
            if len(self._principals) >= 4096:
                self._principals.clear()
            known = {"issuer": principal.issuer, "subject": principal.subject, "email": principal.email, "provider": principal.provider}
            found = self._principals[key] = json.dumps(known, separators=(",", ":")).encode("ascii")
        return found

