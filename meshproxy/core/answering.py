"""Which head goes back to the browser? A service's answer under its public name, or one that meshproxy makes itself.

The rule: what belongs to the upstream connection stays there, framing is ours, a service neither sets nor deletes our
cookies nor speaks in our name; everything else passes with its case and order (wire-rules P1, P7, P15, P18, P20,
contract §2.4.2, §4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from .caching import without_our_cookies, without_shared_caching
from .cookie_field import is_ours, name_of
from .fields import HOP_BY_HOP, fold, is_token, members, valid_value
from .heads import Answer, Field
from .memo import Memo
from .naming import Naming
from .places import Origin, Upstream
from .policy import RequestSettings, ResponseSettings, RouteSettings

# wire-rules §0.11: an answer keeps these whatever its ``Connection`` names; ``Content-*`` beside them.
_NOT_NOMINABLE = frozenset({b"set-cookie", b"cache-control", b"location", b"strict-transport-security", b"close", b"keep-alive"})
# Framing is ours, the two others would be said in our name; Set-Cookie2 (RFC 2965) is Set-Cookie to very old clients.
_NEVER = frozenset({b"content-length", b"x-request-id", b"x-meshproxy-source", b"set-cookie2"})
_SHARED_CACHES = frozenset({b"cdn-cache-control", b"surrogate-control"})
_BODILESS = frozenset({204, 304})
_NOTHING: frozenset[bytes] = frozenset()

#: What is done with a field that is neither simply kept nor dropped: gives the value that goes on, or ``None``.
Treatment = Callable[["_Said", bytes], "bytes | None"]


class AnsweringService(Protocol):
    """What of a service's settings decides its answers; :class:`meshproxy.settings.ServiceSettings` is one."""

    @property
    def upstream(self) -> Upstream: ...  # noqa: D102
    @property
    def route(self) -> RouteSettings: ...  # noqa: D102
    @property
    def request(self) -> RequestSettings: ...  # noqa: D102
    @property
    def response(self) -> ResponseSettings: ...  # noqa: D102


