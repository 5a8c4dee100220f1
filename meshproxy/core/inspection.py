"""What does the head of a request say, and is it one request and nothing else?

The rule: whatever two parsers could read in two ways is refused, with the status of wire-rules §1.1. llhttp has checked
the bytes already (names, line ends, controls); this is what it does not check: Host, the target's form, versions,
framing as RFC 9112 §6 wants it, ``Expect``, repeated singletons. A parser that is laxer than llhttp is followed by
:func:`check_fields` first.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable

from .authority import parse_authority
from .fields import HOP_BY_HOP, NOT_NOMINABLE, fold, is_managed, is_token, members, valid_value
from .heads import Field
from .memo import Memo
from .target import split_absolute, valid_bytes

_NOTHING: frozenset[bytes] = frozenset()
_ALLOW = ((b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),)
# 2**63 has 19 digits: below that every length fits the arithmetic of every service (wire-rules R8).
_MAX_LENGTH_DIGITS = 18
_BLANKS = b" \t"


class Malformed(Exception):
    """The request is refused before anybody asks whose it is; nothing of it goes upstream and the connection is closed.

    :ivar status: the status to answer with.
    :ivar reason: for people, without anything of the request's own bytes.
    :ivar fields: fields that the answer must carry (``Allow`` of a 405).
    """

    def __init__(self, status: int, reason: str, fields: tuple[Field, ...] = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.fields = fields


class Facts:
    """What the rules need to know of a request's head. A plain slotted class: one is made a request, on the hot path."""

    __slots__ = (
        "accept", "authority", "authorization", "chunked", "close", "connection_tokens", "content_length", "cookie",
        "expect_continue", "host", "http10", "max_forwards", "options_star", "origin", "path", "port", "preflight", "query",
        "sec_fetch_dest", "sec_fetch_mode", "sec_fetch_site", "te_trailers", "upgrade", "upgrade_websocket", "websocket_key",
        "x_request_id",
    )

    def __init__(self) -> None:
        #: who is asked: host in lower case, port as given, and both as one text (``host[:port]``)
        self.host = ""
        self.port: int | None = None
        self.authority = ""
        #: the path as it came; the query with its ``?``, or nothing
        self.path = b""
        self.query = b""
        #: the body: counted, chunked, or none (``None`` and ``False``)
        self.content_length: int | None = None
        self.chunked = False
        #: the client waits for ``100 Continue`` before it sends the body
        self.expect_continue = False
        self.http10 = False
        #: the connection ends after the answer: the client says so, or its version does
        self.close = False
        #: folded names that ``Connection`` takes away from the next hop
        self.connection_tokens = _NOTHING
        #: some ``Upgrade`` was asked for; a WebSocket handshake by wire-rules §0.9 was
        self.upgrade = False
        self.upgrade_websocket = False
        self.websocket_key: bytes | None = None
        #: all ``Cookie`` lines as one
        self.cookie = b""
        self.authorization: bytes | None = None
        self.origin: bytes | None = None
        self.sec_fetch_site: bytes | None = None
        self.sec_fetch_mode: bytes | None = None
        self.sec_fetch_dest: bytes | None = None
        self.accept: bytes | None = None
        self.x_request_id: bytes | None = None
        self.max_forwards: int | None = None
        self.te_trailers = False
        #: ``OPTIONS *``: answered here, for no service (wire-rules §0.8)
        self.options_star = False
        #: a CORS preflight: OPTIONS with ``Origin`` and ``Access-Control-Request-Method`` (Fetch §4.8)
        self.preflight = False

    @property
    def has_body(self) -> bool:
        """Whether body bytes follow the head."""
        return self.chunked or bool(self.content_length)


