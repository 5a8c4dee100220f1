"""How does an examination look names up?"""

from __future__ import annotations

import socket
import threading
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import TestCase

from meshproxy.doctor import resolver
from meshproxy.doctor.resolver import ThreadedResolver


class Receiver:
    """Collects addresses."""

    def __init__(self) -> None:
        self.addresses: list[tuple[str, int]] = []
        self.done: Deferred[None] = Deferred()

    def resolutionBegan(self, resolution: Any) -> None:
        self.resolution = resolution

    def addressResolved(self, address: Any) -> None:
        self.addresses.append((address.host, address.port))

    def resolutionComplete(self) -> None:
        self.done.callback(None)


class ResolverTests(TestCase):
    """``getaddrinfo`` in threads that nobody joins."""

    @inlineCallbacks
    def look_up(self, answer: Any) -> Any:
        self.daemons: list[bool] = []

        def getaddrinfo(name: str, port: int, **more: Any) -> Any:
            self.daemons.append(threading.current_thread().daemon)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        self.patch(resolver.socket, "getaddrinfo", getaddrinfo)
        receiver = Receiver()
        asked = ThreadedResolver(reactor).resolveHostName(receiver, "a.b", 80)
        self.assertIs(asked, receiver.resolution)
        yield receiver.done
        return receiver.addresses

    @inlineCallbacks
    def test_addresses(self) -> Any:
        """Both families, with the port; in a thread that does not hold the process."""
        stream = socket.SOCK_STREAM
        found = yield self.look_up([
            (socket.AF_INET, stream, 6, "", ("10.0.0.1", 80)), (socket.AF_INET6, stream, 6, "", ("::1", 80, 0, 0)),
            (99, stream, 6, "", ("x", 1)),
        ])
        self.assertEqual([("10.0.0.1", 80), ("::1", 80)], found)
        self.assertEqual([True], self.daemons)

    @inlineCallbacks
    def test_no_such_name(self) -> Any:
        """No address, and no exception."""
        for error in (socket.gaierror(-2, "unknown"), UnicodeError("label too long")):
            found = yield self.look_up(error)
            self.assertEqual([], found)