class AnswerPlan:
    """How the answers of one service go on. Immutable but for what it remembers of names, which is bounded.

    :param public: the route's public origin.
    :param cookie_name: the session cookie's name, in any of its forms.
    """

    def __init__(self, service: AnsweringService, public: Origin, cookie_name: bytes) -> None:
        self._naming = Naming(service.upstream, service.route, service.request, public)
        self._strip = frozenset(fold(name.encode()) for name in service.response.strip)
        self._ours: Memo[bool] = Memo(lambda name: is_ours(name, cookie_name))
        self._by_value = self._treatments(translates=service.response.locations == "rewrite")
        # As in the forwarding plan, one lookup a field: how its line begins where it is kept, b"" where it is dropped,
        # else what is to be done with its value.
        self._starts: Memo[bytes | Treatment] = Memo(self._start)
        self._private_starts: Memo[bytes | Treatment] = Memo(self._private_start)

    def head(
        self,
        status: int,
        reason: bytes,
        fields: list[Field],
        *,
        http10: bool,
        close: bool,
        request_id: bytes,
        length: int | None,
        no_body: bool,
        date: bytes,
        method: bytes = b"GET",
        set_cookies: tuple[bytes, ...] = (),
    ) -> tuple[bytes, bool]:
        """The complete head for the browser, and whether we are to send the body in chunks.

        Without a length and without chunks (HTTP/1.0) the body ends with the connection, and the head says so.

        :param fields: as the service sent them.
        :param length: of the body; ``None`` where the service did not say. Of an answer without body ``Content-Length`` is metadata
            (RFC 9110 §8.6) and goes on as it came, but never with 1xx and 204.
        :param close: our connection ends after this answer.
        :param set_cookies: values of ``Set-Cookie`` of ours to add; the answer is then no shared cache's (``private``).
        :param date: IMF-fixdate, used where the service gave no ``Date`` (RFC 9110 §6.6.1).
        """
        out: list[bytes] = [status_line(status, reason)]
        said = self._pass(out, fields, bool(set_cookies))
        bodiless = no_body or status in _BODILESS or status < 200 or method == b"HEAD"
        told = _told_length(status, fields) if bodiless else length
        chunked = _frame(out, status, told, bodiless=bodiless, http10=http10, close=close)
        if not said.date and status >= 200:
            out.append(b"\r\nDate: " + date)
        if not said.server and status >= 200 and b"server" not in self._strip:
            out.append(b"\r\nServer: meshproxy")
        for cookie in set_cookies:
            out.append(b"\r\nSet-Cookie: " + cookie)
        if set_cookies and not said.cache:
            out.append(b"\r\nCache-Control: private")
        out += (b"\r\nX-Request-Id: ", request_id, b"\r\n\r\n")
        return b"".join(out), chunked

    def fields(
        self, fields: Iterable[Field], *, request_id: bytes, date: bytes, set_cookies: tuple[bytes, ...] = ()
    ) -> list[Field]:
        """The same without status line and framing, for a lane where others write the head (Twisted's ``Request``)."""
        out: list[bytes] = []
        said = self._pass(out, fields, bool(set_cookies))
        kept = [(start[2:-2], value) for start, value in zip(out[::2], out[1::2], strict=True)]
        if not said.date:
            kept.append((b"Date", date))
        if not said.server and b"server" not in self._strip:
            kept.append((b"Server", b"meshproxy"))
        kept += [(b"Set-Cookie", cookie) for cookie in set_cookies]
        if set_cookies and not said.cache:
            kept.append((b"Cache-Control", b"private"))
        kept.append((b"X-Request-Id", request_id))
        return kept

    def interim_head(self, status: int, reason: bytes, fields: Iterable[Field]) -> bytes:
        """An interim answer (RFC 9110 §15.2): its fields, no framing, nothing of ours. Never for HTTP/1.0 clients (P6)."""
        out: list[bytes] = [status_line(status, reason)]
        self._pass(out, fields, private=False)
        return b"".join(out) + b"\r\n\r\n"

    def _treatments(self, *, translates: bool) -> dict[bytes, Treatment]:
        naming = self._naming
        treatments: dict[bytes, Treatment] = {
            b"connection": _Said.connection,
            b"date": _Said.first_date,
            b"server": _Said.first_server,
            b"set-cookie": self._cookie,
            b"clear-site-data": lambda _said, value: without_our_cookies(value),
        }
        if translates:
            treatments[b"location"] = treatments[b"content-location"] = lambda _said, value: naming.location_for_browser(value)
            treatments[b"refresh"] = lambda _said, value: naming.refresh_for_browser(value)
            treatments[b"access-control-allow-origin"] = lambda _said, value: naming.origin_for_browser(value)
        return treatments

    def _start(self, name: bytes) -> bytes | Treatment:
        folded = fold(name)
        if folded in _NEVER or folded in self._strip:
            return b""
        treatment = self._by_value.get(folded)
        if treatment is not None:
            return treatment
        return b"" if folded in HOP_BY_HOP else b"\r\n%b: " % name

    def _private_start(self, name: bytes) -> bytes | Treatment:
        """The same for an answer that carries a cookie of ours: no shared cache may keep it."""
        folded = fold(name)
        if folded == b"cache-control" and folded not in self._strip:
            return _Said.private_caching
        return b"" if folded in _SHARED_CACHES else self._starts[name]

    def _pass(self, out: list[bytes], fields: Iterable[Field], private: bool) -> _Said:
        """The one pass over the service's fields: appends line beginnings and values, in turn."""
        said = _Said()
        starts = self._private_starts if private else self._starts
        for name, value in fields:
            start = starts[name]
            if isinstance(start, bytes):
                if start:
                    out += (start, value)
            else:
                kept = start(said, value)
                if kept is not None:
                    out += (b"\r\n%b: " % name, kept)
        if said.nominated:
            _remove(out, said.nominated)
            said.date, said.server = said.date and b"date" not in said.nominated, said.server and b"server" not in said.nominated
        return said

    def _cookie(self, _said: _Said, value: bytes) -> bytes | None:
        """``Set-Cookie``: none of our names, whatever tricks it is spelled with."""
        if self._ours[name_of(value.partition(b";")[0])]:
            return None
        return self._naming.cookie_for_browser(value)


class _Said:
    """What the service's fields said that the head's end depends on, and the treatments that take note of it."""

    __slots__ = ("cache", "date", "nominated", "server")

    def __init__(self) -> None:
        self.cache = False
        self.date = False
        self.server = False
        #: folded names that ``Connection`` takes away
        self.nominated = _NOTHING

    def connection(self, value: bytes) -> bytes | None:
        self.nominated |= _nominations[value]
        return None

    def first_date(self, value: bytes) -> bytes | None:
        """P18: one ``Date``, the first."""
        first, self.date = not self.date, True
        return value if first else None

    def first_server(self, value: bytes) -> bytes | None:
        first, self.server = not self.server, True
        return value if first else None

    def private_caching(self, value: bytes) -> bytes | None:
        """All ``Cache-Control`` lines stay, each private."""
        self.cache = True
        return without_shared_caching(value)


