"""What do a service's rewriters say about a principal? Their fields, checked, as bytes ready for the wire; computed once a session.

The rule: a rewriter sets what it said it manages, one well-formed field a line, or the request fails closed. Later rewriters win over
earlier ones. What they do to each request is fenced in: Host, framing and meshproxy's own cookies are not theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.logger import Logger

from .api import Refused, RequestHead, ResponseHead, TokenNeeded
from .core.fields import HOP_BY_HOP, fold, is_token, valid_value
from .core.fields import managed_everywhere as _managed_everywhere
from .core.heads import Field
from .core.principal import Principal, SignedIn

_PROTECTED = HOP_BY_HOP | {
    b"host", b"content-length", b"expect", b"max-forwards", b"via", b"x-request-id", b"x-meshproxy-source", b"x-forwarded-for",
    b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-prefix", b"x-script-name",
}
"""Host, framing, and what meshproxy itself says on every request (folded)."""

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


@dataclass(frozen=True, slots=True)
class IdentityBlock:
    """The identity fields of one principal for one service.

    :ivar lines: the field lines, each with its CRLF.
    :ivar fields: name, value and the rewriter that set it, in the order of the lines.
    :ivar valid_until: when they must be computed anew, seconds since the epoch; ``None``: with the session.
    """

    lines: bytes = b""
    fields: tuple[tuple[bytes, bytes, str], ...] = ()
    valid_until: float | None = None


def is_protected(name: bytes) -> bool:
    """Whether this name is meshproxy's alone, so that no rewriter may set, change or manage it."""
    return fold(name) in _PROTECTED


class Rewriting:
    """The rewriters of one service, in the order of its file.

    :ivar sets: the names that they set, folded.
    :ivar managed: those, and the names that they only take away: stripped from requests to this service.
    :ivar needs_token: whether one of them hands on the provider's tokens.
    :ivar per_request: whether one of them sees every request (``rewrite_request``), ``per_response``: every answer.
    """

    def __init__(self, rewriters: Sequence[Any], log: Logger | None = None) -> None:
        self._log = log or Logger()
        self._rewriters = tuple((rewriter, frozenset(map(fold, rewriter.managed_fields))) for rewriter in rewriters)
        self.sets: frozenset[bytes] = frozenset().union(*(managed for _, managed in self._rewriters))
        self.managed = self.sets.union(*(map(fold, getattr(rewriter, "stripped_fields", ())) for rewriter in rewriters))
        self.needs_token = any(getattr(rewriter, "needs_tokens", hasattr(rewriter, "token_fields")) for rewriter in rewriters)
        self.per_request = any(hasattr(rewriter, "rewrite_request") for rewriter in rewriters)
        self.per_response = any(hasattr(rewriter, "rewrite_response") for rewriter in rewriters)

    def identity(self, signed_in: SignedIn) -> IdentityBlock:
        """Ask every rewriter once.

        Raises :class:`RewriterFailed` (500), :class:`~meshproxy.api.Refused` (403) and :class:`~meshproxy.api.TokenNeeded`
        (as without a session); whichever it is, nothing is forwarded.
        """
        block: list[tuple[bytes, bytes, str]] = []
        ends: list[float] = []
        for rewriter, managed in self._rewriters:
            fields, valid_until = self._ask(rewriter, signed_in)
            kept = _checked(rewriter.name, fields, managed)
            if kept:
                replaced = {fold(name) for name, _ in kept}
                block = [line for line in block if fold(line[0]) not in replaced]
                block.extend((name, value, rewriter.name) for name, value in kept)
            if valid_until is not None:
                ends.append(valid_until)
        lines = b"".join(b"%b: %b\r\n" % (name, value) for name, value, _ in block)
        return IdentityBlock(lines, tuple(block), min(ends, default=None))

    def rewrite_request(self, head: RequestHead, principal: Principal | None) -> RequestHead:
        """The head after every ``rewrite_request``. Given without Host and framing; given back, and checked, without them.

        :param principal: ``None`` for an anonymous request to a public service.
        :raises RewriterFailed: as :meth:`identity`.
        """
        for rewriter, managed in self._rewriters:
            if hasattr(rewriter, "rewrite_request"):
                changed = self._call(rewriter, "rewrite_request", head, principal)
                _check_request(rewriter.name, head, changed, managed)
                head = RequestHead(changed.method, changed.target, tuple(changed.fields))
        return head

    def rewrite_response(self, head: ResponseHead, principal: Principal | None) -> ResponseHead:
        """The head after every ``rewrite_response``, the last rewriter first asked, as the answer passes them on its way back.

        :raises RewriterFailed: the answer cannot be given; the client gets 500.
        """
        for rewriter, _ in reversed(self._rewriters):
            if hasattr(rewriter, "rewrite_response"):
                changed = self._call(rewriter, "rewrite_response", head, principal)
                _check_response(rewriter.name, head, changed)
                head = ResponseHead(changed.status, changed.reason, tuple(changed.fields))
        return head

    def stop(self) -> list[Any]:
        """Stop every rewriter that can be; what they return (perhaps Deferreds) is the caller's to wait for."""
        return [rewriter.stop() for rewriter, _ in self._rewriters if hasattr(rewriter, "stop")]

    def _ask(self, rewriter: Any, signed_in: SignedIn) -> tuple[Iterable[Field], float | None]:
        if hasattr(rewriter, "token_fields"):
            found = self._call(rewriter, "token_fields", signed_in)
            try:
                return found.fields, found.valid_until
            except AttributeError:
                raise RewriterFailed(rewriter.name, "token_fields did not return IdentityFields") from None
        if hasattr(rewriter, "identity_fields"):
            return self._call(rewriter, "identity_fields", signed_in.principal), None
        return (), None

    def _call(self, rewriter: Any, method: str, *arguments: object) -> Any:
        try:
            return getattr(rewriter, method)(*arguments)
        except (Refused, TokenNeeded):
            raise
        except Exception as error:
            self._log.failure("rewriter {name}: {method} raised", name=rewriter.name, method=method)
            raise RewriterFailed(rewriter.name, f"{method} raised {type(error).__name__}") from error


