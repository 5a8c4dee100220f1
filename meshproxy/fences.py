"""What may a rewriter do to a request or an answer? Everything but Host, framing, meshproxy's own fields and its cookies.

The rule: what comes back is compared with what was given, field by field; a rewriter that raises or goes beyond its fence fails the
request with its name in the log, and no value of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.logger import Logger

from .api import Refused, RequestHead, ResponseHead, TokenNeeded
from .core.fields import HOP_BY_HOP, fold, is_protected, is_token, valid_value
from .core.heads import Field
from .core.principal import Principal

_FRAMING = HOP_BY_HOP | {b"content-length"}

_BODILESS = frozenset({204, 304})


class RewriterFailed(Exception):
    """A rewriter raised, or returned what cannot be sent: 500, nothing goes upstream.

    :ivar name: the rewriter's.
    :ivar why: for the log and for operators; never a value, which may be a secret.
    """

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"rewriter {name}: {why}")
        self.name = name
        self.why = why


class Fenced:
    """One rewriter that sees every request or answer, and what it may do to them."""

    __slots__ = ("_log", "_managed", "_rewriter", "_told", "name", "rewrites_answers", "rewrites_requests")

    def __init__(self, rewriter: Any, managed: frozenset[bytes], told: set[bytes], log: Logger) -> None:
        self.name: str = rewriter.name
        self.rewrites_requests = hasattr(rewriter, "rewrite_request")
        self.rewrites_answers = hasattr(rewriter, "rewrite_response")
        self._rewriter = rewriter
        self._managed = managed
        self._told = told
        self._log = log

    def rewrite_request(self, head: RequestHead, principal: Principal | None) -> RequestHead:
        """The head as the rewriter wants it; given and given back without Host, framing and identity fields.

        :param principal: ``None`` for an anonymous request to a public service.
        :raises RewriterFailed: 500, nothing is forwarded.
        :raises Refused: 403.
        """
        if not self.rewrites_requests:
            return head
        changed = ask(self._log, self._rewriter, "rewrite_request", head, principal)
        # What identity fields say already would stand there twice, and the service would choose.
        _check_request(self.name, head, changed, self._managed - self._told if principal else self._managed)
        return RequestHead(changed.method, changed.target, tuple(changed.fields))

    def rewrite_response(self, head: ResponseHead, principal: Principal | None) -> ResponseHead:
        """The answer's head as the rewriter wants it.

        :raises RewriterFailed: it broke, or went beyond what it may do.
        """
        if not self.rewrites_answers:
            return head
        changed = ask(self._log, self._rewriter, "rewrite_response", head, principal)
        _check_response(self.name, head, changed)
        return ResponseHead(changed.status, changed.reason, tuple(changed.fields))


def ask(log: Logger, rewriter: Any, method: str, *arguments: object) -> Any:
    """Call a rewriter's method. Its own refusals pass; whatever else it raises is logged and becomes :class:`RewriterFailed`."""
    try:
        return getattr(rewriter, method)(*arguments)
    except (Refused, TokenNeeded):
        raise
    except Exception as error:
        log.failure("rewriter {name}: {method} raised", name=rewriter.name, method=method)
        raise RewriterFailed(rewriter.name, f"{method} raised {type(error).__name__}") from error


def pairs(rewriter: str, fields: object) -> list[Field]:
    """The fields as pairs of bytes, if that is what they are."""
    if not isinstance(fields, list | tuple):
        raise RewriterFailed(rewriter, f"returned {type(fields).__name__}, not a list of (name, value)")
    for line in fields:
        if not (isinstance(line, tuple | list) and len(line) == 2 and all(isinstance(part, bytes) for part in line)):
            raise RewriterFailed(rewriter, "returned a field that is not a pair of bytes")
    return [(name, value) for name, value in fields]


