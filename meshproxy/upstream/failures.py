"""What does a failed connection say about its cause? From the library's exceptions to the words of the evidence."""

from __future__ import annotations

import errno as codes
from collections.abc import Iterator
from typing import NamedTuple

from OpenSSL import SSL
from twisted.internet import error
from twisted.python.failure import Failure

_UNREACHABLE = frozenset((codes.ENETUNREACH, codes.EHOSTUNREACH, codes.ENETDOWN, codes.EHOSTDOWN))
_OURS = frozenset((codes.EMFILE, codes.ENFILE, codes.ENOBUFS, codes.ENOMEM, codes.EADDRNOTAVAIL))


def connect_end(reason: Failure) -> tuple[str, int | None, str]:
    """How a connection attempt ended: ``end``, ``errno`` and words of :class:`meshproxy.core.evidence.Evidence`."""
    value = reason.value
    number = getattr(value, "osError", None)
    if not isinstance(number, int):
        number = value.errno if isinstance(value, OSError) else None
    words = _words(value)
    # A ValueError is how an endpoint says that the name is none.
    if isinstance(value, error.DNSLookupError | error.UnknownHostError | ValueError):
        return "dns", number, words
    if number in _OURS:
        return "overload", number, words
    if isinstance(value, error.TimeoutError) or number == codes.ETIMEDOUT:
        return "timeout", number or codes.ETIMEDOUT, words
    if isinstance(value, error.NoRouteError) or number in _UNREACHABLE:
        return "unreachable", number, words
    # Nobody accepts there: a closed port, a socket path that is missing or that we may not use.
    return "refused", number, words


class Loss(NamedTuple):
    """How an open connection ended.

    ``end``, ``words`` and ``reasons`` are those of :class:`meshproxy.core.evidence.Evidence`; ``clean``: the other side
    said that it is done (FIN; under TLS close_notify), so that an answer which ends with the connection is whole.
    """

    end: str
    words: str
    reasons: tuple[str, ...] = ()
    clean: bool = False


def loss_of(reason: Failure) -> Loss:
    """What ``connectionLost`` was told."""
    value = reason.value
    if isinstance(value, SSL.Error):
        return Loss("tls", _words(value), tls_reasons(value))
    if isinstance(value, error.ConnectionDone):
        return Loss("eof", _words(value), clean=True)
    if isinstance(value, error.ConnectionAborted):
        return Loss("aborted", _words(value))
    if isinstance(value, error.ConnectionLost | OSError):
        return Loss("reset", _words(value))
    # A receiver raised: our own bug, whose words may hold what no operator's page should.
    return Loss("aborted", type(value).__name__)


def tls_reasons(value: BaseException) -> tuple[str, ...]:
    """OpenSSL's reasons in the exception and in those it came from, the innermost last."""
    reasons: list[str] = []
    for link in _chain(value):
        if isinstance(link, SSL.Error):
            reasons.extend(_reasons_of(link))
    return tuple(dict.fromkeys(reasons))


def _reasons_of(value: SSL.Error) -> Iterator[str]:
    """From ``[(library, function, reason), …]``, or from ``SysCallError(number, words)``."""
    for argument in value.args:
        if isinstance(argument, list):
            for entry in argument:
                yield str(entry[-1]) if isinstance(entry, tuple) and entry else str(entry)
        elif isinstance(argument, str):
            yield argument


def _chain(value: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while value is not None and id(value) not in seen:
        seen.add(id(value))
        yield value
        value = value.__cause__ or value.__context__


def _words(value: BaseException | None) -> str:
    """The library's own words, bounded, on one line."""
    if isinstance(value, SSL.Error):
        return "; ".join(_reasons_of(value)) or type(value).__name__
    return " ".join(str(value).split())[:200] or type(value).__name__
