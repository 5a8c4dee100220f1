"""How is a provider reached, and by what is it known? Endpoints, the company's proxy, and the certificates that are believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import OpenSSL.crypto
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IPolicyForHTTPS
from zope.interface import implementer

from ..problems import Problem
from .connect_proxy import OutgoingProxy


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


def agent_for(reactor: Any, ca_file: Path | None, proxy: str | None, timeout: float) -> IAgent:
    """An Agent that goes there.

    No keep-alive: a connection that died while it idled would cost a token call, and a code can be spent once only.

    :raises ValueError: the file has no certificate, the proxy's URL is none; OSError when the file cannot be read.
    """
    endpoints = _Endpoints(reactor, tls_policy(ca_file), OutgoingProxy(proxy) if proxy else None, timeout)
    return Agent.usingEndpointFactory(reactor, endpoints, HTTPConnectionPool(reactor, persistent=False))


def file_problems(ca_file: Path | None) -> list[Problem]:
    """What is wrong with a file of certificates, for those who check a configuration."""
    if ca_file is None:
        return []
    try:
        tls_policy(ca_file)
    except (OSError, ValueError) as error:
        return [Problem(ca_file, "", error.strerror or "cannot be read" if isinstance(error, OSError) else str(error))]
    return []
