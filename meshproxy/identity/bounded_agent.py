"""When is an answer an answer? An Agent whose responses are whole or errors.

URL, deadline, redirects, size and encoding are judged here, once for every use: what is built on it needs no bounds of its own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from .. import __version__
from ..core.provider_metadata import secure_url
from .backchannel_error import BackChannelError, explained, was_cancelled

USER_AGENT = f"meshproxy/{__version__}"


@implementer(IResponse)
class WholeResponse:
    """A response whose body is there already, all of it."""

    def __init__(self, original: Any, body: bytes) -> None:
        self.version = original.version
        self.code = original.code
        self.phrase = original.phrase
        self.headers = original.headers
        self.request = original.request
        self.previousResponse = None
        self.length = len(body)
        self.body = body

    def deliverBody(self, protocol: Any) -> None:
        """All at once."""
        if self.body:
            protocol.dataReceived(self.body)
        protocol.connectionLost(Failure(ResponseDone()))

    def setPreviousResponse(self, response: Any) -> None:
        """There is never one: redirects are errors."""
        self.previousResponse = response


class _Body(Protocol):
    """Collects a body up to a cap; fires ``finished`` with the bytes, or with what went wrong."""

    def __init__(self, cap: int, where: str) -> None:
        self._cap = cap
        self._where = where
        self._parts: list[bytes] = []
        self._size = 0
        self.finished: Deferred[bytes] = Deferred(self._cancelled)

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= self._cap:
            self._parts.append(data)
        elif not self.finished.called:
            self._abort()
            self.finished.errback(BackChannelError("too_large", f"{self._where} sent more than {self._cap} bytes"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.finished.called:
            return
        # PotentialDataLoss: a body that ends with its connection. Cut JSON is no JSON, so taking it as whole misleads nobody.
        if reason.check(ResponseDone, PotentialDataLoss):
            self.finished.callback(b"".join(self._parts))
        else:
            self.finished.errback(BackChannelError("cut", f"the answer of {self._where} was cut off"))

    def _cancelled(self, finished: Deferred[bytes]) -> None:
        finished.errback(CancelledError())  # before the connection's end says that the answer was cut
        self._abort()

    def _abort(self) -> None:
        abort = getattr(self.transport, "abortConnection", None) or getattr(self.transport, "loseConnection", None)
        if abort is not None:
            abort()


@implementer(IBodyProducer)
class _WholeBody:
    """A request body that is there already: written at once, without a cooperator of the global reactor."""

    def __init__(self, body: bytes) -> None:
        self.length = len(body)
        self._body = body

    def startProducing(self, consumer: Any) -> Deferred[None]:
        """All at once."""
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Nothing is left to pause."""

    def resumeProducing(self) -> None:
        """Nothing was paused."""

    def stopProducing(self) -> None:
        """Nothing is left to stop."""


def body_producer(data: Any) -> Any:
    """What sends ``data``: bytes at once, everything else as its adapter does (``TypeError`` where there is none)."""
    return _WholeBody(bytes(data)) if isinstance(data, (bytes, bytearray)) else IBodyProducer(data)


@implementer(IAgent)
class BoundedAgent:
    """An Agent whose responses are whole or errors: URL, deadline, redirects, size and encoding are judged here, once for every use."""

    def __init__(self, reactor: Any, agent: Any, timeout: float, cap: int) -> None:
        self._reactor = reactor
        self._agent = agent
        self._timeout = timeout
        self._cap = cap

    def request(self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: Any = None) -> Deferred[Any]:
        """As :class:`IAgent` says; fails with :class:`BackChannelError` alone (or ``CancelledError``, when the caller cancels)."""
        where = urlsplit(uri.decode("ascii", "replace")).netloc.rpartition("@")[2]
        done: Deferred[Any] = Deferred.fromCoroutine(self._exchange(method, uri, headers, bodyProducer, where))
        late = BackChannelError("timeout", f"{where} did not answer within {self._timeout:g} s")

        def ended_late(result: Any, timeout: float) -> Any:
            raise late

        return done.addTimeout(self._timeout, self._reactor, ended_late)

    async def _exchange(self, method: bytes, uri: bytes, headers: Headers | None, body: Any, where: str) -> WholeResponse:
        if not secure_url(uri.decode("ascii", "replace")):
            raise BackChannelError("insecure", f"{where} is neither https nor http on loopback")
        headers = headers.copy() if headers is not None else Headers()
        headers.removeHeader(b"accept-encoding")
        if not headers.hasHeader(b"user-agent"):
            headers.setRawHeaders(b"user-agent", [USER_AGENT.encode()])
        try:
            response = await self._agent.request(method, uri, headers, body)
        except (CancelledError, BackChannelError):
            raise
        except Exception as error:
            if was_cancelled(error):
                raise CancelledError from None
            raise explained(error, where) from None
        collector = _Body(self._cap, where)
        response.deliverBody(collector)
        refusal = self._refusal(response, where)
        if refusal is not None:
            collector.finished.addErrback(lambda _: None)
            collector._abort()
            raise refusal
        return WholeResponse(response, await collector.finished)

    def _refusal(self, response: Any, where: str) -> BackChannelError | None:
        if 300 <= response.code < 400:
            return BackChannelError("redirect", f"{where} answered {response.code}, and redirects are not followed", response.code)
        if any(coding.strip().lower() not in (b"", b"identity") for coding in response.headers.getRawHeaders(b"content-encoding", [])):
            return BackChannelError("encoding", f"{where} sent a compressed body that nobody asked for", response.code)
        if isinstance(response.length, int) and response.length > self._cap:
            return BackChannelError("too_large", f"{where} announced {response.length} bytes", response.code)
        return None
