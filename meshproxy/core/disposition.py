"""What becomes of a request field of this name? One table a service, made at start-up from its settings.

The rule: strip, then drop what belongs to the connection, then what the service's file says; names are compared folded,
so ``X_Forwarded_User`` and ``Content_Length`` fare like what a service could take them for. The reasons stand beside the
decisions, so that ``explain`` tells the very table that the request path uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from .fields import HOP_BY_HOP, fold, is_managed
from .policy import RequestSettings
from .redaction import redact_value


class Fate(IntEnum):
    """What is done with a field: kept, dropped, or looked at by its value."""

    KEEP = 0
    DROP = 1
    FRAMING = 2  # dropped and not worth a word: the outgoing head has its own
    COOKIE = 3
    AUTHORIZATION = 4
    ORIGIN = 5
    REFERER = 6
    DESTINATION = 7
    MAX_FORWARDS = 8
    VIA = 9


@dataclass(frozen=True, slots=True)
class Disposition:
    """What is done with fields of a name, who wants it so, and why."""

    fate: Fate
    by: str
    why: str


Action = Literal["keep", "drop", "set", "add"]


@dataclass(frozen=True, slots=True)
class FieldTrace:
    """What became of one field, for ``explain`` (diagnosis.md §4). ``value`` is redacted already."""

    name: str
    action: Action
    value: str
    by: str
    why: str


def traced(name: bytes, action: Action, value: bytes, by: str, why: str) -> FieldTrace:
    """A :class:`FieldTrace` of bytes from the wire, secrets redacted."""
    return FieldTrace(name.decode("latin-1"), action, redact_value(name, value).decode("utf-8", "backslashreplace"), by, why)


_FRAMING = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection"})
#: What every outgoing head sets itself; nobody adds a second one.
SET_BY_US = frozenset({
    b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-prefix", b"x-script-name",
    b"x-request-id",
})
_BY_VALUE = {
    b"cookie": Fate.COOKIE, b"authorization": Fate.AUTHORIZATION, b"max-forwards": Fate.MAX_FORWARDS,
}
_NAMES_THE_SERVICE = {b"origin": Fate.ORIGIN, b"referer": Fate.REFERER, b"destination": Fate.DESTINATION}

_KEPT = Disposition(Fate.KEEP, "browser", "end-to-end")


class Dispositions:
    """The table of one service.

    :param managed: folded names that rewriters of any service set (:func:`meshproxy.core.fields.managed_everywhere`).
    :param own: folded names that this service's rewriters set.
    """

    def __init__(self, request: RequestSettings, managed: frozenset[bytes], own: frozenset[bytes]) -> None:
        self._request = request
        self._managed = managed
        self._own = own
        self._strip = frozenset(fold(name.encode()) for name in request.strip)

    def of(self, name: bytes) -> Disposition:
        """What becomes of fields with this name, in any spelling."""
        folded = fold(name)
        return self._stripped(name, folded) or self._said_by_the_file(folded) or _KEPT

    def _stripped(self, name: bytes, folded: bytes) -> Disposition | None:
        """What no request takes to any service, or to this one."""
        if folded in _FRAMING:
            if folded == name.lower():
                return Disposition(Fate.FRAMING, "meshproxy", "Host and framing are set anew")
            return Disposition(Fate.DROP, "meshproxy", "a service could take it for Host or framing")
        if folded in HOP_BY_HOP:
            return Disposition(Fate.DROP, "hop-by-hop", "it is of the browser's connection alone")
        if is_managed(folded) or folded in self._managed:
            return Disposition(Fate.DROP, "managed names", "only meshproxy may say it")
        if folded in self._own:
            return Disposition(Fate.DROP, "managed names", "a rewriter of this service sets it")
        if folded == b"x-request-id":
            return Disposition(Fate.DROP, "meshproxy", "every request gets one id")
        if folded == b"expect":
            return Disposition(Fate.DROP, "meshproxy", "100 Continue is said here")
        return None

    def _said_by_the_file(self, folded: bytes) -> Disposition | None:
        """What the service's ``[request]`` says, and what is decided by the value."""
        request = self._request
        if folded in self._strip:
            return Disposition(Fate.DROP, "[request] strip", "the service's file names it")
        if folded == b"authorization" and request.authorization == "drop":
            return Disposition(Fate.DROP, "[request] authorization", "the service's file says drop")
        if folded == b"origin" and request.origin == "drop":
            return Disposition(Fate.DROP, "[request] origin", "the service's file says drop")
        if folded in _NAMES_THE_SERVICE and request.origin == "rewrite":
            return Disposition(_NAMES_THE_SERVICE[folded], "[request] origin", "the service knows itself by its upstream name")
        if folded == b"via" and request.via:
            return Disposition(Fate.VIA, "browser", "end-to-end")
        fate = _BY_VALUE.get(folded)
        return None if fate is None else Disposition(fate, "browser", "end-to-end")
