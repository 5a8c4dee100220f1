"""meshproxy.sessions.redis_shared: what is asked of Redis. What Redis makes of it: ``real_redis.py``."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.sessions import redis_shared
from meshproxy.sessions.redis_client import RedisClient
from meshproxy.sessions.redis_shared import RedisState
from meshproxy.sessions.shared_state import Revocation

from .support.fake_redis import Connection, Endpoint
from .support.sessions import START


class StateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        client = RedisClient(self.clock, "redis://cache.example")
        self.endpoint = Endpoint()
        client._endpoint = self.endpoint  # type: ignore[assignment]
        self.state = RedisState(self.clock, client)
        self.addCleanup(self.state.stop)
        self.told: list[tuple[str, str]] = []
        self.state.watch(lambda name, revocation: self.told.append((name, revocation.cause)))

    def connect(self, *entries: bytes) -> Connection:
        """Redis is there, and answers the first look."""
        connection = self.endpoint.accept()
        connection.say(b"+PONG\r\n")
        self.assertEqual([command[0] for command in connection.commands()], [b"PING", b"EVALSHA"])
        self.look(connection, *entries)
        return connection

    @staticmethod
    def look(connection: Connection, *entries: bytes, now: int = 1000) -> None:
        """The answer to a look."""
        listed = b"".join(b"$%d\r\n%s\r\n" % (len(entry), entry) for entry in entries)
        connection.say(b"*2\r\n$%d\r\n%d\r\n*%d\r\n%s" % (len(str(now)), now, len(entries), listed))

    def ask(self, connection: Connection, coroutine: Any, reply: bytes) -> tuple[list[bytes], Any]:
        """What is asked, and what comes of the reply."""
        waiting = Deferred.fromCoroutine(coroutine)
        (command,) = connection.commands()
        connection.say(reply)
        return command, self.successResultOf(waiting)

    def test_ready(self) -> None:
        """It is ready when it is known what was revoked, and not while Redis is down."""
        self.assertIn("not told yet", self.state.ready() or "")
        connection = self.connect()
        self.assertIsNone(self.state.ready())
        connection.abortConnection()
        self.clock.advance(0.1)
        self.endpoint.refuse(OSError("refused"))
        self.assertIn("cache.example", self.state.ready() or "")

    def test_what_was_revoked_before(self) -> None:
        """At the start it learns what others revoked, and tells whoever watches; once."""
        entry = json.dumps(["id:x", START, START + 60, "logout"]).encode()
        connection = self.connect(entry, b"no json", b"[1]", entry)
        self.assertEqual((self.state.revocation("id:x"), self.told), (Revocation(START, START + 60, "logout"), [("id:x", "logout")]))
        self.assertEqual(self.state.revocations(), [("id:x", Revocation(START, START + 60, "logout"))])
        self.clock.advance(1)
        self.look(connection, entry)
        self.assertEqual(len(self.told), 1)

    def test_every_second(self) -> None:
        """It looks every second, from a little before the last look on by Redis's own clock; never twice at once."""
        connection = self.connect()
        self.clock.advance(1)
        (command,) = connection.commands()
        self.assertEqual(command[-1], b"-4000")
        self.clock.advance(0.7)
        self.assertEqual(connection.commands(), [])
        self.look(connection, now=9000)
        self.clock.advance(0.5)
        self.assertEqual(connection.commands()[0][-1], b"4000")

    def test_a_revocation(self) -> None:
        """It holds here at once, and Redis is told for how long."""
        connection = self.connect()
        revocation = Revocation(START, START + 60, "logout")
        waiting = Deferred.fromCoroutine(self.state.revoke("id:x", revocation))
        self.assertEqual((self.state.revocation("id:x"), self.told), (revocation, [("id:x", "logout")]))
        (command,) = connection.commands()
        self.assertEqual((json.loads(command[-2]), command[-1]), (["id:x", START, START + 60, "logout"], b"60000"))
        connection.say(b":1\r\n")
        self.successResultOf(waiting)

    def test_a_revocation_while_redis_is_down(self) -> None:
        """It holds here, and Redis is told when it is back."""
        self.endpoint.refuse(OSError("refused"))
        waiting = Deferred.fromCoroutine(self.state.revoke("id:x", Revocation(START, START + 60, "logout")))
        self.failureResultOf(waiting, StoreDown)
        self.assertIsNotNone(self.state.revocation("id:x"))
        self.clock.advance(0.2)
        connection = self.endpoint.accept()
        connection.say(b"+PONG\r\n")
        self.clock.advance(1)
        self.look(connection)
        told = [command for command in connection.commands() if b"id:x" in b" ".join(command)]
        self.assertEqual(len(told), 1)
        connection.say(b":1\r\n")
        self.clock.advance(1)
        self.look(connection)
        self.assertEqual([command for command in connection.commands() if b"id:x" in b" ".join(command)], [])

    def test_an_older_revocation(self) -> None:
        """Of two revocations of one name the later one stands."""
        self.connect(*(json.dumps(["sub:x", START + at, START + 60, cause]).encode() for at, cause in ((5, "later"), (0, "earlier"))))
        self.assertEqual(self.told, [("sub:x", "later")])

    def test_bounded(self) -> None:
        """However many there are, so many are kept here and no more; that is logged."""
        with patch.object(redis_shared, "REVOCATIONS", 10):
            self.connect(*(json.dumps([f"id:{number}", START, START + 60, "x"]).encode() for number in range(50)))
        self.assertEqual(len(self.state.revocations()), 10)

    def test_what_is_asked(self) -> None:
        """Each question is one command, with a name of ours and an end."""
        connection = self.connect()
        for coroutine, reply, command, result in (
            (self.state.add_once("t", START + 30), b"+OK\r\n", [b"SET", b"meshproxy:once:t", b"1", b"NX", b"PX", b"30000"], True),
            (self.state.add_once("t", START + 30), b"$-1\r\n", [b"SET", b"meshproxy:once:t", b"1", b"NX", b"PX", b"30000"], False),
            (self.state.put("n", b"v", START + 1), b"+OK\r\n", [b"SET", b"meshproxy:note:n", b"v", b"PX", b"1000"], None),
            (self.state.get("n"), b"$1\r\nv\r\n", [b"GET", b"meshproxy:note:n"], b"v"),
            (self.state.lock("l", 20), b"$-1\r\n", None, None),
            (self.state.count("c", 60), b":3\r\n", None, 3),
            (self.state.forget_count("c"), b":1\r\n", [b"DEL", b"meshproxy:count:c"], None),
            (self.state.unlock("l", "token"), b":1\r\n", None, None),
        ):
            asked, found = self.ask(connection, coroutine, reply)
            self.assertEqual(found, result)
            if command is not None:
                self.assertEqual(asked, command)
            self.assertIn(b"meshproxy:", b" ".join(asked))

    def test_a_lock(self) -> None:
        """Whoever takes a lock has a token that only they know."""
        connection = self.connect()
        first, one = self.ask(connection, self.state.lock("l", 20), b"+OK\r\n")
        _, two = self.ask(connection, self.state.lock("l", 20), b"+OK\r\n")
        self.assertEqual((first[1], first[2], first[3:]), (b"meshproxy:lock:l", one.encode(), [b"NX", b"PX", b"20000"]))
        self.assertNotEqual(one, two)

    def test_the_end(self) -> None:
        """After the end nothing runs."""
        connection = self.connect()
        self.successResultOf(self.state.stop())
        self.assertEqual((connection.open, self.clock.getDelayedCalls()), (False, []))
