"""What does an independent strict parser read in these bytes? h11, which is none of ours and none of llhttp's."""

from __future__ import annotations

from dataclasses import dataclass

import h11

_CUT = "peer closed connection without sending complete message body"
#: the one h11 limit that is lower than ours
_MOST = 256 * 1024


@dataclass(frozen=True)
class Message:
    """A request or an answer as h11 read it; names in lower case, bodies without framing.

    :ivar start: method and target of a request; of an answer its status.
    :ivar whole: its end was seen.
    """

    start: tuple[bytes | int, ...]
    fields: list[tuple[bytes, bytes]]
    body: bytes
    whole: bool
    rest: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        """All values of a field, in order."""
        return [value for known, value in self.fields if known == name]

    @property
    def status(self) -> int | bytes:
        """Of an answer."""
        return self.start[0]


def read_request(data: bytes) -> Message:
    """The one request that these bytes begin with; ``rest`` is what h11 does not count to it. Raises ``h11.RemoteProtocolError``."""
    return _read(h11.Connection(h11.SERVER, max_incomplete_event_size=_MOST), data)


def read_answer(data: bytes, method: bytes = b"GET", *, closed: bool = False) -> Message:
    """The final answer to a request with ``method``, interim ones passed over. Raises ``h11.RemoteProtocolError``.

    :param closed: the connection has ended behind these bytes.
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    return _read(connection, data, closed)


def read_answers(data: bytes, methods: list[bytes], *, closed: bool = False) -> list[Message]:
    """As many answers as requests were sent on one connection, in order; the bytes must hold nothing else."""
    found = []
    for method in methods:
        message = read_answer(data, method, closed=closed)
        found.append(message)
        data = message.rest
    assert not data, f"bytes behind the last answer: {data[:100]!r}"
    return found


def _read(connection: h11.Connection, data: bytes, closed: bool = False) -> Message:
    connection.receive_data(data)
    if closed:
        connection.receive_data(b"")
    start: tuple[bytes | int, ...] = ()
    fields: list[tuple[bytes, bytes]] = []
    body = b""
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            if start and _CUT in str(error):
                return Message(start, fields, body, False)
            raise
        if isinstance(event, h11.Request):
            start, fields = (event.method, event.target), list(event.headers)
        elif isinstance(event, h11.Response):
            start, fields = (event.status_code,), list(event.headers)
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return Message(start, fields, body, True, connection.trailing_data[0])
        elif not isinstance(event, h11.InformationalResponse):  # NEED_DATA, PAUSED, ConnectionClosed
            return Message(start, fields, body, False)
