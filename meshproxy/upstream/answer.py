"""Where does an answer begin and end, and may its connection be used again? (RFC 9112 §4, §6, §7, §9.3)

llhttp reads the head and the chunked coding; the rules that it lacks stand here. Anything that two readers could
understand differently is refused, because the next answer on the connection would then be somebody else's. Bodies of
known length are counted past their first bytes, not parsed, and go on in the buffers in which they came.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from ..core.heads import Field
from .handshake import handshake_problem

_MOST_INTERIM = 20
_FIRST_BYTES = 40
_MOST_BYTES = 2**63 - 1
_CONTROLS = bytes(set(range(0x20)) - {0x09}) + b"\x7f"
# Only fields of these lengths can be one of the names that matter: spares most of them a lower().
_LENGTHS = frozenset(map(len, (b"connection", b"content-length", b"transfer-encoding")))
_HEAD_ENDS = (b"\r\n\r\n", b"\n\n", b"\n\r\n")


class BadAnswer(Exception):
    """The bytes are no answer that we can pass on; the connection can carry no further one."""


class Mode(IntEnum):
    """What the next bytes are."""

    HEAD = 0
    COUNTED = 1
    CHUNKED = 2
    UNTIL_CLOSE = 3
    DONE = 4


class AnswerReader:
    """Reads the answers of one connection, one after the other.

    After each :meth:`feed` the connection takes what is new: ``interims``, ``head``, ``pieces``, ``complete``,
    ``upgraded``. A plain slotted class whose callbacks only record: receivers are called after the parser came back.

    :ivar interims: interim heads (1xx), to be taken and cleared.
    :ivar head: status, reason, fields, length of the body (``None``: chunked or until close), whether it never has one.
    :ivar pieces: body bytes without transfer coding, to be taken and cleared.
    :ivar complete: the answer is whole.
    :ivar reusable: after it the connection may carry another request.
    :ivar surplus: bytes came that belong to no answer.
    :ivar upgraded: after a verified 101: the bytes that came behind it; else ``None``.
    :ivar first: at most 40 bytes that came first.
    :ivar received: how many bytes came.
    :ivar keep_for: how long the service says it keeps an idle connection (``Keep-Alive: timeout=``), seconds.
    """

    __slots__ = (
        "_fields", "_head_bytes", "_head_request", "_interim", "_interim_count", "_key", "_left", "_max_fields", "_own", "_parser",
        "_quiet", "_reason", "_stale", "complete", "first", "head", "interims", "keep_for", "mode", "on_body", "pieces", "received",
        "reusable", "surplus", "upgraded",
    )

    def __init__(self, head_bytes: int, max_fields: int) -> None:
        self._head_bytes = head_bytes
        self._max_fields = max_fields
        self.pieces: list[bytes] = []
        # llhttp's body callback is the list's own append: no Python frame for a piece of body.
        self.on_body = self.pieces.append
        self.interims: list[tuple[int, bytes, list[Field]]] = []
        self._stale = True
        self._parser: Any = None
        self.begin()

    def begin(self, head_request: bool = False, websocket_key: bytes | None = None) -> None:
        """Expect the answer to the next request."""
        if self._stale:
            self._parser = HttpResponseParser(self)
            # RFC 9112 §2.2 lets a recipient take a bare LF for a line end. In a head that is safe (we write our own);
            # it is taken back before a chunked body, where it would decide about framing.
            self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
            self._stale = False
        self._head_request = head_request
        self._key = websocket_key
        self._fields: list[Field] = []
        self._reason = b""
        self._interim = False
        self._interim_count = 0
        self._quiet = 0
        self._left = 0
        self._own = 0
        self.first = b""
        self.received = 0
        self.mode = Mode.HEAD
        self.head: tuple[int, bytes, list[Field], int | None, bool] | None = None
        self.complete = False
        self.reusable = False
        self.surplus = False
        self.upgraded: bytes | None = None
        self.keep_for: float | None = None

    def close(self) -> None:
        """Let go of the parser, with which this forms a reference cycle."""
        self._parser = None
        self._stale = True

    def feed(self, data: bytes) -> None:
        """Give the bytes that came. Raises :class:`BadAnswer`."""
        self.received += len(data)
        mode = self.mode
        if mode == Mode.COUNTED:
            self._count(data)
        elif mode == Mode.UNTIL_CLOSE:
            self.pieces.append(data)
        elif mode == Mode.DONE:
            self.surplus, self.reusable = True, False
        else:
            self._parse(data)

    def end(self) -> bool:
        """The connection was closed in order: is the answer whole by that? (RFC 9112 §6.3, rule 8)"""
        if self.mode == Mode.UNTIL_CLOSE:
            self.mode, self.complete = Mode.DONE, True
        return self.complete

    def _count(self, data: bytes) -> None:
        size = len(data)
        if size < self._left:
            self._left -= size
            self.pieces.append(data)
            return
        if size > self._left:
            self.surplus, self.reusable = True, False
            data = data[: self._left]
        self.pieces.append(data)
        self.mode, self.complete = Mode.DONE, True

    def _parse(self, data: bytes) -> None:
        self._quiet += len(data)
        if len(self.first) < _FIRST_BYTES:
            self.first += data[: _FIRST_BYTES - len(self.first)]
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._stale = True
            self.upgraded = data[upgrade.args[0] :]
            return
        except HttpParserCallbackError as error:
            raise BadAnswer(str(error.__context__)) from None
        except HttpParserError as error:
            if not self.complete:
                raise BadAnswer(str(error)) from None
            # What llhttp choked on lies behind the answer.
            self.surplus = True
        if self.complete:
            self._finish(data)
        elif self.mode == Mode.HEAD:
            self._check_head_size()
            if self.interims:
                self._quiet = 0
        elif self.mode == Mode.COUNTED:
            self._left -= sum(map(len, self.pieces))
            self._stale = True
        elif self.mode == Mode.UNTIL_CLOSE:
            self._stale = True
        elif self.pieces:
            self._quiet = 0
        elif self._quiet > self._head_bytes:
            raise BadAnswer("a chunk extension or a trailer section without end")

    def _finish(self, data: bytes) -> None:
        """The answer became whole in ``data``: is there more in it than the answer?"""
        pieces = self.pieces
        # A second answer in the same bytes is somebody else's: its body must not follow ours.
        if len(pieces) > self._own:
            del pieces[self._own :]
            self.surplus = True
        no_body = self.head is not None and self.head[4]
        if no_body:
            # A piece of a body that must not be may hide in the parser, and come as the next answer's first bytes.
            if not data.endswith(_HEAD_ENDS):
                self.reusable = False
        elif self.mode == Mode.CHUNKED:
            self.surplus = self.surplus or data.endswith(b"\r\n\r\n\r\n")
        elif pieces and not data.endswith(pieces[-1]):
            # llhttp skips line ends between answers without a word.
            self.surplus = True
        if self.surplus:
            self.reusable = False
        if self._head_request or self.mode == Mode.CHUNKED or not self.reusable:
            self._stale = True
        self.mode = Mode.DONE

    def _check_head_size(self) -> None:
        if self._quiet <= self._head_bytes:
            return
        if self.mode == Mode.HEAD or sum(len(name) + len(value) + 4 for name, value in self._fields) > self._head_bytes:
            raise BadAnswer(f"the head is larger than {self._head_bytes} bytes")

    # -- llhttp's callbacks, named by httptools --------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A message begins (llhttp says so at its first byte)."""
        if self.complete:
            self.surplus = True
        self._fields = []
        self._reason = b""

    def on_status(self, reason: bytes) -> None:
        """A part of the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field line, of a head or of a trailer section."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole: judge it, and settle what the next bytes are."""
        if self.complete:
            return
        fields, reason, parser = self._fields, self._reason, self._parser
        status = parser.get_status_code()
        version = parser.get_http_version()
        # llhttp reads RTSP/1.0 and ICE/1.0 too.
        if version != "1.1" and (version != "1.0" or not self.first.lstrip(b"\r\n").startswith(b"HTTP/")):
            raise BadAnswer(f"not HTTP/1.1 or HTTP/1.0 (version {version})")
        if status < 100:
            raise BadAnswer(f"status {status}")
        if len(reason.translate(None, _CONTROLS)) != len(reason):
            raise BadAnswer("a control character in the reason phrase")
        if len(fields) > self._max_fields:
            raise BadAnswer(f"more than {self._max_fields} fields")
        if self._quiet > self._head_bytes:
            self.mode = Mode.COUNTED  # the head is complete: only its own size counts
            self._check_head_size()
            self.mode = Mode.HEAD
        if status < 200:
            self._interim_head(status, reason, fields)
            return
        length, chunked, close = self._framing(fields, version)
        no_body = self._head_request or status == 204 or status == 304
        self.head = (status, reason, fields, length, no_body)
        self._fields = []
        if no_body:
            self.reusable = not close if self._head_request else parser.should_keep_alive()
            # llhttp does not know that it was a HEAD; what it reads on is surplus.
            self.complete = self._head_request
            self._own = 0
        elif chunked:
            self.reusable = parser.should_keep_alive()
            self.mode = Mode.CHUNKED
            parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=False)
        elif length is not None:
            self.reusable = parser.should_keep_alive()
            self.mode, self._left = Mode.COUNTED, length
        else:
            self.mode = Mode.UNTIL_CLOSE

    def on_message_complete(self) -> None:
        """The message is whole."""
        if self._interim:
            self._interim = False
        elif not self.complete:
            self.complete = True
            self._own = len(self.pieces)
        elif self._head_request and self.head is not None and self.head[3] is None and self.head[0] not in (204, 304):
            self.surplus = True  # a chunked body behind the answer to a HEAD

    def _interim_head(self, status: int, reason: bytes, fields: list[Field]) -> None:
        if status == 101:
            if self._key is None:
                raise BadAnswer("101 to a request that asked for no upgrade")
            problem = handshake_problem(fields, self._key)
            if problem is not None:
                raise BadAnswer(problem)
            self.head = (status, reason, fields, None, True)
            return
        self._interim_count += 1
        if self._interim_count > _MOST_INTERIM:
            raise BadAnswer(f"more than {_MOST_INTERIM} interim answers")
        self._interim = True
        self.interims.append((status, reason, fields))

    def _framing(self, fields: list[Field], version: str) -> tuple[int | None, bool, bool]:
        """Length, whether chunked, and whether ``Connection`` says close. llhttp has judged the combination already."""
        length: int | None = None
        chunked = False
        options: set[bytes] = set()
        for name, value in fields:
            if len(name) not in _LENGTHS:
                continue
            folded = name.lower()
            if folded == b"content-length":
                length = int(value)
                if length > _MOST_BYTES:
                    raise BadAnswer("a Content-Length beyond all measure")
            elif folded == b"transfer-encoding":
                # One coding alone: of "gzip, chunked" and "chunked, chunked" readers make different things.
                if chunked or version == "1.0" or value.lower() != b"chunked":
                    raise BadAnswer("a Transfer-Encoding other than chunked, or in HTTP/1.0")
                chunked = True
            elif folded == b"connection":
                options.update(option.strip(b" \t") for option in value.lower().split(b","))
            elif folded == b"keep-alive":
                self.keep_for = _timeout_of(value)
        close = b"close" in options or (version == "1.0" and b"keep-alive" not in options)
        return length, chunked, close


def _timeout_of(value: bytes) -> float | None:
    """``timeout`` of a ``Keep-Alive`` value (RFC 2068 §19.7.1.1, in use ever since), or ``None``."""
    for parameter in value.split(b","):
        name, _, number = parameter.partition(b"=")
        number = number.strip(b' \t"')
        if name.strip(b" \t").lower() == b"timeout" and number.isdigit() and len(number) < 10:
            return float(number)
    return None
