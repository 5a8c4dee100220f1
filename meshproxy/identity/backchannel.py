"""How do we ask an identity provider, without letting it hurt us? One client for everything that meshproxy fetches itself.

The rule: an answer is whole, small enough, in time and from the very URL that was asked, over verified TLS (or on loopback), or it is a
:class:`BackChannelError`. One deadline covers connecting, waiting and the whole body. No redirects are followed, no cookies kept, no
compressed bodies inflated. It has treq's interface, so plugins use it as they would use treq.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import OpenSSL.SSL
import service_identity
import treq
from treq.client import HTTPClient
from treq.cookies import IndexableCookieJar
from twisted.internet import error as internet_error
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool, ResponseDone, ResponseFailed, ResponseNeverReceived
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IPolicyForHTTPS, IResponse
from zope.interface import implementer

from .. import __version__
from ..core.provider_metadata import secure_url
from ..core.strict_json import NotJson, loads
from ..problems import Problem
from .connect_proxy import OutgoingProxy, ProxyRefused

CAP = 512 * 1024
TIMEOUT = 5.0
_WRAPPED = (ResponseFailed, ResponseNeverReceived)
_TLS_ERRORS = (OpenSSL.SSL.Error, service_identity.VerificationError, service_identity.CertificateError)
USER_AGENT = f"meshproxy/{__version__}"


class BackChannelError(Exception):
    """The other side could not be asked, or did not answer sensibly.

    :ivar kind: ``insecure`` (the URL is neither https nor loopback), ``dns``, ``connect``, ``tls``, ``proxy``, ``timeout``, ``cut``,
        ``too_large``, ``encoding``, ``redirect``, ``status``, ``not_json`` or ``not_http``.
    :ivar detail: for the operator; host and status, never a secret, a query or a body.
    :ivar status: the status of the answer where there was one.
    """

    def __init__(self, kind: str, detail: str, status: int = 0) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.status = status


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


def _body_producer(data: Any) -> Any:
    return _WholeBody(bytes(data)) if isinstance(data, (bytes, bytearray)) else IBodyProducer(data)


@implementer(IAgent)
class _BoundedAgent:
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
            # An Agent wraps our own cancellation as a failed response: who cancels must not read it as the provider's fault.
            if isinstance(error, _WRAPPED) and any(failure.check(CancelledError) for failure in error.reasons):
                raise CancelledError from None
            raise _explained(error, where) from None
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


def _explained(error: BaseException, where: str) -> BackChannelError:
    """One of Twisted's many errors in our few words."""
    if isinstance(error, _WRAPPED):
        reasons = [failure.value for failure in error.reasons if isinstance(failure.value, Exception)]
        known = [_explained(reason, where) for reason in reasons if isinstance(reason, _TLS_ERRORS)]
        return known[0] if known else BackChannelError("cut", f"{where} closed the connection before its answer was complete")
    if isinstance(error, _TLS_ERRORS):
        return BackChannelError("tls", f"the certificate of {where} could not be verified ({_tls_words(error)})")
    if isinstance(error, ProxyRefused):
        return BackChannelError("proxy", str(error))
    if isinstance(error, (internet_error.DNSLookupError, socket.gaierror)):
        return BackChannelError("dns", f"{where} does not resolve")
    if isinstance(error, (internet_error.TimeoutError, internet_error.TCPTimedOutError)):
        return BackChannelError("timeout", f"no connection to {where} in time")
    if isinstance(error, (internet_error.ConnectError, OSError)):
        return BackChannelError("connect", f"no connection to {where} ({type(error).__name__})")
    if isinstance(error, (internet_error.ConnectionDone, internet_error.ConnectionLost)):
        return BackChannelError("cut", f"{where} closed the connection before its answer was complete")
    return BackChannelError("not_http", f"{where} gave no usable answer ({type(error).__name__})")


def _tls_words(error: BaseException) -> str:
    if isinstance(error, OpenSSL.SSL.Error) and error.args and isinstance(error.args[0], list):
        return "; ".join(str(entry[-1]) for entry in error.args[0][:3] if entry) or "TLS error"
    return "it is for another name" if isinstance(error, service_identity.VerificationError) else type(error).__name__


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """Where an https or http URL is connected: directly, or through the company's proxy. Loopback is never asked of a proxy."""

    def __init__(self, reactor: Any, policy: Any, proxy: OutgoingProxy | None, timeout: float) -> None:
        self._reactor = reactor
        self._policy = policy
        self._proxy = proxy
        self._timeout = timeout

    def endpointForURI(self, uri: Any) -> Any:
        """As :class:`IAgentEndpointFactory` says."""
        host = uri.host.decode("ascii")
        tls = self._policy.creatorForNetloc(uri.host, uri.port) if uri.scheme == b"https" else None
        if self._proxy is not None and tls is not None:
            return self._proxy.endpoint(self._reactor, host, uri.port, tls, self._timeout)
        endpoint = HostnameEndpoint(self._reactor, host, uri.port, timeout=self._timeout)
        return endpoint if tls is None else wrapClientTLS(tls, endpoint)


