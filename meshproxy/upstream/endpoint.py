"""How does one get to a service's address? From the upstream of the conf directory to a Twisted endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint, UNIXClientEndpoint
from twisted.internet.interfaces import IHostnameResolver, IStreamClientEndpoint

from ..core.places import Upstream
from .lookups import WatchedReactor

_NEXT_ADDRESS_AFTER = 0.1
"""Seconds until the next address of a name is tried beside the first. Twisted waits that long even when the first has refused
(``localhost`` with a service on IPv4 alone), so it is RFC 8305's recommended minimum."""


def endpoint_for(
    reactor: Any,
    upstream: Upstream,
    *,
    timeout: float,
    sample_path: str,
    lookups: IHostnameResolver,
    resolved: Callable[[tuple[str, ...]], None],
) -> IStreamClientEndpoint:
    """The endpoint of one connection attempt.

    A name is resolved anew and its addresses are tried side by side (RFC 8305, as ``HostnameEndpoint`` does it);
    ``resolved`` is told them. A literal address and a socket path are used directly, and ``resolved`` is told at once.
    """
    if upstream.scheme in ("unix", "sample"):
        path = upstream.path if upstream.scheme == "unix" else sample_path
        resolved((path,))
        return UNIXClientEndpoint(reactor, path, timeout)
    host = upstream.host.strip("[]")
    if isIPAddress(host):
        resolved((host,))
        return TCP4ClientEndpoint(reactor, host, upstream.port, timeout)
    if isIPv6Address(host):
        resolved((host,))
        return TCP6ClientEndpoint(reactor, host, upstream.port, timeout)
    watched = WatchedReactor(reactor, lookups, resolved)
    return HostnameEndpoint(watched, host, upstream.port, timeout, attemptDelay=_NEXT_ADDRESS_AFTER)
