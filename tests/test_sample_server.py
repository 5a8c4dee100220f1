import os
import stat

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.trial import unittest

from meshproxy.samples import SampleServer

from .support.raw_http import RawClient


class SampleServerTests(unittest.TestCase):
    timeout = 10

    def test_over_a_real_socket(self) -> Deferred[None]:
        """It answers on a Unix socket that only this user can reach, and leaves nothing behind."""
        return Deferred.fromCoroutine(self.over_a_real_socket())

    async def over_a_real_socket(self) -> None:
        server = SampleServer(reactor)
        path = server.start()
        self.assertEqual(path, server.start())
        self.assertEqual(0o700, stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode))
        self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
        client = await connectProtocol(UNIXClientEndpoint(reactor, path), RawClient())
        client.write(b"GET /a HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n")
        await client.closed
        self.assertIn(b'"GET /a HTTP/1.1"', client.take())
        await server.stop()
        self.assertFalse(os.path.exists(os.path.dirname(path)))
        await server.stop()
