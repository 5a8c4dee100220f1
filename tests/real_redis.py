"""A real Redis: everything that meshproxy keeps in it, and everything that can happen to it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from meshproxy.api import SessionOver, StoreDown
from meshproxy.api.testing import SessionStoreConformance, context, make
from meshproxy.builtin.redis_store import RedisStore
from meshproxy.core.principal import SignedIn
from meshproxy.sessions.manager import Sessions
from meshproxy.sessions.redis_client import RedisClient, Script
from meshproxy.sessions.redis_shared import RedisState
from meshproxy.sessions.shared_state import Revocation

from .support.certificates import Authority
from .support.ports import free_ports
from .support.redis_server import MISSING, RedisServer
from .support.sessions import ALICE, HOST, KEYS, Deployment, tokens

ANSWERED_WITHIN = 1.5
"""Seconds: a second is promised, the rest is this machine's."""


def pause(seconds: float) -> Deferred[None]:
    return deferLater(reactor, seconds)  # type: ignore[arg-type]


class RedisCase(TestCase):
    """A test with a Redis of its own."""

    timeout = 60
    if MISSING:
        skip = MISSING
    options: ClassVar[dict[str, str]] = {}

    def setUp(self) -> None:
        self.redis = RedisServer(**self.options)
        self.addCleanup(self.redis.close)

    def client(self, url: str | None = None, **more: Any) -> RedisClient:
        client = RedisClient(reactor, url or self.redis.url, **more)
        self.addCleanup(client.stop)
        return client

    async def down(self, asked: Awaitable[Any]) -> str:
        """It fails with StoreDown within a second; what it says."""
        began = time.monotonic()
        try:
            await asked
        except StoreDown as error:
            self.assertLess(time.monotonic() - began, ANSWERED_WITHIN)
            return str(error)
        raise AssertionError("it was answered")

    async def back(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """It is answered again within two seconds."""
        began = time.monotonic()
        while True:
            try:
                answer = await ask()
            except StoreDown:
                self.assertLess(time.monotonic() - began, 2 + ANSWERED_WITHIN)
                await pause(0.05)
            else:
                return answer


class ClientTests(RedisCase):
    async def test_commands(self) -> None:
        """Replies of every kind, in the order of the commands, with many under way at once."""
        client = self.client()
        await client.call("SET", "k", bytes(range(256)))
        self.assertEqual(await client.call("GET", "k"), bytes(range(256)))
        self.assertIsNone(await client.call("GET", "nothing"))
        numbers = await gatherResults([client.call("INCRBY", "n", 1) for _ in range(1000)])
        self.assertEqual(numbers, list(range(1, 1001)))
        self.assertEqual(await client.call("MGET", "k", "nothing"), [bytes(range(256)), None])
        big = os.urandom(3_000_000)
        await client.call("SET", "big", big)
        self.assertEqual(await client.call("GET", "big"), big)

    async def test_scripts(self) -> None:
        """A script is sent once, and again when Redis has forgotten it."""
        client, script = self.client(), Script("return {KEYS[1], ARGV[1]}")
        for _ in range(2):
            self.assertEqual(await client.run(script, ("k",), 5), [b"k", b"5"])
            self.redis.say("SCRIPT", "FLUSH")
            self.assertIsNone(client.trouble)

    async def test_databases_and_sockets(self) -> None:
        """The database of the URL; a socket instead of a port."""
        await self.client(f"redis://127.0.0.1:{self.redis.port}/3").call("SET", "k", "three")
        self.assertIsNone(await self.client().call("GET", "k"))
        self.assertEqual(await self.client(f"unix://{self.redis.socket}?db=3").call("GET", "k"), b"three")

    async def test_an_error_reveals_nothing(self) -> None:
        """What Redis says about a command is not passed on: it repeats the arguments."""
        said = await self.down(self.client().call("SECRET-COMMAND", "secret-argument"))
        self.assertNotIn("secret", said.lower())

    async def test_nobody_there(self) -> None:
        """Where nobody listens the answer is StoreDown, and once that is known it comes at once."""
        client = self.client()
        self.redis.kill()
        await self.down(client.call("PING"))
        began = time.monotonic()
        for _ in range(100):
            await self.down(client.call("PING"))
        self.assertLess(time.monotonic() - began, ANSWERED_WITHIN)
        self.redis.start()
        self.assertEqual(await self.back(lambda: client.call("PING")), b"PONG")
        self.assertIsNone(client.trouble)

    async def test_killed(self) -> None:
        """A Redis that dies while it is asked: StoreDown; when it is back, so are we."""
        client = self.client()
        await client.call("PING")
        self.redis.freeze()
        asked = [client.call("GET", "k") for _ in range(20)]
        await pause(0.05)
        self.redis.kill()
        for waiting in asked:
            await self.down(waiting)
        self.redis.start()
        await self.back(lambda: client.call("PING"))

    async def test_restarted_between_two_questions(self) -> None:
        """A Redis that was restarted while nobody asked is connected to anew, and nobody notices."""
        client = self.client()
        await client.call("PING")
        self.redis.kill()
        self.redis.start()
        await pause(0.5)
        self.assertEqual(await client.call("PING"), b"PONG")

    async def test_frozen(self) -> None:
        """A Redis that says nothing more (SIGSTOP): StoreDown within a second, then at once; it is used again when it goes on."""
        client = self.client()
        await client.call("PING")
        self.redis.freeze()
        await gatherResults([Deferred.fromCoroutine(self.down(client.call("GET", "k"))) for _ in range(50)])
        began = time.monotonic()
        await self.down(client.call("GET", "k"))
        self.assertLess(time.monotonic() - began, 0.5)
        await pause(1)
        self.redis.thaw()
        await self.back(lambda: client.call("GET", "k"))

    async def test_late_replies_are_nobodys(self) -> None:
        """The reply to a question that was given up is never taken for the reply to another one."""
        client = self.client()
        await client.call("SET", "old", "old")
        await client.call("SET", "new", "new")
        self.redis.freeze()
        await self.down(client.call("GET", "old"))
        self.redis.thaw()
        self.assertEqual(await self.back(lambda: client.call("GET", "new")), b"new")

    async def test_no_redis(self) -> None:
        """Something else on that port is told as such, and no traceback."""
        from twisted.internet.protocol import Factory, Protocol

        class Web(Protocol):
            def connectionMade(self) -> None:
                self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")  # type: ignore[union-attr]

        port = reactor.listenTCP(0, Factory.forProtocol(Web), interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(port.stopListening)
        client = self.client(f"redis://127.0.0.1:{port.getHost().port}")
        self.assertIn("no Redis", await self.down(client.call("PING")))
        await client.stop()

    async def test_stop(self) -> None:
        """After the end nobody is asked any more."""
        client = self.client()
        await client.call("PING")
        await client.stop()
        await self.down(client.call("PING"))


class AclTests(RedisCase):
    options: ClassVar[dict[str, str]] = {"requirepass": "open-sesame"}

    async def test_passwords_and_users(self) -> None:
        """A password, and an ACL user with theirs; a wrong one is told without being shown."""
        good = f"redis://:open-sesame@127.0.0.1:{self.redis.port}"
        await self.client(good).call("ACL", "SETUSER", "mesh", "on", ">p@ss/word", "~meshproxy:*", "+@all")
        mesh = self.client(f"redis://mesh:p%40ss%2Fword@127.0.0.1:{self.redis.port}")
        await mesh.call("SET", "meshproxy:k", "v")
        self.assertIn("may not", await self.down(mesh.call("SET", "other", "v")))
        for url, said in ((f"redis://:wrong-word@127.0.0.1:{self.redis.port}", "password"), (self.redis.url, "password")):
            client = self.client(url)
            told = await self.down(client.call("PING"))
            self.assertIn(said, told)
            self.assertNotIn("wrong-word", told + repr(client) + str(client.trouble))


class DocumentedAclTests(RedisCase):
    async def test_it_is_enough(self) -> None:
        """The ACL user that the documentation names may do everything that meshproxy does."""
        self.redis.say("ACL", "SETUSER", "mesh", "on", ">pw", "~meshproxy:*", "+@all", "-@admin", "-@dangerous")
        url = f"redis://mesh:pw@127.0.0.1:{self.redis.port}/0"
        store = make(RedisStore, {"redis_url": url}, given=context(reactor=reactor))
        state = RedisState(reactor, RedisClient(reactor, url))
        self.addCleanup(store.stop)
        self.addCleanup(state.stop)
        now = time.time()
        for version in (0, 1):
            self.assertTrue(await store.save("a", b"v", now + 60, (f"t{version}",), version))
        self.assertEqual((await store.load("a"), await store.find(), await store.find("t1")), ((b"v", 2), ["a"], ["a"]))
        await store.unlock("a", await store.lock("a", 5) or "")
        await store.delete("a")
        await state.revoke("id:x", Revocation(now, now + 60, "logout"))
        self.assertTrue(await state.add_once("t", now + 60))
        await state.put("n", b"v", now + 60)
        self.assertEqual((await state.get("n"), await state.count("c", 60)), (b"v", 1))
        await state.forget_count("c")
        await state.unlock("l", await state.lock("l", 5) or "")


class TlsTests(RedisCase):
    def setUp(self) -> None:
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        authority = Authority(directory)
        self.ca_file = authority.ca_file
        certificate, key = authority.issue("localhost")
        (self.tls_port,) = free_ports(1)
        options = {"tls_port": str(self.tls_port), "tls_cert_file": str(certificate), "tls_key_file": str(key),
                   "tls_ca_cert_file": str(self.ca_file), "tls_auth_clients": "no"}  # fmt: skip
        self.redis = RedisServer(**options)
        self.addCleanup(self.redis.close)

    async def test_tls(self) -> None:
        """``rediss://`` with the right CA; another CA is a clear trouble."""
        url = f"rediss://localhost:{self.tls_port}"
        self.assertEqual(await self.client(url, ca_file=self.ca_file).call("PING"), b"PONG")
        await self.down(self.client(url).call("PING"))


class StoreConformanceTests(SessionStoreConformance, RedisCase):
    """The Redis store keeps every promise of a session store."""

    def make_store(self) -> RedisStore:
        return make(RedisStore, {"redis_url": self.redis.url}, given=context(reactor=reactor))

    def now(self) -> float:
        return time.time()

    def advance(self, seconds: float) -> Deferred[None]:
        return pause(seconds + 0.05)


class SharedStateTests(RedisCase):
    def state(self) -> RedisState:
        state = RedisState(reactor, RedisClient(reactor, self.redis.url))
        self.addCleanup(state.stop)
        return state

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait until it is so."""
        for _ in range(200):
            if fact():
                return
            await pause(0.05)
        self.fail("it never came")

    async def test_once(self) -> None:
        """Of twenty at two replicas one gets it."""
        states = [self.state(), self.state()]
        asked = [Deferred.fromCoroutine(state.add_once("ticket", time.time() + 60)) for state in states for _ in range(10)]
        self.assertEqual(sum(await gatherResults(asked)), 1)
        self.assertTrue(await states[0].add_once("short", time.time() + 0.2))
        await pause(0.4)
        self.assertTrue(await states[1].add_once("short", time.time() + 60))

    async def test_revocations_travel(self) -> None:
        """What one replica revokes the other knows a moment later, and one that starts afterwards as well."""
        here, there = self.state(), self.state()
        await self.until(lambda: here.ready() is None and there.ready() is None)
        told: list[str] = []
        there.watch(lambda name, revocation: told.append(name))
        now = time.time()
        await here.revoke("id:x", Revocation(now, now + 60, "logout"))
        await here.revoke("id:short", Revocation(now, now + 1, "logout"))
        self.assertIsNotNone(here.revocation("id:x"))
        await self.until(lambda: there.revocation("id:x") is not None)
        self.assertEqual((there.revocation("id:x"), sorted(told)), (Revocation(now, now + 60, "logout"), ["id:short", "id:x"]))
        late = self.state()
        await self.until(lambda: late.revocation("id:x") is not None)
        await pause(1.2)
        await here.revoke("id:y", Revocation(now, now + 60, "logout"))
        self.assertEqual(self.redis.say("ZCARD", "meshproxy:revoked"), b":2\r\n")

    async def test_an_outage(self) -> None:
        """What is revoked while Redis is down holds here at once, and elsewhere when it is back."""
        here, there = self.state(), self.state()
        await self.until(lambda: here.ready() is None and there.ready() is None)
        self.redis.kill()
        now = time.time()
        await self.down(here.revoke("id:x", Revocation(now, now + 60, "logout")))
        await self.down(here.add_once("ticket", now + 60))
        self.assertIsNotNone(here.revocation("id:x"))
        self.assertIn("down" if here.ready() is None else "Redis", here.ready() or "")
        self.redis.start()
        await self.until(lambda: there.revocation("id:x") is not None)
        await self.until(lambda: here.ready() is None)

    async def test_locks_counts_notes(self) -> None:
        """They hold over replicas."""
        one, two = self.state(), self.state()
        token = await one.lock("k", 30)
        self.assertIsNone(await two.lock("k", 30))
        await two.unlock("k", "not mine")
        self.assertIsNone(await two.lock("k", 30))
        await one.unlock("k", token or "")
        self.assertIsNotNone(await two.lock("k", 30))
        self.assertEqual([await state.count("c", 0.3) for state in (one, two, one)], [1, 2, 3])
        await pause(0.5)
        self.assertEqual(await one.count("c", 60), 1)
        await two.forget_count("c")
        self.assertEqual(await one.count("c", 60), 1)
        await one.put("n", b"\x00note", time.time() + 60)
        self.assertEqual(await two.get("n"), b"\x00note")

    async def test_strange_entries(self) -> None:
        """What somebody else wrote there harms nothing."""
        self.redis.say("ZADD", "meshproxy:revoked", "1", "no json")
        state = self.state()
        await self.until(lambda: state.ready() is None)


class Replicas(RedisCase):
    """Whole deployments over one Redis, on real time."""

    def replica(self, *, stored: bool, provider: Any = None, **session: Any) -> Sessions:
        settings = replace(Deployment().settings, session=replace(Deployment().settings.session, **session))
        shared = RedisState(reactor, RedisClient(reactor, self.redis.url))
        self.addCleanup(shared.stop)
        store = make(RedisStore, {"redis_url": self.redis.url}, given=context(reactor=reactor)) if stored else None
        if store is not None:
            self.addCleanup(store.stop)
        return Sessions(settings, keys=KEYS, store=store, shared=shared, providers={"corp": provider or object()}, clock=reactor)

    async def log_in(self, sessions: Sessions, **more: Any) -> bytes:
        """A login; the Cookie value from then on."""
        started = await sessions.start(SignedIn(ALICE, **more), "corp", HOST, time.time())
        return b"; ".join(line.partition(b";")[0] for line in started.set_cookies)

    async def load(self, sessions: Sessions, cookie: bytes) -> Any:
        """What a request with these cookies finds, by whichever way."""
        found = sessions.recall(cookie, HOST, time.time()) or sessions.load(cookie, HOST, time.time())
        return (await found if isinstance(found, Deferred) else found).session


class SessionTests(Replicas):
    async def test_another_replica_knows(self) -> None:
        """Who logged in at one replica is known at the other; who logged out is not, within a moment."""
        here, there = self.replica(stored=True), self.replica(stored=True)
        cookie = await self.log_in(here)
        live, other = await self.load(here, cookie), await self.load(there, cookie)
        self.assertEqual((live.principal, other.principal), (ALICE, ALICE))
        await here.end(live, "logout", time.time())
        await pause(1.2)
        self.assertIsNone(await self.load(there, cookie))
        self.assertNotEqual(other.ended, "")

    async def test_a_cookie_session_ends_everywhere(self) -> None:
        """With the cookie store a logout at one replica counts at the other two seconds later."""
        here, there = self.replica(stored=False), self.replica(stored=False)
        cookie = await self.log_in(here)
        live, other = await self.load(here, cookie), await self.load(there, cookie)
        await here.end(live, "logout", time.time())
        await pause(2)
        self.assertEqual(other.ended, "logout")
        self.assertIsNone(await self.load(there, cookie))

    async def test_killed_and_frozen(self) -> None:
        """Redis killed, or frozen: requests with a session get StoreDown within a second, no cookie is touched, and all goes on after."""
        sessions = self.replica(stored=True)
        cookie = await self.log_in(sessions)
        live = await self.load(sessions, cookie)
        for stop, go_on in ((self.redis.freeze, self.redis.thaw), (self.redis.kill, self.redis.start)):
            stop()
            await pause(1.2)
            for _ in range(3):
                await self.down(self.load(sessions, cookie))
            self.assertEqual(live.ended, "")
            self.assertIsNotNone(sessions.ready())
            go_on()
            found = await self.back(lambda: self.load(sessions, cookie))
            if stop == self.redis.freeze:
                self.assertIsNotNone(found)

    async def test_flushall(self) -> None:
        """When Redis forgets everything everybody logs in once, and stays logged in then."""
        sessions = self.replica(stored=True)
        cookie = await self.log_in(sessions)
        self.assertIsNotNone(await self.load(sessions, cookie))
        self.redis.say("FLUSHALL")
        await pause(1.2)
        self.assertIsNone(await self.load(sessions, cookie))
        cookie = await self.log_in(sessions)
        await pause(1.2)
        self.assertIsNotNone(await self.load(sessions, cookie))

    async def test_read_only(self) -> None:
        """A Redis that became a read-only replica: who is logged in goes on, new logins are StoreDown; recovery within two seconds."""
        sessions = self.replica(stored=True)
        cookie = await self.log_in(sessions)
        self.redis.say("REPLICAOF", "127.0.0.1", "1")
        await pause(1.2)
        self.assertIn("read-only", await self.down(self.log_in(sessions)))
        self.assertIsNotNone(await self.back(lambda: self.load(sessions, cookie)))
        self.redis.say("REPLICAOF", "NO", "ONE")
        await self.back(lambda: self.log_in(sessions))

    async def test_full(self) -> None:
        """A Redis that is full: who is logged in goes on, new logins are StoreDown; recovery when there is room."""
        sessions = self.replica(stored=True)
        cookie = await self.log_in(sessions)
        self.redis.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.redis.say("CONFIG", "SET", "maxmemory", "1")
        await pause(1.2)
        self.assertIn("out of memory", await self.down(self.log_in(sessions)))
        self.assertIsNotNone(await self.load(sessions, cookie))
        self.redis.say("CONFIG", "SET", "maxmemory", "0")
        await self.back(lambda: self.log_in(sessions))

    async def test_fifty_refreshes_at_two_replicas(self) -> None:
        """Fifty requests at expiry over two replicas, a rotating refresh token and reuse detection: one token call, all succeed."""
        for stored in (True, False):
            used: list[str] = []

            class Provider:
                async def renew(self, signed_in: SignedIn, used: list[str] = used) -> SignedIn:
                    assert signed_in.tokens is not None and signed_in.tokens.refresh is not None
                    if signed_in.tokens.refresh in used:
                        raise SessionOver("used before")
                    used.append(signed_in.tokens.refresh)
                    await pause(0.3)
                    return replace(signed_in, tokens=tokens("refresh-2", time.time() + 3600, "access-2"))

            replicas = [self.replica(stored=stored, provider=Provider()) for _ in range(2)]
            cookie = await self.log_in(replicas[0], tokens=tokens(expires_at=time.time() + 0.5))
            lives = [await self.load(replica, cookie) for replica in replicas]
            await pause(0.5)
            waiting = [replica.refreshed(live, time.time()) for _ in range(25) for replica, live in zip(replicas, lives, strict=True)]
            await gatherResults([deferred for deferred in waiting if deferred is not None])
            self.assertEqual((used, [live.ended for live in lives]), (["refresh-1"], ["", ""]), stored)
            self.assertEqual([live.signed_in.tokens.access for live in lives], ["access-2", "access-2"])
