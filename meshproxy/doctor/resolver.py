"""How does an examination look names up? In threads that nobody waits for.

The reactor's own threads are joined at its end: one dead DNS server would hold the command far beyond its ten seconds. These are
daemon threads; an answer that comes too late finds nobody.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer


@implementer(IHostResolution)
class _Asked:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """Nobody can call a thread back."""


@implementer(IHostnameResolver)
class ThreadedResolver:
    """``getaddrinfo``, one daemon thread a name.

    :param reactor: is told the answer in its own thread.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """See :class:`twisted.internet.interfaces.IHostnameResolver`."""
        asked = _Asked(hostName)
        resolutionReceiver.resolutionBegan(asked)

        def look_up() -> None:
            try:
                found = socket.getaddrinfo(hostName, portNumber, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                found = []
            self._reactor.callFromThread(_tell, resolutionReceiver, found)

        threading.Thread(target=look_up, name=f"look up {hostName}", daemon=True).start()
        return asked


def _tell(receiver: IResolutionReceiver, found: list[Any]) -> None:
    for family, _, _, _, address in found:
        if family in (socket.AF_INET, socket.AF_INET6):
            kind: Any = IPv4Address if family == socket.AF_INET else IPv6Address
            receiver.addressResolved(kind("TCP", address[0], address[1]))
    receiver.resolutionComplete()