def inspect(method: bytes, target: bytes, version: str, fields: list[Field]) -> Facts:
    """The facts of a request's head.

    :param version: ``"1.1"``, ``"1.0"`` or whatever else the request line said.
    :param fields: the field lines in order.
    :raises Malformed: with 400, 405, 413, 417, 501 or 505.
    """
    if version != "1.1" and version != "1.0":
        raise Malformed(505, "the HTTP version is neither 1.1 nor 1.0")
    if method not in _USUAL_METHODS:
        _check_method(method)
    seen: dict[bytes, bytes] = {}
    for name, value in fields:
        kind = _kinds[name]
        if kind:
            value = value.strip(_BLANKS)  # llhttp takes the white space before a value away, not the one after it
            seen[kind] = _repeated(kind, seen[kind], value) if kind in seen else value
    get = seen.get
    facts = Facts()
    facts.http10 = version == "1.0"
    _read_target(facts, method, target, get(b"host"))
    if b"content-length" in seen or b"transfer-encoding" in seen:
        _read_framing(facts, get(b"content-length"), get(b"transfer-encoding"))
    connection = get(b"connection")
    if connection is not None:
        close, keep_alive, upgrade, facts.connection_tokens = _connections[connection]
        facts.close = close or (facts.http10 and not keep_alive)
        if b"upgrade" in seen:
            facts.upgrade = True
            _read_upgrade(facts, method, upgrade, seen)
    else:
        facts.close = facts.http10
        facts.upgrade = b"upgrade" in seen
    facts.cookie = get(b"cookie", b"")
    facts.authorization = get(b"authorization")
    facts.origin = get(b"origin")
    facts.sec_fetch_site = get(b"sec-fetch-site")
    facts.sec_fetch_mode = get(b"sec-fetch-mode")
    facts.sec_fetch_dest = get(b"sec-fetch-dest")
    facts.accept = get(b"accept")
    facts.x_request_id = get(b"x-request-id")
    if b"te" in seen:
        facts.te_trailers = b"trailers" in members(seen[b"te"])
    # RFC 9110 §10.1.1: a server that receives a 100-continue expectation in an HTTP/1.0 request must ignore it.
    if b"expect" in seen and not facts.http10:
        if seen[b"expect"].lower() != b"100-continue":
            raise Malformed(417, "Expect asks for something other than 100-continue")
        facts.expect_continue = facts.has_body
    if method == b"OPTIONS":
        _read_options(facts, seen)
    return facts


def check_fields(fields: Iterable[Field]) -> None:
    """What llhttp sees to, for heads that another parser read (wire-rules R13, R17–R19).

    :raises Malformed: 400 for a name that is no token or a value with a control character.
    """
    for name, value in fields:
        if not is_token(name):
            raise Malformed(400, "a field name is not a token")
        if not valid_value(value):
            raise Malformed(400, "a field value has a control character")


_USUAL_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
_INTERESTING = frozenset({
    b"accept", b"access-control-request-method", b"authorization", b"connection", b"content-length", b"cookie", b"expect", b"host",
    b"max-forwards", b"origin", b"sec-fetch-dest", b"sec-fetch-mode", b"sec-fetch-site", b"sec-websocket-key",
    b"sec-websocket-version", b"te", b"transfer-encoding", b"upgrade", b"x-request-id",
})
# Two lines of these are two answers to a question that has one; which one counts differs from server to server. Lines
# of all others are joined, and a joined value of a singleton is no valid one, so it opens no door.
_SINGLE = {
    b"host": "Host", b"content-length": "Content-Length", b"transfer-encoding": "Transfer-Encoding", b"origin": "Origin",
    b"authorization": "Authorization",
}


def _kind(name: bytes) -> bytes:
    """The name in lower case if a rule reads it, else nothing. Not folded: ``Content_Length`` frames nothing for us."""
    if not is_token(name):
        raise Malformed(400, "a field name is not a token")
    lower = name.lower()
    return lower if lower in _INTERESTING else b""


def _authority(value: bytes) -> tuple[str, int | None, str]:
    try:
        host, port = parse_authority(value)
    except ValueError as error:
        raise Malformed(400, str(error)) from None
    return host, port, host if port is None else f"{host}:{port}"


def _connection(value: bytes) -> tuple[bool, bool, bool, frozenset[bytes]]:
    """Whether ``Connection`` says close, keep-alive, upgrade, and which end-to-end names it takes away, folded."""
    options = members(value)
    for option in options:
        if not is_token(option):
            raise Malformed(400, "Connection has something that is not a field name")
    nominated = frozenset(
        folded for folded in map(fold, options)
        if folded not in HOP_BY_HOP and folded not in NOT_NOMINABLE and folded != b"close" and not is_managed(folded)
    )
    return b"close" in options, b"keep-alive" in options, b"upgrade" in options, nominated or _NOTHING


_kinds: Memo[bytes] = Memo(_kind)
_authorities: Memo[tuple[str, int | None, str]] = Memo(_authority)
_connections: Memo[tuple[bool, bool, bool, frozenset[bytes]]] = Memo(_connection)