def check_line(rewriter: str, name: bytes, value: bytes) -> None:
    """Refuse what would not be one field line (RFC 9112 §5)."""
    if not is_token(name):
        raise RewriterFailed(rewriter, f"returned {shown(name)}, which is no field name")
    if not valid_value(value):
        raise RewriterFailed(rewriter, f"returned a value with control characters for {shown(name)}")


def _check_request(rewriter: str, before: RequestHead, after: object, managed: frozenset[bytes]) -> None:
    if not isinstance(after, RequestHead):
        raise RewriterFailed(rewriter, f"rewrite_request returned {type(after).__name__}, not a RequestHead")
    if after.method != before.method and (not is_token(after.method) or {after.method, before.method} & {b"HEAD", b"CONNECT"}):
        raise RewriterFailed(rewriter, "rewrite_request changed the method to one that frames messages differently")
    if after.target != before.target and not _is_origin_form(after.target):
        raise RewriterFailed(rewriter, "rewrite_request returned a target that is no origin-form")
    allowed = managed | {fold(name) for name, _ in before.fields}
    given = set(before.fields)
    for name, value in pairs(rewriter, after.fields):
        if (name, value) in given:
            continue
        check_line(rewriter, name, value)
        if is_protected(name):
            raise RewriterFailed(rewriter, f"rewrite_request set {shown(name)}, which is meshproxy's")
        if fold(name) not in allowed:
            raise RewriterFailed(rewriter, f"rewrite_request added {shown(name)}, which is not among its managed_fields, or told already")
        if fold(name) == b"cookie" and names_our_cookie(value.split(b";")):
            raise RewriterFailed(rewriter, "rewrite_request set a cookie of meshproxy's own")


def _check_response(rewriter: str, before: ResponseHead, after: object) -> None:
    if not isinstance(after, ResponseHead):
        raise RewriterFailed(rewriter, f"rewrite_response returned {type(after).__name__}, not a ResponseHead")
    if after.status != before.status and not (_has_body(before.status) and isinstance(after.status, int) and _has_body(after.status)):
        raise RewriterFailed(rewriter, "rewrite_response changed the status to one that frames messages differently")
    if not isinstance(after.reason, bytes) or not valid_value(after.reason):
        raise RewriterFailed(rewriter, "rewrite_response returned a reason with control characters")
    if _framing(before.fields) != _framing(pairs(rewriter, after.fields)):
        raise RewriterFailed(rewriter, "rewrite_response changed the framing")
    given = set(before.fields)
    for name, value in after.fields:
        if (name, value) in given:
            continue
        check_line(rewriter, name, value)
        if fold(name) == b"set-cookie" and names_our_cookie([value]):
            raise RewriterFailed(rewriter, "rewrite_response set a cookie of meshproxy's own")


def _is_origin_form(target: object) -> bool:
    """One word that begins with ``/`` (RFC 9112 §3.2.1): white space would end the target, ``#`` has no place in it."""
    return isinstance(target, bytes) and target[:1] == b"/" and all(0x21 <= byte <= 0x7E and byte != 0x23 for byte in target)


def _has_body(status: int) -> bool:
    return 200 <= status <= 599 and status not in _BODILESS


def _framing(fields: Iterable[Field]) -> list[Field]:
    return [(fold(name), value) for name, value in fields if fold(name) in _FRAMING]


def names_our_cookie(pairs: Iterable[bytes]) -> bool:
    """Whether one of these ``name=value`` is a cookie of meshproxy's (contract §3.1), in any of its three forms."""
    for pair in pairs:
        name = pair.partition(b"=")[0].strip(b" \t\"").lower()
        bare = name.removeprefix(b"__host-").removeprefix(b"__secure-")
        if bare == b"meshproxy" or bare.startswith((b"meshproxy.", b"meshproxy-login-", b"meshproxy-handoff-")):
            return True
    return False


def shown(name: bytes) -> str:
    """A field name for a log line."""
    return repr(name[:60].decode("latin-1"))
