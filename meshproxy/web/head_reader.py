"""What does the next request head say? Bytes in, method, target, version and fields out, strict by RFC 9112.

llhttp parses; what it lets pass is checked here on the raw bytes (white space in the request line, empty lines before
it) or in :mod:`meshproxy.core.inspection` on the parsed parts. The head is cut out of the stream by its empty line
before llhttp sees what follows, so pipelined requests and bodies are never parsed ahead of their turn.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpParserUpgrade, HttpRequestParser

from ..core.heads import Field
from ..core.inspection import Malformed
from ..settings import LimitSettings

_END = b"\r\n\r\n"
_NO_LINE = "the request line is not METHOD SP TARGET SP VERSION"


class HeadReader:
    """Reads one head after another from a connection's bytes; the parts of the last one are its attributes, as far as they are known."""

    __slots__ = ("_first", "_head_bytes", "_lines", "_max_fields", "_parser", "_raw", "_target_bytes", "_target_parts", "fields", "method",
                 "target", "version")

    def __init__(self, limits: LimitSettings) -> None:
        self._head_bytes = limits.head_bytes
        self._target_bytes = limits.target_bytes
        self._max_fields = limits.fields
        self._raw = b""
        self._first = b""  # byte of the head: tells an unknown method from what is no HTTP at all
        self._lines = 0
        self._parser: HttpRequestParser | None = None
        self._target_parts: list[bytes] = []
        self.fields: list[Field] = []
        self.method = b""
        self.target = b""
        #: ``"1.1"`` or ``"1.0"`` (others as they came)
        self.version = ""

    @property
    def started(self) -> bool:
        """Whether some bytes of a head have come, but not all."""
        return bool(self._raw)

    @property
    def line(self) -> tuple[bytes, bytes]:
        """Method and target, as far as they are known of a head that is refused; else empty."""
        return self.method, self.target or b"".join(self._target_parts)

    # What llhttp calls. These run once a field: whatever can be done once a head is done in _finish.

    def on_url(self, data: bytes) -> None:
        """A piece of the target."""
        self._target_parts.append(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole field line; white space behind the value is still there."""
        self.fields.append((name, value))

    def feed(self, data: bytes) -> bytes | None:
        """Give the next bytes; returns what follows the head once it is complete, else ``None``.

        Raises :class:`Malformed` with the status that RFC 9110 and RFC 9112 name; after that the connection is lost.
        """
        known = self._raw
        if not known:
            data = self._start(data)
            if not data:
                return None
        raw = known + data if known else data
        end = raw.find(_END, max(0, len(known) - 3))
        try:
            if end < 0:
                self._raw = raw
                self._check_size(raw, len(raw))
                self._parse(data)
                return None
            end += 4
            self._check_size(raw, end)
            self._raw = b""
            rest = raw[end:]
            self._parse(data[: len(data) - len(rest)] if rest else data)
            self._finish(raw)
        except Malformed:
            word, blank, _ = raw[:8].partition(b" ")
            if blank and word.isalpha() and not self.method:
                self.method = word  # llhttp tells it with the target alone, and whether an answer has a body hangs on it
            raise
        return rest

    def forget_parser(self) -> None:
        """Llhttp's state does not fit the next head: a body follows that it will not see, or the connection closes."""
        self._parser = None

    def _start(self, data: bytes) -> bytes:
        """Begin a head: one empty line before it is tolerated (RFC 9112 §2.2), one only."""
        self.fields = []
        self._target_parts = []
        self.method = self.target = b""
        self.version = ""
        if data[:1] == b"\r" and self._lines == 0:
            if len(data) == 1:
                self._lines = -1
                return b""
            if data[:2] == b"\r\n":
                self._lines = 1
                self._first = data[2:3]
                return data[2:]
        elif self._lines == -1:
            self._lines = 1
            if data[:1] == b"\n":
                self._first = data[1:2]
                return data[1:]
        self._first = data[:1]
        if self._first in (b"\r", b"\n"):
            raise Malformed(400, "empty lines before the request line")
        return data

    def _parse(self, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            parser = self._parser = HttpRequestParser(self)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade:
            # the head asks for an upgrade (or CONNECT); what that means is decided elsewhere
            self._parser = None
        except HttpParserInvalidMethodError as error:
            if self._target_parts:  # without a version llhttp takes the line for all there is, and the next for another
                raise Malformed(400, _NO_LINE) from None
            known = self._first.isalpha() and "Invalid method" in str(error)
            raise Malformed(501 if known else 400, "unknown method" if known else "not an HTTP request") from None
        except HttpParserError as error:
            raise Malformed(400, str(error) or "not HTTP") from None
        finally:
            if self._target_parts:  # until then llhttp's method is the last head's, or none
                self.method, self.version = parser.get_method(), parser.get_http_version()

    def _check_size(self, raw: bytes, size: int) -> None:
        """Bounds on the whole head and on its target, checked before llhttp sees more than they allow."""
        if size > self._head_bytes:
            line = raw.find(b"\r\n", 0, self._target_bytes + 64)
            raise Malformed(431 if line >= 0 else 414, "the head is too large" if line >= 0 else "the target is too long")
        if size > self._target_bytes:
            line = raw.find(b"\r\n")
            if (line if line >= 0 else size) > self._target_bytes + 64:
                raise Malformed(414, "the target is too long")

    def _finish(self, raw: bytes) -> None:
        self._lines = 0
        line = raw[: raw.find(b"\r\n")]
        # llhttp takes several spaces after the method, and a request line without a version (RFC 9112 §3: one space each)
        if line.count(b" ") != 2 or not self._target_parts:
            raise Malformed(400, _NO_LINE)
        parts = self._target_parts
        self.target = parts[0] if len(parts) == 1 else b"".join(parts)
        if len(self.target) > self._target_bytes:
            raise Malformed(414, "the target is too long")
        if len(self.fields) > self._max_fields:
            raise Malformed(431, "too many fields")
        if b" \r" in raw or b"\t\r" in raw:  # nearly never
            self.fields = [(name, value.rstrip(b" \t")) for name, value in self.fields]
