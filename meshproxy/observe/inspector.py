"""What did the last requests look like, before and after? A bounded memory of them a service, for operators at the moment of trouble.

The rules: everything is redacted before it is kept; a failure is always kept, in a room of its own, so that no crowd of good requests
pushes it out; of the good ones only a few a second are looked at, so that load costs next to nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from twisted.logger import Logger

from ..core.exchange import Exchange
from ..core.heads import Field
from ..core.redaction import redact_target, redact_value
from .audit_events import principal_of, time_text

_LONGEST_VALUE = 1024  # bytes of a field's value that are kept
_MOST_FIELDS = 100
_OURS = b"/_meshproxy/inspector"
_FRAMING = frozenset((b"host", b"connection", b"content-length", b"transfer-encoding"))

Shown = tuple[str, str, bool]
"""A field as it may be shown: name, value, and whether it passed (of an incoming one) or came from the client (of an outgoing one)."""


class Record:
    """One request as it is kept. Plain values, secrets gone; ``told`` is ready for JSON but for the heads."""

    __slots__ = ("failed", "incoming", "outgoing", "request_id", "request_line", "service", "told", "upstream_host")

    def __init__(self, exchange: Exchange, failed: bool) -> None:
        self.request_id = exchange.request_id.decode("latin-1")
        self.service = exchange.service
        self.failed = failed
        came = {_line(name, value) for name, value in exchange.fields[:_MOST_FIELDS]}
        line, *lines = exchange.outgoing_head.split(b"\r\n")[: _MOST_FIELDS + 20] if exchange.outgoing_head else (b"",)
        went = frozenset(lines)
        self.incoming: list[Shown] = [_shown(field, _line(*field) in went) for field in exchange.fields[:_MOST_FIELDS]]
        self.outgoing: list[Shown] = []
        self.upstream_host = ""
        for one in lines:
            name, colon, value = one.partition(b": ")
            if not colon:
                continue
            if name.lower() == b"host":
                self.upstream_host = _text(value)
            elif name.lower() not in _FRAMING:
                self.outgoing.append(_shown((name, value), one in came))
        self.request_line = _text(_redacted_line(line))
        self.told = _told(exchange)

    def packed(self) -> dict[str, Any]:
        """As it goes to another process: plain values, for :meth:`unpacked`."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def unpacked(cls, packed: dict[str, Any]) -> Record:
        """A record that another process kept."""
        record = cls.__new__(cls)
        for name in cls.__slots__:
            setattr(record, name, packed[name])
        return record

    def as_dict(self) -> dict[str, Any]:
        """As JSON says it."""
        upstream = None
        if self.request_line:
            fields = [{"name": name, "value": value, "came": came} for name, value, came in self.outgoing]
            upstream = {"request_line": self.request_line, "host": self.upstream_host, "fields": fields}
        incoming = [{"name": name, "value": value, "kept": kept} for name, value, kept in self.incoming]
        return {"request_id": self.request_id, "service": self.service, "failed": self.failed, **self.told,
                "incoming": incoming, "outgoing": upstream}