def tls_policy(ca_file: Path | None) -> IPolicyForHTTPS:
    """The certificates that are believed: the system's, or those of one PEM file in their place.

    :raises ValueError: when the file has none; OSError when it cannot be read.
    """
    if ca_file is None:
        return BrowserLikePolicyForHTTPS()
    pem = ca_file.read_bytes()
    end = b"-----END CERTIFICATE-----"
    try:
        certificates = [Certificate.loadPEM(part + end) for part in pem.split(end)[:-1]]
    except OpenSSL.crypto.Error:
        certificates = []
    if not certificates:
        raise ValueError(f"{ca_file.name} has no PEM certificate")
    return BrowserLikePolicyForHTTPS(trustRoot=trustRootFromCertificates(certificates))


def file_problems(ca_file: Path | None) -> list[Problem]:
    """What is wrong with a file of certificates, for those who check a configuration."""
    if ca_file is None:
        return []
    try:
        tls_policy(ca_file)
    except (OSError, ValueError) as error:
        return [Problem(ca_file, "", error.strerror or "cannot be read" if isinstance(error, OSError) else str(error))]
    return []


class BackChannel(HTTPClient):
    """A treq client with deadlines. ``get``, ``post``, ``request`` … are treq's; a response's body is always there already.

    :param ca_file: PEM of the CAs to trust in place of the system's.
    :param proxy: an outgoing HTTP proxy for https URLs, ``http://[user:password@]host:port``.
    :param timeout: seconds for everything, from connecting to the last byte.
    :param cap: bytes of a body at most.
    :param agent: what to send with, in place of a real Agent (for tests, see ``treq.testing.RequestTraversalAgent``).
    """

    def __init__(
        self,
        reactor: Any,
        *,
        ca_file: Path | None = None,
        proxy: str | None = None,
        timeout: float = TIMEOUT,
        cap: int = CAP,
        agent: Any = None,
    ) -> None:
        self.reactor = reactor
        self.timeout = timeout
        if agent is None:
            endpoints = _Endpoints(reactor, tls_policy(ca_file), OutgoingProxy(proxy) if proxy else None, timeout)
            # No keep-alive: a connection that died while it idled would cost a token call, and a code can be spent once only.
            agent = Agent.usingEndpointFactory(reactor, endpoints, HTTPConnectionPool(reactor, persistent=False))
        jar = IndexableCookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        super().__init__(_BoundedAgent(reactor, agent, timeout, cap), cookiejar=jar, data_to_body_producer=_body_producer)

    def request(self, method: str, url: Any, **options: Any) -> Deferred[Any]:
        """As treq's, with ``allow_redirects`` always false. Fails with :class:`BackChannelError`."""
        options.update(allow_redirects=False, reactor=self.reactor)
        options.pop("browser_like_redirects", None)
        options["_stacklevel"] = options.get("_stacklevel", 2) + 1
        return super().request(method, url, **options)

    async def get_json(self, url: str, headers: Mapping[str, str] | None = None) -> tuple[Any, Headers]:
        """The JSON value at a URL, and the fields of the answer.

        :raises BackChannelError: also for every status but 200, and for a body that is no JSON.
        """
        response = await self.get(url, headers=fields({"Accept": "application/json", **(headers or {})}))
        if response.code != 200:
            raise BackChannelError("status", f"{_host(url)} answered {response.code}", response.code)
        try:
            return loads(await treq.content(response)), response.headers
        except NotJson as error:
            raise BackChannelError("not_json", f"{_host(url)}: {error}", response.code) from None

    async def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None) -> tuple[int, Any, Headers]:
        """POST a form; the status, the JSON value of the body (the bytes where it is none) and the fields, whatever the status is.

        :raises BackChannelError: when there was no whole answer.
        """
        sent = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        response = await self.post(url, data=urlencode(form).encode("ascii"), headers=fields(sent))
        body = await treq.content(response)
        try:
            return response.code, loads(body), response.headers
        except NotJson:
            return response.code, body, response.headers


def back_channel_for(context: Any, *, ca_file: Path | None = None, proxy: str = "", timeout: float = TIMEOUT) -> BackChannel:
    """The context's own client, unless a provider needs another CA, a proxy or more time.

    :raises ValueError: the file has no certificate, the proxy's URL is none; OSError when the file cannot be read.
    """
    if ca_file is None and not proxy and timeout <= context.http.timeout:
        http: BackChannel = context.http
        return http
    return BackChannel(context.reactor, ca_file=ca_file, proxy=proxy or None, timeout=timeout)


def fields(names: Mapping[str, str]) -> Headers:
    """Field names and values as treq wants them."""
    return Headers({name: [value] for name, value in names.items()})


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
