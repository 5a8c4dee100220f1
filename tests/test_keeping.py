"""meshproxy.sessions.keeping"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.core.envelope import KeyRing
from meshproxy.core.places import Origin
from meshproxy.core.principal import Tokens
from meshproxy.core.session import SessionRecord
from meshproxy.core.session_codec import Reference
from meshproxy.sessions.cookies import SessionCookies
from meshproxy.sessions.keeping import CookieKeeping, SessionTooBig, StoreKeeping
from meshproxy.sessions.names import handle_of, principal_tag

from .support.sessions import ALICE, HOST, KEYS, START, Store, record, result_of, tokens

COOKIES = SessionCookies(Origin("https", HOST, 443))
SECRET = bytes(range(32))


def ours(values: list[bytes]) -> dict[bytes, list[bytes]]:
    names = (COOKIES.name, COOKIES.name + b".1", COOKIES.name + b".2")
    return {name: [value] for name, value in zip(names, values, strict=False)}


def noise(size: int) -> str:
    return os.urandom(size // 2).hex()


class CookieKeepingTests(SynchronousTestCase):
    def keeping(self, *needed: str) -> CookieKeeping:
        return CookieKeeping(KEYS, COOKIES, os.urandom, needed)

    def test_there_and_back(self) -> None:
        """The cookies hold the whole session."""
        kept = record(tokens=tokens(), version=3)
        written, values = self.keeping().write(kept)
        self.assertIs(written, kept)
        self.assertEqual(self.keeping().read(ours(values)), (kept, len(values)))

    def test_too_big_for_three_cookies(self) -> None:
        """What nobody needs is left out, in words in the log; what rewriters need is not: a session that does not fit then is an error."""
        big = record(tokens=Tokens(noise(8000), noise(12000), "refresh", START))
        written, values = self.keeping("access").write(big)
        assert written.tokens is not None
        self.assertEqual((written.tokens.id, written.tokens.access, written.tokens.refresh), (None, big.tokens.access, "refresh"))
        self.assertLessEqual(len(values), 3)
        error = self.assertRaises(SessionTooBig, self.keeping("id", "access").write, big)
        self.assertIn('store = "redis"', error.reason)
        self.assertNotIn(big.tokens.access[:20], error.reason + error.message)

    def test_a_monstrous_session(self) -> None:
        """More than 64 KiB of groups is the same clear error."""
        groups = tuple(noise(40) for _ in range(2000))
        self.assertRaises(SessionTooBig, self.keeping().write, record(principal=replace(ALICE, groups=groups)))

    def test_two_hundred_groups(self) -> None:
        """Two hundred group ids, in the principal and in its claims, fit into cookies."""
        groups = tuple(f"{noise(8)}-{noise(4)}-{noise(4)}-{noise(4)}-{noise(12)}" for _ in range(200))
        kept = record(principal=replace(ALICE, groups=groups, claims={"groups": list(groups)}))
        written, values = self.keeping().write(kept)
        self.assertEqual(written.principal.groups, groups)
        self.assertEqual(self.keeping().read(ours(values)), (written, len(values)))


class StoreKeepingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.store = Store(self.clock)
        self.keeping = StoreKeeping(KEYS, COOKIES, os.urandom, self.store)
        self.record = record(tokens=tokens())
        self.handle = handle_of(self.record.id)

    def save(self, kept: SessionRecord | None = None, if_version: int = 0) -> SessionRecord | None:
        saved: SessionRecord | None = result_of(self.keeping.save(kept or self.record, SECRET, START + 100, if_version))
        return saved

    def load(self, secret: bytes = SECRET) -> SessionRecord | None:
        loaded: SessionRecord | None = result_of(self.keeping.load(self.record.id, secret))
        return loaded

    def test_there_and_back(self) -> None:
        """A stored session comes back with the store's version; the cookie holds the reference alone."""
        self.assertEqual(self.save(), replace(self.record, version=1))
        self.assertEqual(self.load(), replace(self.record, version=1))
        reference = Reference(self.record.id, SECRET, HOST, START)
        values = self.keeping.write(reference)
        self.assertEqual((self.keeping.read(ours(values)), len(values), len(values[0]) < 400), ((reference, 1), 1, True))

    def test_the_store_cannot_read_it(self) -> None:
        """Whoever has the store, and the deployment's keys too, reads who is logged in, and no token."""
        self.save()
        value = self.store.load(self.handle)[0]
        for secret in (b"access-1", b"refresh-1", self.record.id.encode(), b"alice"):
            self.assertNotIn(secret, value)
        self.assertIsNone(self.load(bytes(32)))
        summary = result_of(self.keeping.summary(self.handle))
        self.assertEqual((summary.subject, summary.started_at, summary.expires_at), ("alice", START, START + 100))
        self.flushLoggedErrors()

    def test_values_cannot_be_swapped(self) -> None:
        """Whoever may write to the store cannot put one person's session in the place of another's."""
        self.save()
        other = replace(self.record, id="o" * 43)
        self.save(other)
        self.store.save(self.handle, self.store.load(handle_of(other.id))[0], START + 100, ())
        self.assertIsNone(self.load())

    def test_damaged(self) -> None:
        """A value that is no session of ours is none."""
        for value in (b"", b"\n", b"x\ny", b"\xff" * 100):
            self.store.save(self.handle, value, START + 100, ())
            self.assertIsNone(self.load(), value)
            self.assertIsNone(result_of(self.keeping.summary(self.handle)), value)

    def test_compare_and_set(self) -> None:
        """Only who knows the version that stands there writes over it."""
        self.save()
        self.assertIsNone(self.save(if_version=0))
        self.assertIsNone(self.save(if_version=2))
        saved = self.save(if_version=1)
        assert saved is not None
        self.assertEqual(saved.version, 2)

    def test_a_version_that_is_known_is_not_opened_again(self) -> None:
        """Where the store has what the process has, nothing is decrypted."""
        known = self.save()
        self.assertIs(result_of(self.keeping.load(self.record.id, bytes(32), known)), known)

    def test_tags(self) -> None:
        """A stored session is found by its person."""
        self.save()
        self.assertEqual(result_of(self.keeping.find(principal_tag("https://idp.example", "alice"))), [self.handle])
        self.assertEqual(result_of(self.keeping.find(None)), [self.handle])
        result_of(self.keeping.delete(self.handle))
        self.assertEqual(result_of(self.keeping.find(None)), [])

    def test_locks(self) -> None:
        """One process refreshes a session at a time."""
        token = result_of(self.keeping.lock(self.handle, 10))
        self.assertIsNone(result_of(self.keeping.lock(self.handle, 10)))
        result_of(self.keeping.unlock(self.handle, token))
        self.assertIsNotNone(result_of(self.keeping.lock(self.handle, 10)))

    def test_too_big(self) -> None:
        """A session that a store cannot keep either is a clear error."""
        groups = tuple(noise(40) for _ in range(2000))
        self.assertRaises(SessionTooBig, self.save, replace(self.record, principal=replace(ALICE, groups=groups)))

    def test_outages(self) -> None:
        """A store that is down is StoreDown, and trouble until it answers again."""
        self.store.down = True
        self.assertRaises(StoreDown, self.load)
        self.assertEqual(self.keeping.trouble, "nobody answers")
        self.store.down = False
        self.load()
        self.assertIsNone(self.keeping.trouble)

    def test_a_store_that_breaks(self) -> None:
        """Whatever a store raises counts as StoreDown, with its traceback in the log; it may answer at once, later, or by a coroutine."""

        class Broken:
            def load(self, key: str) -> Any:
                raise KeyError("a fault of its own")

            async def find(self, tag: str | None) -> list[str]:
                return ["a"]

            def delete(self, key: str) -> Deferred[None]:
                failed: Deferred[None] = Deferred()
                failed.errback(ZeroDivisionError())
                return failed

        keeping = StoreKeeping(KeyRing((SECRET,)), COOKIES, os.urandom, Broken())
        self.assertRaises(StoreDown, result_of, keeping.load("x", SECRET))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertRaises(StoreDown, result_of, keeping.delete("x"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(result_of(keeping.find(None)), ["a"])