class Inspector:
    """The last requests of this process. :meth:`record` is an observer.

    :param requests: how many good ones are kept a service, and how many failures beside them.
    :param a_second: how many good ones a service are looked at in a second.
    :ivar skipped: how many were left out for load.
    :ivar kept: called with every request of this process that is kept.
    """

    log = Logger()

    def __init__(self, requests: int = 50, a_second: int = 10) -> None:
        self._requests = requests
        self._a_second = a_second
        self._shelves: dict[str, _Shelf] = {}
        self._by_id: dict[str, Record] = {}
        self._listeners: list[Callable[[Record], None]] = []
        self.skipped = 0
        self.kept: Callable[[Record], None] = _nobody

    def record(self, exchange: Exchange) -> None:
        """Keep a request, if it failed or if there is time for it."""
        shelf = self._shelf(exchange.service)
        failed = exchange.event == "request.failed" or exchange.status >= 500
        if not failed:
            second = int(exchange.started_at)
            if second != shelf.second:
                shelf.second, shelf.left = second, self._a_second
            if shelf.left <= 0:
                self.skipped += 1
                return
            shelf.left -= 1
        if exchange.target.startswith(_OURS):
            return
        record = Record(exchange, failed)
        self._keep(record, shelf)
        self.kept(record)

    def keep(self, record: Record) -> None:
        """Keep a request of another process."""
        self._keep(record, self._shelf(record.service))

    def find(self, request_id: str) -> Record | None:
        """The request of that id, while it is remembered."""
        return self._by_id.get(request_id)

    def recent(self, service: str | None = None, limit: int = 100) -> list[Record]:
        """The last ones, newest first; of one service, or of all."""
        shelves: Iterable[_Shelf] = self._shelves.values()
        if service is not None:
            shelves = [shelf for name, shelf in self._shelves.items() if name == service]
        found = [record for shelf in shelves for kept in (shelf.good, shelf.failures) for record in kept]
        found.sort(key=lambda record: record.told["time"], reverse=True)
        return found[:limit]

    @property
    def services(self) -> list[str]:
        """Of which there is something; "" are meshproxy's own pages and requests for nobody."""
        return sorted(self._shelves)

    def subscribe(self, listener: Callable[[Record], None]) -> Callable[[], None]:
        """Tell of every request that is kept from now on; returns what ends it. A listener that raises is dropped."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def _shelf(self, service: str) -> _Shelf:
        shelf = self._shelves.get(service)
        if shelf is None:
            shelf = self._shelves[service] = _Shelf(self._requests)
        return shelf

    def _keep(self, record: Record, shelf: _Shelf) -> None:
        room = shelf.failures if record.failed else shelf.good
        if len(room) == room.maxlen:
            gone = room[0]
            if self._by_id.get(gone.request_id) is gone:
                del self._by_id[gone.request_id]
        room.append(record)
        self._by_id[record.request_id] = record
        for listener in self._listeners[:]:
            try:
                listener(record)
            except Exception:
                self._listeners.remove(listener)
                self.log.failure("somebody who looks on broke, and looks on no more")


class _Shelf:
    """What is kept of one service."""

    __slots__ = ("failures", "good", "left", "second")

    def __init__(self, requests: int) -> None:
        self.good: deque[Record] = deque(maxlen=requests)
        self.failures: deque[Record] = deque(maxlen=requests)
        self.second = 0
        self.left = 0


def _nobody(record: Record) -> None:
    """Nobody else wants to know."""


def _told(exchange: Exchange) -> dict[str, Any]:
    """What stands beside the heads."""
    diagnosis: Any = exchange.diagnosis
    told: dict[str, Any] = {
        "time": time_text(exchange.started_at),
        "client": exchange.client,
        "method": _text(exchange.method),
        "authority": exchange.authority,
        "target": _text(redact_target(exchange.target)[:_LONGEST_VALUE]),
        "status": exchange.status or None,
        "event": exchange.event,
        "reason": exchange.reason,
        "principal": principal_of(exchange.principal),
        "answered_by": exchange.answered_by,
        "cause": exchange.cause,
        "upstream_status": exchange.upstream_status or None,
        "duration_ms": round(exchange.duration * 1000, 1),
        "upstream_ms": round(exchange.upstream_duration * 1000, 1),
        "bytes_in": exchange.body_in_bytes,
        "bytes_out": exchange.body_out_bytes,
        "tunnel": exchange.tunnel,
        "diagnosis": None,
    }
    if diagnosis is not None:
        told["diagnosis"] = {
            "answered_by": diagnosis.answered_by, "cause": diagnosis.cause, "confidence": diagnosis.confidence,
            "also": list(diagnosis.also), "because": list(diagnosis.because), "hints": list(diagnosis.hints),
        }
    if exchange.principal is not None and told["principal"] is not None:
        told["principal"]["groups"] = list(exchange.principal.groups)
    return told


def _line(name: bytes, value: bytes) -> bytes:
    return name + b": " + value


def _shown(field: Field, passed: bool) -> Shown:
    name, value = field
    shown = redact_value(name, value)
    if len(shown) > _LONGEST_VALUE:
        shown = shown[:_LONGEST_VALUE] + b"[...]"
    return _text(name), _text(shown), passed


def _redacted_line(line: bytes) -> bytes:
    method, _, rest = line.partition(b" ")
    target, _, version = rest.rpartition(b" ")
    return b"%b %b %b" % (method, redact_target(target)[:_LONGEST_VALUE], version) if line else b""


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
