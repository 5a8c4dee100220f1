"""Where is the service today? Name look-ups, shared while they run and watched by who waits for them.

Twisted resolves in a few threads, and a dead DNS server holds a thread for many seconds; so of one name only one look-up
runs at a time. Nothing is remembered: every new connection asks anew, because addresses in a cluster move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IReactorPluggableNameResolver, IResolutionReceiver
from zope.interface import implementer


@implementer(IHostResolution)
class _Lookup:
    """One running look-up and who waits for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.receivers: list[Any] = []
        self.addresses: list[IAddress] = []

    def cancel(self) -> None:
        """The thread cannot be called back; who no longer waits ignores the answer."""


@implementer(IHostnameResolver)
class SharedLookups:
    """A resolver that joins look-ups of the same name and port."""

    def __init__(self, resolver: IHostnameResolver) -> None:
        self._resolver = resolver
        self._running: dict[tuple[str, int], _Lookup] = {}

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """See :class:`twisted.internet.interfaces.IHostnameResolver`."""
        key = (hostName, portNumber)
        lookup = self._running.get(key)
        first = lookup is None
        if lookup is None:
            lookup = self._running[key] = _Lookup(hostName)
        lookup.receivers.append(resolutionReceiver)
        resolutionReceiver.resolutionBegan(lookup)
        if first:
            collector = _Collector(lookup, lambda: self._running.pop(key, None))
            try:
                self._resolver.resolveHostName(collector, hostName, portNumber, addressTypes, transportSemantics)
            except BaseException:
                self._running.pop(key, None)
                raise
        return lookup


@implementer(IResolutionReceiver)
class _Collector:
    """Gathers the addresses of one look-up and hands them to all who wait."""

    def __init__(self, lookup: _Lookup, ended: Callable[[], object]) -> None:
        self._lookup = lookup
        self._ended = ended

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to keep."""

    def addressResolved(self, address: IAddress) -> None:
        """One address."""
        self._lookup.addresses.append(address)

    def resolutionComplete(self) -> None:
        """All addresses are there."""
        self._ended()
        for receiver in self._lookup.receivers:
            for address in self._lookup.addresses:
                receiver.addressResolved(address)
            receiver.resolutionComplete()


@implementer(IReactorPluggableNameResolver, IHostnameResolver)
class WatchedReactor:
    """The reactor as ``HostnameEndpoint`` wants it, telling ``resolved`` the addresses as soon as they are known."""

    def __init__(self, reactor: Any, lookups: IHostnameResolver, resolved: Callable[[tuple[str, ...]], None]) -> None:
        self._reactor = reactor
        self._lookups = lookups
        self._resolved = resolved
        self.nameResolver = self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Not this one's business."""
        raise NotImplementedError

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Pass the question on and watch the answer."""
        watcher = _Watcher(resolutionReceiver, self._resolved)
        return self._lookups.resolveHostName(watcher, hostName, portNumber, addressTypes, transportSemantics)


@implementer(IResolutionReceiver)
class _Watcher:
    def __init__(self, receiver: IResolutionReceiver, resolved: Callable[[tuple[str, ...]], None]) -> None:
        self._receiver = receiver
        self._resolved = resolved
        self._addresses: list[str] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: IAddress) -> None:
        self._addresses.append(str(getattr(address, "host", address)))
        self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:
        self._resolved(tuple(self._addresses))
        self._receiver.resolutionComplete()
