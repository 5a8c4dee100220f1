"""A service that remembers what reached it, byte for byte: the sample application on a TCP port, with a memory."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

from meshproxy.samples.application import SampleApplication
from meshproxy.samples.recording import RecordingSite


class _Remembering(SampleApplication):
    def __init__(self, clock: Any, heads: list[list[bytes]]) -> None:
        super().__init__(clock)
        self._heads = heads

    def getChild(self, path: bytes, request: Any) -> Resource:
        self._heads.append(request.head)
        return super().getChild(path, request)


class Recorder:
    """Listens on 127.0.0.1.

    :ivar heads: the head of every request, as a list of its lines (the first is the request line).
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._port: Any = None
        self.heads: list[list[bytes]] = []

    def start(self) -> int:
        """Listen on a free port; returns it."""
        site = RecordingSite(_Remembering(self._reactor, self.heads), timeout=None, reactor=self._reactor, parsePOSTFormSubmission=False)
        self._port = self._reactor.listenTCP(0, site, interface="127.0.0.1")
        return self._port.getHost().port

    def values(self, name: bytes) -> list[bytes]:
        """The values of a field in the last request, in order, its name in any case."""
        return [line.partition(b":")[2].strip() for line in self.heads[-1][1:] if line.partition(b":")[0].lower() == name.lower()]

    async def stop(self) -> None:
        """Stop listening."""
        port, self._port = self._port, None
        if port is not None:
            await port.stopListening()
