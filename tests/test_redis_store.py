"""``redis``: what is asked of Redis. That it keeps every promise of a store is seen with a real one: ``real_redis.py``."""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.api.testing import context, make
from meshproxy.builtin.redis_store import RedisStore

from .support.fake_redis import Connection, Endpoint
from .support.sessions import START


class StoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.store = make(RedisStore, {"redis_url": "redis://:hunter2@cache.example"}, given=context(reactor=self.clock))
        self.endpoint = Endpoint()
        self.store._client._endpoint = self.endpoint
        self.addCleanup(self.store.stop)

    def ask(self, coroutine: Any, reply: bytes) -> tuple[list[bytes], Any]:
        """What is asked first, and what comes of the reply."""
        waiting = Deferred.fromCoroutine(coroutine)
        connection: Connection = self.endpoint.accept()
        connection.say(b"+OK\r\n+PONG\r\n")
        command = connection.commands()[-1]
        connection.say(reply)
        return command, self.successResultOf(waiting)

    def test_load(self) -> None:
        """Value and version, in one question."""
        command, found = self.ask(self.store.load("a"), b"*2\r\n$2\r\n\x00v\r\n$1\r\n7\r\n")
        self.assertEqual((command, found), ([b"HMGET", b"meshproxy:s:a", b"v", b"n"], (b"\x00v", 7)))

    def test_nothing_there(self) -> None:
        """What is not there is ``None``."""
        self.assertIsNone(self.ask(self.store.load("a"), b"*2\r\n$-1\r\n$-1\r\n")[1])

    def test_save(self) -> None:
        """One script with the key, the time it lasts, the version that must stand there, and its tags once each."""
        command, written = self.ask(self.store.save("a", b"v", START + 60, ("t2", "t1", "t2"), 3), b":1\r\n")
        self.assertEqual(command[2:], [b"2", b"meshproxy:s:a", b"meshproxy:all", b"a", b"v", b"60000", b"3", b"t1\nt2"])
        self.assertIs(written, True)

    def test_save_without_a_version(self) -> None:
        """Without ``if_version`` none is asked for; another's version is no error but ``False``."""
        command, written = self.ask(self.store.save("a", b"v", START + 60, ()), b":0\r\n")
        self.assertEqual((command[8], written), (b"", False))

    def test_what_ended_already(self) -> None:
        """A session whose time is over lasts a millisecond, not for ever."""
        self.assertEqual(self.ask(self.store.save("a", b"v", START - 60, ()), b":1\r\n")[0][7], b"1")

    def test_find(self) -> None:
        """By tag, or all."""
        command, found = self.ask(self.store.find("t"), b"*2\r\n$1\r\na\r\n$1\r\nb\r\n")
        self.assertEqual((command[2:], found), ([b"1", b"meshproxy:t:t"], ["a", "b"]))
        self.setUp()
        self.assertEqual(self.ask(self.store.find(), b"*0\r\n")[0][2:], [b"1", b"meshproxy:all"])

    def test_locks(self) -> None:
        """A lease; ``None`` when somebody else has it; given back by its token."""
        command, token = self.ask(self.store.lock("a", 20), b"+OK\r\n")
        self.assertEqual(command, [b"SET", b"meshproxy:l:a", token.encode(), b"NX", b"PX", b"20000"])
        self.setUp()
        self.assertIsNone(self.ask(self.store.lock("a", 20), b"$-1\r\n")[1])
        self.setUp()
        self.assertEqual(self.ask(self.store.unlock("a", "token"), b":1\r\n")[0][2:], [b"1", b"meshproxy:l:a", b"token"])

    def test_delete(self) -> None:
        """A session goes from its indexes too."""
        command, _ = self.ask(self.store.delete("a"), b":1\r\n")
        self.assertEqual(command[2:], [b"2", b"meshproxy:s:a", b"meshproxy:all", b"a"])

    def test_an_outage(self) -> None:
        """Redis down is StoreDown."""
        waiting = Deferred.fromCoroutine(self.store.load("a"))
        self.endpoint.refuse(OSError("refused"))
        self.failureResultOf(waiting, StoreDown)

    def test_its_settings(self) -> None:
        """A URL that is none, and a missing client library, are problems of the conf; no password is shown."""
        settings = RedisStore.Settings.model_validate({"redis_url": "redis://:hunter2@cache.example"})
        self.assertNotIn("hunter2", repr(settings))
        self.assertEqual(list(RedisStore.check_settings(settings, lambda path: path)), [])
        wrong = RedisStore.Settings.model_validate({"redis_url": "redis://:hunter2@cache.example?x"})
        (problem,) = RedisStore.check_settings(wrong, lambda path: path)
        self.assertNotIn("hunter2", str(problem))
        modules = ("hiredis", "meshproxy.api.redis", "meshproxy.sessions.redis_client", "meshproxy.sessions.redis_connection")
        without = dict.fromkeys(modules)
        with patch.dict(sys.modules, without):
            (problem,) = RedisStore.check_settings(settings, lambda path: path)
        self.assertIn("hiredis", problem.message)
