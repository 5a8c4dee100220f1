"""meshproxy.sessions.redis_client"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.sessions import redis_client
from meshproxy.sessions.redis_client import RedisClient, Script

from .support.fake_redis import Connection, Endpoint


class ClientTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.client = RedisClient(self.clock, "redis://:hunter2@cache.example")
        self.endpoint = Endpoint()
        self.client._endpoint = self.endpoint  # type: ignore[assignment]
        self.addCleanup(self.client.stop)

    def accept(self) -> Connection:
        """The next connection, greeted."""
        connection = self.endpoint.accept()
        self.assertEqual([command[0] for command in connection.commands()], [b"AUTH", b"PING"])
        connection.say(b"+OK\r\n+PONG\r\n")
        return connection

    def ask(self) -> Deferred[Any]:
        """A question whose answer does not matter."""
        asked = self.client.call("GET", "a")
        self.assertNoResult(asked)
        asked.addErrback(lambda failure: failure.trap(StoreDown))
        return asked

    def down(self, waiting: Deferred[Any]) -> str:
        return str(self.failureResultOf(waiting, StoreDown).value)

    def test_the_first_question_connects(self) -> None:
        """Nothing is connected before somebody asks; who asks while that is under way waits for it."""
        self.assertEqual(self.endpoint.waiting, [])
        asked = [self.client.call("GET", str(number)) for number in range(3)]
        self.assertEqual(len(self.endpoint.waiting), 1)
        connection = self.accept()
        self.assertEqual([command[1] for command in connection.commands()], [b"0", b"1", b"2"])
        connection.say(b"$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n")
        self.assertEqual([self.successResultOf(reply) for reply in asked], [b"a", b"b", b"c"])

    def test_refused(self) -> None:
        """Where nobody listens who waits is told, and who asks from then on at once; it is tried again, at least every second."""
        asked = self.client.call("PING")
        self.endpoint.refuse(Refused())
        self.assertIn("is down", self.down(asked))
        self.down(self.client.call("PING"))
        for _ in range(10):
            self.clock.advance(1.0)
            self.endpoint.refuse(Refused())
        self.clock.advance(1.0)
        self.accept()
        self.assertIsNone(self.client.trouble)
        self.ask()

    def test_a_connection_that_does_not_come(self) -> None:
        """Who asks while the first connection hangs waits no longer than for a reply."""
        asked = self.client.call("PING")
        self.clock.advance(0.8)
        self.assertIn("no connection within 0.8 s", self.down(asked))
        self.clock.advance(0.3)
        self.assertIsNotNone(self.client.trouble)

    def test_frozen(self) -> None:
        """A late reply ends the connection; the next one counts only when its greeting is answered."""
        asked = self.client.call("GET", "a")
        self.accept()
        self.clock.advance(0.8)
        self.assertIn("no reply", self.down(asked))
        self.clock.advance(0.1)
        silent = self.endpoint.accept()
        self.assertIn("is down", self.down(self.client.call("GET", "a")))
        self.clock.advance(0.8)
        self.assertFalse(silent.open)
        self.clock.advance(0.2)
        self.accept()
        self.ask()

    def test_lost_while_nobody_asked(self) -> None:
        """A connection that ends while nobody waits is replaced, and who asks meanwhile waits for that."""
        asked = self.client.call("PING")
        connection = self.accept()
        connection.say(b"+PONG\r\n")
        self.successResultOf(asked)
        connection.abortConnection()
        self.assertIsNone(self.client.trouble)
        asked = self.client.call("PING")
        self.clock.advance(0.1)
        self.accept().say(b"+PONG\r\n")
        self.assertEqual(self.successResultOf(asked), b"PONG")

    def test_a_wrong_password(self) -> None:
        """It is told without being shown, and tried again: somebody may be setting it just now."""
        asked = self.client.call("PING")
        self.endpoint.accept().say(b"-WRONGPASS invalid\r\n-NOAUTH Authentication required.\r\n")
        said = self.down(asked)
        self.assertIn("password", said)
        self.assertNotIn("hunter2", said + repr(self.client))
        self.clock.advance(1)
        self.assertEqual(len(self.endpoint.waiting), 1)

    def test_scripts(self) -> None:
        """A script goes by its hash; where Redis does not know it, it is sent whole, and nothing is in trouble."""
        script = Script("return 1")
        asked = self.client.run(script, ("k",), "a")
        connection = self.accept()
        self.assertEqual(connection.commands(), [[b"EVALSHA", script.sha.encode(), b"1", b"k", b"a"]])
        connection.say(b"-NOSCRIPT No matching script.\r\n")
        self.assertEqual(connection.commands(), [[b"EVAL", b"return 1", b"1", b"k", b"a"]])
        connection.say(b":1\r\n")
        self.assertEqual((self.successResultOf(asked), self.client.trouble), (1, None))

    def test_another_refusal_of_a_script(self) -> None:
        """Any other "no" is StoreDown, and trouble until something succeeds."""
        asked = self.client.run(Script("return 1"), ())
        connection = self.accept()
        connection.say(b"-OOM full\r\n")
        self.assertIn("out of memory", self.down(asked))
        self.assertIn("out of memory", self.client.trouble or "")
        asked = self.client.call("GET", "a")
        connection.say(b"$-1\r\n")
        self.assertIsNone(self.successResultOf(asked))
        self.assertIsNone(self.client.trouble)

    def test_read_only(self) -> None:
        """A Redis that cannot write is left for whatever its name leads to now, but not more often than every few seconds."""
        asked = self.client.call("SET", "a", "b")
        connection = self.accept()
        connection.say(b"-READONLY You can't write against a read only replica.\r\n")
        self.assertIn("read-only", self.down(asked))
        self.assertFalse(connection.open)
        self.clock.advance(0.1)
        connection = self.accept()
        asked = self.client.call("SET", "a", "b")
        connection.say(b"-READONLY You can't write against a read only replica.\r\n")
        self.down(asked)
        self.assertTrue(connection.open)

    def test_a_flood(self) -> None:
        """More questions than allowed at once are refused, connected or not: nothing queues without end."""
        with patch.object(redis_client, "MOST_OUTSTANDING", 5):
            asked = [self.client.call("PING") for _ in range(7)]
            self.assertEqual([reply.called for reply in asked], [False] * 5 + [True] * 2)
            self.accept()
            more = [self.client.call("PING") for _ in range(2)]
            for reply in (*asked[5:], *more):
                self.assertIn("too much", self.down(reply))
            for reply in asked[:5]:
                reply.addErrback(lambda failure: failure.trap(StoreDown))

    def test_stop(self) -> None:
        """The end closes the connection, in whatever state; nothing is left to run."""
        for steps in range(4):
            self.setUp()
            asked = self.client.call("PING")
            if steps == 1:
                self.endpoint.accept()
            elif steps == 2:
                self.accept()
            elif steps == 3:
                self.endpoint.refuse(Refused())
            self.successResultOf(self.client.stop())
            self.clock.advance(1)
            self.failureResultOf(asked)
            self.assertEqual(self.clock.getDelayedCalls(), [], steps)
            self.down(self.client.call("PING"))