def _nominated(connection: bytes) -> frozenset[bytes]:
    """The names that ``Connection`` takes away from an answer, folded (wire-rules §0.11)."""
    names = frozenset(map(fold, members(connection))) - _NOT_NOMINABLE
    return frozenset(name for name in names if not name.startswith(b"content-"))


_nominations: Memo[frozenset[bytes]] = Memo(_nominated)


def _remove(out: list[bytes], nominated: frozenset[bytes]) -> None:
    """Take back what ``Connection`` named, wherever it stood."""
    first = len(out) % 2  # the status line, where there is one
    pairs = [(start, value) for start, value in zip(out[first::2], out[first + 1 :: 2], strict=True) if fold(start[2:-2]) not in nominated]
    out[first:] = [piece for pair in pairs for piece in pair]


def _told_length(status: int, fields: Iterable[Field]) -> int | None:
    """``Content-Length`` of an answer without body: metadata (RFC 9110 §8.6), never with 1xx and 204. One valid line, or none."""
    if status < 200 or status == 204:
        return None
    lengths = {value for name, value in fields if name.lower() == b"content-length"}
    length = lengths.pop() if len(lengths) == 1 else b""
    return int(length) if length.isdigit() and len(length) <= 18 else None


def _frame(out: list[bytes], status: int, length: int | None, *, bodiless: bool, http10: bool, close: bool) -> bool:
    """Framing and ``Connection`` of an answer; whether the body goes in chunks (RFC 9112 §6.3)."""
    if status == 101:
        out.append(b"\r\nConnection: Upgrade\r\nUpgrade: websocket")
        return False
    chunked = False
    if length is not None:
        out.append(b"\r\nContent-Length: %d" % length)
    elif not bodiless:
        if http10:
            close = True  # nothing else tells such a client where the body ends
        else:
            chunked = True
            out.append(b"\r\nTransfer-Encoding: chunked")
    if close:
        out.append(b"\r\nConnection: close")
    elif http10:
        out.append(b"\r\nConnection: keep-alive")
    return chunked


def status_line(status: int, reason: bytes) -> bytes:
    """The status line, without its CRLF. A reason phrase that is none is left out."""
    return b"HTTP/1.1 %d %b" % (status, reason if valid_value(reason) else b"")


_REASONS = {
    200: b"OK", 204: b"No Content", 302: b"Found", 303: b"See Other", 304: b"Not Modified", 400: b"Bad Request", 401: b"Unauthorized",
    403: b"Forbidden", 404: b"Not Found", 405: b"Method Not Allowed", 408: b"Request Timeout", 413: b"Content Too Large",
    414: b"URI Too Long", 417: b"Expectation Failed", 421: b"Misdirected Request", 429: b"Too Many Requests",
    431: b"Request Header Fields Too Large", 500: b"Internal Server Error", 501: b"Not Implemented", 502: b"Bad Gateway",
    503: b"Service Unavailable", 504: b"Gateway Timeout", 505: b"HTTP Version Not Supported", 508: b"Loop Detected",
}


def own_head(
    answer: Answer,
    *,
    request_id: bytes,
    close: bool,
    http10: bool,
    date: bytes,
    method: bytes = b"GET",
    set_cookies: tuple[bytes, ...] = (),
) -> bytes:
    """The complete head of an answer that meshproxy itself gives. Its body follows, but not to HEAD, with 204 and 304.

    ``Content-Length``, ``Date``, ``X-Request-Id`` are added, ``X-Meshproxy-Source: meshproxy`` and ``Cache-Control: no-store``
    where the answer says nothing else.

    :raises ValueError: when a field would not be one field.
    """
    out = [status_line(answer.status, _REASONS.get(answer.status, b""))]
    names = set()
    for name, value in answer.fields:
        if not is_token(name) or not valid_value(value):
            raise ValueError(f"a field of an answer of our own would not be one field: {name!r}")
        names.add(name.lower())
        out.append(b"\r\n%b: %b" % (name, value))
    for cookie in set_cookies:
        out.append(b"\r\nSet-Cookie: " + cookie)
    if b"x-meshproxy-source" not in names:
        out.append(b"\r\nX-Meshproxy-Source: meshproxy")
    if b"cache-control" not in names:
        out.append(b"\r\nCache-Control: no-store")
    out += (b"\r\nDate: ", date, b"\r\nServer: meshproxy\r\nX-Request-Id: ", request_id)
    bodiless = answer.status in _BODILESS
    length = None if bodiless else len(answer.body)
    _frame(out, answer.status, length, bodiless=bodiless, http10=http10, close=close)
    out.append(b"\r\n\r\n")
    return b"".join(out)
