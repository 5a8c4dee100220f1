"""What do a service's rewriters say about a principal? Their fields, checked, as bytes ready for the wire; computed once a session.

The rule: a rewriter sets what it said it manages, one well-formed field a line, or the request fails closed. Later rewriters win over
earlier ones. What they do to each request is fenced in by :mod:`meshproxy.fences`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.logger import Logger

from .core import fields as names
from .core.fields import fold
from .core.heads import Field
from .core.principal import SignedIn
from .fences import Fenced, RewriterFailed, ask, check_line, names_our_cookie, pairs, shown


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


class Rewriting:
    """The rewriters of one service, in the order of its file.

    :ivar sets: the names that they set, folded.
    :ivar managed: those, and the names that they only take away: stripped from requests to this service.
    :ivar needs_token: whether one of them hands on the provider's tokens.
    :ivar per_request: those that see every request or every answer, each behind its fence.
    """

    def __init__(self, rewriters: Sequence[Any], log: Logger | None = None) -> None:
        self._log = log or Logger()
        self._rewriters = tuple((rewriter, frozenset(map(fold, rewriter.managed_fields))) for rewriter in rewriters)
        self._told: set[bytes] = set()
        self.sets: frozenset[bytes] = frozenset().union(*(managed for _, managed in self._rewriters))
        self.managed = self.sets.union(*(map(fold, getattr(rewriter, "stripped_fields", ())) for rewriter in rewriters))
        self.needs_token = any(getattr(rewriter, "needs_tokens", hasattr(rewriter, "token_fields")) for rewriter in rewriters)
        self.per_request = tuple(
            Fenced(rewriter, managed, self._told, self._log)
            for rewriter, managed in self._rewriters
            if hasattr(rewriter, "rewrite_request") or hasattr(rewriter, "rewrite_response")
        )

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
        self._told.update(fold(name) for name, _, _ in block)
        lines = b"".join(b"%b: %b\r\n" % (name, value) for name, value, _ in block)
        return IdentityBlock(lines, tuple(block), min(ends, default=None))

    def stop(self) -> list[Any]:
        """Stop every rewriter that can be; what they return (perhaps Deferreds) is the caller's to wait for."""
        return [rewriter.stop() for rewriter, _ in self._rewriters if hasattr(rewriter, "stop")]

    def _ask(self, rewriter: Any, signed_in: SignedIn) -> tuple[object, float | None]:
        if hasattr(rewriter, "token_fields"):
            found = ask(self._log, rewriter, "token_fields", signed_in)
            valid_until = getattr(found, "valid_until", None)
            if not hasattr(found, "fields") or not isinstance(valid_until, int | float | None):
                raise RewriterFailed(rewriter.name, "token_fields did not return IdentityFields")
            return found.fields, valid_until
        if hasattr(rewriter, "identity_fields"):
            return ask(self._log, rewriter, "identity_fields", signed_in.principal), None
        return (), None


def managed_everywhere(rewritings: Iterable[Rewriting]) -> frozenset[bytes]:
    """The folded names that are stripped from requests to *every* service, because some service is told something in them.

    Names that clients send for good reasons are not among them (contract §2.3).
    """
    return names.managed_everywhere(frozenset().union(*(rewriting.sets for rewriting in rewritings)))


def _checked(rewriter: str, fields: object, managed: frozenset[bytes]) -> list[Field]:
    """The fields that have a value, if all of them are well-formed and managed."""
    kept = []
    for name, value in pairs(rewriter, fields):
        check_line(rewriter, name, value)
        if fold(name) not in managed:
            raise RewriterFailed(rewriter, f"returned {shown(name)}, which is not among its managed_fields")
        if fold(name) == b"cookie" and names_our_cookie(value.split(b";")):
            raise RewriterFailed(rewriter, "returned a cookie of meshproxy's own")
        if value.strip(b" \t"):
            kept.append((name, value.strip(b" \t")))
    return kept


