"""The transport under a connection: orderly ends with a deadline, and a look into the socket."""

from __future__ import annotations

import socket

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.upstream.link import Link, State

from .support.wire import Wire, WireTests

OK = b"HTTP/1.1 200 OK\r\n"


class Closing(WireTests):
    def test_close_is_enforced(self) -> None:
        """A connection that does not end after our orderly close is aborted."""
        _, service = self.wire.ask()
        service.loseConnection = lambda: setattr(service, "disconnecting", True)
        service.answers(OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
        self.wire.advance(1.75)
        self.assertFalse(service.disconnected)
        self.wire.advance(1)
        self.assertTrue(service.disconnected)

    def test_close_twice(self) -> None:
        """Closing what is being closed, and aborting what is gone, does nothing."""
        self.wire.ask()[1].answers(OK + b"Content-Length: 0\r\n\r\n")
        connection = self.wire.pool._idle[0]
        self.wire.pool.close()
        connection.close()
        self.wire.reactor.advance(0)
        self.assertEqual(connection.state, State.CLOSED)
        connection.abort()
        self.assertEqual(connection.state, State.CLOSED)


class Sockets(SynchronousTestCase):
    def setUp(self) -> None:
        self.wire = Wire()
        self.addCleanup(self.wire.close)
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)
        self.link = Link(self.wire.pool)

    def made(self, sock: object) -> StringTransport:
        transport = StringTransport()
        transport.socket = sock  # type: ignore[attr-defined]
        self.link.makeConnection(transport)
        return transport

    def test_looks_alive(self) -> None:
        """A silent socket is alive; one with a byte, a FIN or an error is not. Looking takes nothing out of it."""
        self.made(self.ours)
        self.assertTrue(self.link.looks_alive())
        self.theirs.send(b"x")
        self.assertFalse(self.link.looks_alive())
        self.assertEqual(self.ours.recv(10), b"x")
        self.assertTrue(self.link.looks_alive())
        self.theirs.close()
        self.assertFalse(self.link.looks_alive())
        self.ours.close()
        self.assertFalse(self.link.looks_alive())

    def test_no_delay(self) -> None:
        """TCP sends at once: head and body are small writes, and Nagle's algorithm would hold the second back."""
        with socket.socket() as tcp:
            asked: list[bool] = []
            transport = StringTransport()
            transport.socket, transport.setTcpNoDelay = tcp, asked.append  # type: ignore[attr-defined]
            self.link.makeConnection(transport)
            self.assertEqual(asked, [True])
            self.link.mind_the_silence()
            self.assertTrue(tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def test_pause(self) -> None:
        """Reading stops and goes on once each."""
        transport = self.made(self.ours)
        self.link.pause()
        self.assertEqual(transport.producerState, "paused")
        self.link.unpause()
        self.assertEqual(transport.producerState, "producing")
        transport.loseConnection()
        self.link.unpause()  # not paused: the transport is not asked