def _check_method(method: bytes) -> None:
    if not is_token(method):
        raise Malformed(400, "the method is not a token")
    if method in (b"CONNECT", b"TRACE"):
        raise Malformed(405, f"{method.decode()} is not offered", _ALLOW)


def _repeated(kind: bytes, earlier: bytes, value: bytes) -> bytes:
    if kind in _SINGLE:
        raise Malformed(400, f"there are two {_SINGLE[kind]} lines")
    return earlier + (b"; " if kind == b"cookie" else b", ") + value


def _read_target(facts: Facts, method: bytes, target: bytes, host: bytes | None) -> None:
    """RFC 9112 §3.2: origin-form, absolute-form with the same authority as Host, or ``OPTIONS *``."""
    if not valid_bytes(target):
        raise Malformed(400, "the target has a byte that no target has")
    if host is not None:
        facts.host, facts.port, facts.authority = _authorities[host]
    elif not facts.http10:
        raise Malformed(400, "there is no Host")
    if not target.startswith(b"/"):
        target = _odd_target(facts, method, target, has_host=host is not None)
    elif host is None:
        raise Malformed(400, "there is no Host")
    facts.path, mark, query = target.partition(b"?")
    if mark:
        facts.query = mark + query


def _odd_target(facts: Facts, method: bytes, target: bytes, *, has_host: bool) -> bytes:
    """A target that is not in origin-form, as if it were; the authority of an absolute one must be Host's (wire-rules §0.6)."""
    if target == b"*" and method == b"OPTIONS" and has_host:
        facts.options_star = True
        return target
    absolute = split_absolute(target)
    if absolute is None:
        raise Malformed(400, "the target is neither a path nor a URL")
    scheme, authority, rest = absolute
    host, port, text = _authorities[authority]
    if not has_host:
        facts.host, facts.port, facts.authority = host, port, text
    default = 443 if scheme == b"https" else 80
    if (host, port or default) != (facts.host, facts.port or default):
        raise Malformed(400, "the target's authority is not Host's")
    if not rest and method == b"OPTIONS":
        facts.options_star = True  # RFC 9112 §3.2.4: a URL without a path is what "*" becomes on its way
        return b"*"
    return rest if rest.startswith(b"/") else b"/" + rest


def _read_framing(facts: Facts, length: bytes | None, coding: bytes | None) -> None:
    """RFC 9112 §6, without any of its leniency: one length of digits, or ``chunked`` alone, never both."""
    if coding is not None:
        if length is not None:
            raise Malformed(400, "there are both Content-Length and Transfer-Encoding")
        if facts.http10:
            raise Malformed(400, "HTTP/1.0 has no Transfer-Encoding")
        if coding.lower() != b"chunked":
            named = all(map(is_token, coding.lower().replace(b" ", b"").split(b",")))
            raise Malformed(501 if named else 400, "the Transfer-Encoding is not chunked")
        facts.chunked = True
    elif length is not None:
        if not length.isdigit():
            raise Malformed(400, "Content-Length is not a number")
        if len(length) > _MAX_LENGTH_DIGITS:
            raise Malformed(413, "Content-Length is too large")
        facts.content_length = int(length)


def _read_upgrade(facts: Facts, method: bytes, connection_upgrade: bool, seen: dict[bytes, bytes]) -> None:
    """wire-rules §0.9, RFC 6455 §4.2.1. Which version is asked for is the service's to judge (W6)."""
    key = seen.get(b"sec-websocket-key")
    if (
        connection_upgrade
        and key is not None
        and method == b"GET"
        and not facts.http10
        and not facts.has_body
        and seen[b"upgrade"].lower() == b"websocket"
        and b"sec-websocket-version" in seen
        and _valid_websocket_key(key)
    ):
        facts.upgrade_websocket = True
        facts.websocket_key = key


def _valid_websocket_key(key: bytes) -> bool:
    """Base64 of 16 bytes, which is 24 characters."""
    try:
        return len(key) == 24 and len(b64decode(key, validate=True)) == 16
    except ValueError:
        return False


def _read_options(facts: Facts, seen: dict[bytes, bytes]) -> None:
    facts.preflight = facts.origin is not None and b"access-control-request-method" in seen
    forwards = seen.get(b"max-forwards")
    if forwards is not None:
        if not forwards.isdigit() or len(forwards) > _MAX_LENGTH_DIGITS:
            raise Malformed(400, "Max-Forwards is not a number")
        facts.max_forwards = int(forwards)