def managed_everywhere(rewritings: Iterable[Rewriting]) -> frozenset[bytes]:
    """The folded names that are stripped from requests to *every* service, because some service is told something in them.

    Names that clients send for good reasons are not among them (contract §2.3).
    """
    return _managed_everywhere(frozenset().union(*(rewriting.sets for rewriting in rewritings)))


def _checked(rewriter: str, fields: object, managed: frozenset[bytes]) -> list[Field]:
    """The fields that have a value, if all of them are well-formed and managed."""
    kept = []
    for name, value in _pairs(rewriter, fields):
        _check_line(rewriter, name, value)
        if fold(name) not in managed:
            raise RewriterFailed(rewriter, f"returned {_shown(name)}, which is not among its managed_fields")
        if value.strip(b" \t"):
            kept.append((name, value.strip(b" \t")))
    return kept


def _pairs(rewriter: str, fields: object) -> list[Field]:
    if not isinstance(fields, list | tuple):
        raise RewriterFailed(rewriter, f"returned {type(fields).__name__}, not a list of (name, value)")
    for line in fields:
        if not (isinstance(line, tuple | list) and len(line) == 2 and all(isinstance(part, bytes) for part in line)):
            raise RewriterFailed(rewriter, "returned a field that is not a pair of bytes")
    return [(name, value) for name, value in fields]


def _check_line(rewriter: str, name: bytes, value: bytes) -> None:
    if not is_token(name):
        raise RewriterFailed(rewriter, f"returned {_shown(name)}, which is no field name")
    if not valid_value(value):
        raise RewriterFailed(rewriter, f"returned a value with control characters for {_shown(name)}")


def _check_request(rewriter: str, before: RequestHead, after: object, managed: frozenset[bytes]) -> None:
    if not isinstance(after, RequestHead):
        raise RewriterFailed(rewriter, f"rewrite_request returned {type(after).__name__}, not a RequestHead")
    if after.method != before.method and (not is_token(after.method) or {after.method, before.method} & {b"HEAD", b"CONNECT"}):
        raise RewriterFailed(rewriter, "rewrite_request changed the method to one that frames messages differently")
    if after.target != before.target and not _is_origin_form(after.target):
        raise RewriterFailed(rewriter, "rewrite_request returned a target that is no origin-form")
    allowed = managed | {fold(name) for name, _ in before.fields}
    given = set(before.fields)
    for name, value in _pairs(rewriter, after.fields):
        if (name, value) in given:
            continue
        _check_line(rewriter, name, value)
        if fold(name) in _PROTECTED:
            raise RewriterFailed(rewriter, f"rewrite_request set {_shown(name)}, which is meshproxy's")
        if fold(name) not in allowed:
            raise RewriterFailed(rewriter, f"rewrite_request added {_shown(name)}, which is not among its managed_fields")
        if fold(name) == b"cookie" and _names_our_cookie(value.split(b";")):
            raise RewriterFailed(rewriter, "rewrite_request set a cookie of meshproxy's own")


def _check_response(rewriter: str, before: ResponseHead, after: object) -> None:
    if not isinstance(after, ResponseHead):
        raise RewriterFailed(rewriter, f"rewrite_response returned {type(after).__name__}, not a ResponseHead")
    if after.status != before.status and not (_has_body(before.status) and isinstance(after.status, int) and _has_body(after.status)):
        raise RewriterFailed(rewriter, "rewrite_response changed the status to one that frames messages differently")
    if not isinstance(after.reason, bytes) or not valid_value(after.reason):
        raise RewriterFailed(rewriter, "rewrite_response returned a reason with control characters")
    if _framing(before.fields) != _framing(_pairs(rewriter, after.fields)):
        raise RewriterFailed(rewriter, "rewrite_response changed the framing")
    given = set(before.fields)
    for name, value in after.fields:
        if (name, value) in given:
            continue
        _check_line(rewriter, name, value)
        if fold(name) == b"set-cookie" and _names_our_cookie([value]):
            raise RewriterFailed(rewriter, "rewrite_response set a cookie of meshproxy's own")


def _is_origin_form(target: object) -> bool:
    """One word that begins with ``/`` (RFC 9112 §3.2.1): white space would end the target, ``#`` has no place in it."""
    return isinstance(target, bytes) and target[:1] == b"/" and all(0x21 <= byte <= 0x7E and byte != 0x23 for byte in target)


def _has_body(status: int) -> bool:
    return 200 <= status <= 599 and status not in _BODILESS


def _framing(fields: Iterable[Field]) -> list[Field]:
    return [(fold(name), value) for name, value in fields if fold(name) in _FRAMING]


def _names_our_cookie(pairs: Iterable[bytes]) -> bool:
    for pair in pairs:
        name = pair.partition(b"=")[0].strip(b" \t\"").lower()
        bare = name.removeprefix(b"__host-").removeprefix(b"__secure-")
        if bare == b"meshproxy" or bare.startswith((b"meshproxy.", b"meshproxy-login-", b"meshproxy-handoff-")):
            return True
    return False


def _shown(name: bytes) -> str:
    return repr(name[:60].decode("latin-1"))
