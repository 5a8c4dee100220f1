"""meshproxy.sessions.redis_connection"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.sessions.redis_connection import RedisConnection, RedisSaid


class Transport(StringTransport):
    """Tells its protocol when it was aborted, as real ones do."""

    def __init__(self, protocol: RedisConnection) -> None:
        super().__init__()
        self.told = protocol

    def abortConnection(self) -> None:
        super().abortConnection()
        self.told.connectionLost()


class ConnectionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.lost: list[tuple[str, bool]] = []
        self.connection = RedisConnection(self.clock, 0.8, lambda connection, why, cost: self.lost.append((why, cost)))
        self.transport = Transport(self.connection)
        self.connection.makeConnection(self.transport)

    def say(self, *replies: bytes) -> None:
        for reply in replies:
            self.connection.dataReceived(reply)

    def test_pipelining(self) -> None:
        """Commands go out as they come; replies belong to them in order, however they are cut."""
        first, second, third = self.connection.send("GET", b"a"), self.connection.send("INCR", "n"), self.connection.send("GET", "none")
        self.assertEqual(self.transport.value().split(), b"*2 $3 GET $1 a *2 $4 INCR $1 n *2 $3 GET $4 none".split())
        self.say(b"$3\r\n\x00", b"\r\n\r", b"\n:5\r\n$", b"-1\r\n")
        self.assertEqual([self.successResultOf(reply) for reply in (first, second, third)], [b"\x00\r\n", 5, None])
        self.assertEqual(self.connection.outstanding, 0)

    def test_errors(self) -> None:
        """Redis's "no" is told by its code; what it repeats of the command is not."""
        reply = self.connection.send("SET", "k", "hunter2")
        self.say(b"-OOM command not allowed when used memory > 'maxmemory' hunter2\r\n")
        error = self.failureResultOf(reply, RedisSaid).value
        self.assertEqual((error.code, str(error)), ("OOM", "Redis refuses: it is out of memory"))
        reply = self.connection.send("X")
        self.say(b"-ERR unknown command 'hunter2'\r\n")
        self.assertEqual(str(self.failureResultOf(reply, StoreDown).value), "Redis refuses: ERR")

    def test_late(self) -> None:
        """When a reply is late the connection ends, and everything that waits on it fails; who asks later waits no longer than that."""
        first = self.connection.send("GET", "a")
        self.clock.advance(0.5)
        second = self.connection.send("GET", "b")
        self.clock.advance(0.29)
        self.assertNoResult(first)
        self.clock.advance(0.01)
        for reply in (first, second):
            self.assertIn("no reply within 0.8 s", str(self.failureResultOf(reply, StoreDown).value))
        self.assertEqual(self.lost, [("no reply within 0.8 s", True)])

    def test_in_time(self) -> None:
        """The deadline is each command's own: steady answers keep the connection for ever, and no timer runs when nobody waits."""
        for _ in range(10):
            reply = self.connection.send("PING")
            self.clock.advance(0.7)
            self.say(b"+PONG\r\n")
            self.assertEqual(self.successResultOf(reply), b"PONG")
        self.clock.advance(5)
        self.assertEqual((self.lost, self.clock.getDelayedCalls()), ([], []))

    def test_lost(self) -> None:
        """A connection that ends fails what waits; one that nobody waited on cost nothing."""
        reply = self.connection.send("PING")
        self.connection.connectionLost()
        self.failureResultOf(reply, StoreDown)
        self.assertEqual((self.lost[0][1], self.clock.getDelayedCalls()), (True, []))
        self.setUp()
        self.connection.connectionLost()
        self.assertFalse(self.lost[0][1])

    def test_who_goes_away(self) -> None:
        """A reply that nobody waits for any more is passed over, and taken for nobody else's."""
        first, second = self.connection.send("GET", "a"), self.connection.send("GET", "b")
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.say(b"$1\r\na\r\n$1\r\nb\r\n")
        self.assertEqual(self.successResultOf(second), b"b")

    def test_no_redis(self) -> None:
        """Bytes that are no RESP, and replies that nobody asked for, end the connection."""
        for said in (b"HTTP/1.1 400 Bad Request\r\n", b"+OK\r\n"):
            self.setUp()
            self.say(said)
            self.assertEqual(len(self.lost), 1, said)

    def test_greetings(self) -> None:
        """All commands of a greeting go out at once; the first failure is the answer."""
        greeting = Deferred.fromCoroutine(self.connection.greet([("AUTH", "pw"), ("PING",)]))
        self.assertEqual(self.transport.value().count(b"*"), 2)
        self.say(b"+OK\r\n+PONG\r\n")
        self.successResultOf(greeting)
        greeting = Deferred.fromCoroutine(self.connection.greet([("AUTH", "pw"), ("PING",)]))
        self.say(b"-WRONGPASS invalid username-password pair\r\n-NOAUTH Authentication required.\r\n")
        failure: Any = self.failureResultOf(greeting, RedisSaid)
        self.assertEqual(failure.value.code, "WRONGPASS")
