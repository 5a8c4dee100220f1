"""What did the wire say? A request that keeps its head as it came, and its body only as length and digest.

The rule: nothing is normalised (case, order, repeats), and nothing is spooled, however large an upload is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.server import Request, Site

_HEAD_BYTES = 80 * 1024
"""More than meshproxy forwards by default (``[limits] head_bytes``): a sample must not be what refuses a request."""


class RecordingRequest(Request):
    """A request with :attr:`head`, the lines of its head, and a body that is counted.

    :ivar head: the request line and the field lines as they came, without line ends.
    :ivar body_bytes: the body's length so far, ``digest`` its SHA-256.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.head: list[bytes] = []
        self.body_bytes = 0
        self.digest = hashlib.sha256()

    def gotLength(self, length: int | None) -> None:
        """There is nothing to keep: the base class would spool large bodies to a file."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Count."""
        self.body_bytes += len(data)
        self.digest.update(data)

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The field lines, split; order, case and repeats as they came."""
        pairs = []
        for line in self.head[1:]:
            name, _, value = line.partition(b":")
            pairs.append((name, value.strip(b" \t")))
        return pairs


class RecordingChannel(HTTPChannel):
    """A channel that gives its requests the lines of their heads, and its connection away where one asks for it."""

    totalHeadersSize = _HEAD_BYTES
    MAX_LENGTH = _HEAD_BYTES

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[bytes] = []
        self._taken_by: Callable[[bytes], None] | None = None
        self._lost: Callable[[], None] | None = None

    def lineReceived(self, line: bytes) -> None:
        """A line of a head, the empty one that ends it included."""
        if line:
            self._lines.append(line)
        elif self.requests:
            self.requests[-1].head = self._lines
            self._lines = []
        super().lineReceived(line)

    def take_over(self, received: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        """From now on the connection is no HTTP: raw bytes go to ``received``, and ``lost`` is told of the end."""
        self._taken_by, self._lost = received, lost
        self.setTimeout(None)

    def dataReceived(self, data: bytes) -> None:
        """Bytes, to whoever has the connection."""
        if self._taken_by is not None:
            self._taken_by(data)
        else:
            super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        if self._lost is not None:
            self._lost()
        super().connectionLost(reason)


class RecordingSite(Site):
    """A ``Site`` of such requests, without an access log of its own and without tracebacks on pages."""

    protocol = RecordingChannel  # type: ignore[assignment]
    requestFactory = RecordingRequest
    displayTracebacks = False
    noisy = False

    def log(self, request: Any) -> None:
        """Say nothing: meshproxy's access log has the request."""
