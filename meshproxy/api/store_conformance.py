"""Does a session store keep its promises? One suite that every store runs: meshproxy's own and other people's.

A test case mixes it in and says how to make a store and how time passes::

    class MyStoreTests(SessionStoreConformance, twisted.trial.unittest.TestCase):
        def make_store(self): return MyStore(…)              # waits; fresh and empty
        def now(self): return self.clock.seconds()
        def advance(self, seconds): self.clock.advance(seconds)   # waits: a store on real time really sleeps

Times are whole seconds, so that a suite on real time stays short and does not flicker.
"""

from __future__ import annotations

import inspect
from typing import Any

from twisted.internet.defer import Deferred, gatherResults


async def waited(value: Any) -> Any:
    """The value itself, or what its coroutine or Deferred comes to: what "waits" means in :mod:`meshproxy.api`."""
    return await value if inspect.isawaitable(value) else value


class SessionStoreConformance:
    """The promises of :class:`meshproxy.api.ISessionStore`, one a test."""

    store: Any
    assertEqual: Any
    assertTrue: Any
    assertFalse: Any
    assertIsNone: Any
    assertIsNotNone: Any
    assertNotEqual: Any
    addCleanup: Any

    def make_store(self) -> Any:
        """A fresh, empty store (waits)."""
        raise NotImplementedError

    def now(self) -> float:
        """Seconds since the epoch, as the store sees them."""
        raise NotImplementedError

    def advance(self, seconds: float) -> Any:
        """Let time pass (waits)."""
        raise NotImplementedError

    async def _begin(self) -> None:
        self.store = await waited(self.make_store())
        stop = getattr(self.store, "stop", None)
        if stop is not None:
            self.addCleanup(stop)

    async def _save(self, key: str, value: bytes = b"v", *, lifetime: float = 60.0, tags: Any = (), if_version: int | None = None) -> Any:
        return await waited(self.store.save(key, value, self.now() + lifetime, tags, if_version))

    async def _load(self, key: str) -> Any:
        return await waited(self.store.load(key))

    async def _find(self, tag: str | None = None) -> list[str]:
        return sorted(await waited(self.store.find(tag)))

    async def test_unknown_key(self) -> None:
        """What was never saved is ``None``; deleting it is no error."""
        await self._begin()
        self.assertIsNone(await self._load("nothing"))
        await waited(self.store.delete("nothing"))
        self.assertEqual(await self._find(), [])

    async def test_save_then_load(self) -> None:
        """A value comes back as it was, with version 1; the next write makes it 2."""
        await self._begin()
        self.assertTrue(await self._save("a", b"one"))
        self.assertEqual(tuple(await self._load("a")), (b"one", 1))
        self.assertTrue(await self._save("a", b"two"))
        self.assertEqual(tuple(await self._load("a")), (b"two", 2))

    async def test_any_bytes(self) -> None:
        """Values are bytes: every byte, nothing at all, 200 KiB."""
        await self._begin()
        for number, value in enumerate((bytes(range(256)), b"", b"\r\n\0\xff" * 50_000)):
            await self._save(f"k{number}", value)
            self.assertEqual(tuple(await self._load(f"k{number}")), (value, 1))

    async def test_keys_are_apart(self) -> None:
        """One key's value and deletion do not touch another's."""
        await self._begin()
        await self._save("a", b"one")
        await self._save("ab", b"two")
        await waited(self.store.delete("a"))
        self.assertIsNone(await self._load("a"))
        self.assertEqual(tuple(await self._load("ab")), (b"two", 1))

    async def test_if_version(self) -> None:
        """With ``if_version`` only that version is replaced; otherwise nothing changes and the answer is false."""
        await self._begin()
        await self._save("a", b"one")
        self.assertTrue(await self._save("a", b"two", if_version=1))
        self.assertFalse(await self._save("a", b"three", if_version=1))
        self.assertFalse(await self._save("a", b"three", if_version=3))
        self.assertEqual(tuple(await self._load("a")), (b"two", 2))

    async def test_if_version_zero(self) -> None:
        """Version 0 means: only if there is none."""
        await self._begin()
        self.assertFalse(await self._save("a", b"x", if_version=1))
        self.assertIsNone(await self._load("a"))
        self.assertTrue(await self._save("a", b"one", if_version=0))
        self.assertFalse(await self._save("a", b"two", if_version=0))
        self.assertEqual(tuple(await self._load("a")), (b"one", 1))

    async def test_one_writer_wins(self) -> None:
        """Of twenty writers at once that all saw version 1, exactly one writes."""
        await self._begin()
        await self._save("a", b"old")
        writers = [Deferred.fromCoroutine(self._save("a", b"%d" % number, if_version=1)) for number in range(20)]
        results = await gatherResults(writers, consumeErrors=True)
        self.assertEqual(sum(map(bool, results)), 1)
        value, version = await self._load("a")
        self.assertEqual((value, version), (b"%d" % [bool(result) for result in results].index(True), 2))

    async def test_expiry(self) -> None:
        """After ``expires_at`` it is gone: not loaded, not found, and free for ``if_version`` 0."""
        await self._begin()
        await self._save("a", lifetime=2, tags=("t",))
        await self._save("b", lifetime=60, tags=("t",))
        await waited(self.advance(3))
        self.assertIsNone(await self._load("a"))
        self.assertEqual((await self._find("t"), await self._find()), (["b"], ["b"]))
        self.assertTrue(await self._save("a", if_version=0))

    async def test_later_expiry(self) -> None:
        """A save sets the end anew: longer, or shorter."""
        await self._begin()
        await self._save("longer", lifetime=2)
        await self._save("longer", lifetime=60)
        await self._save("shorter", lifetime=60)
        await self._save("shorter", lifetime=2)
        await waited(self.advance(3))
        self.assertIsNotNone(await self._load("longer"))
        self.assertIsNone(await self._load("shorter"))

    async def test_find_by_tag(self) -> None:
        """A tag finds every key that carries it and no other; no tag finds all."""
        await self._begin()
        await self._save("a", tags=("sub:alice", "sid:1"))
        await self._save("b", tags=["sub:alice"])
        await self._save("c", tags={"sub:bob"})
        self.assertEqual(await self._find("sub:alice"), ["a", "b"])
        self.assertEqual(await self._find("sid:1"), ["a"])
        self.assertEqual(await self._find("sub:"), [])
        self.assertEqual(await self._find(), ["a", "b", "c"])

    async def test_tags_follow_the_value(self) -> None:
        """A save replaces the tags, a delete ends them; a save that was not done changes none."""
        await self._begin()
        await self._save("a", tags=("old",))
        await self._save("a", tags=("refused",), if_version=9)
        self.assertEqual((await self._find("old"), await self._find("refused")), (["a"], []))
        await self._save("a", tags=("new",))
        self.assertEqual((await self._find("old"), await self._find("new")), ([], ["a"]))
        await waited(self.store.delete("a"))
        self.assertEqual(await self._find("new"), [])

    async def test_lock_is_exclusive(self) -> None:
        """While one holds the lock nobody gets it, of that key; given back, the next one does, with another token."""
        await self._begin()
        token = await waited(self.store.lock("a", 30))
        self.assertTrue(token)
        self.assertIsNone(await waited(self.store.lock("a", 30)))
        self.assertTrue(await waited(self.store.lock("b", 30)))
        await waited(self.store.unlock("a", token))
        second = await waited(self.store.lock("a", 30))
        self.assertTrue(second)
        self.assertNotEqual(token, second)

    async def test_one_gets_the_lock(self) -> None:
        """Of twenty at once exactly one gets it."""
        await self._begin()
        tries = [Deferred.fromCoroutine(waited(self.store.lock("a", 30))) for _ in range(20)]
        tokens = await gatherResults(tries, consumeErrors=True)
        self.assertEqual(len([token for token in tokens if token]), 1)

    async def test_lock_lapses(self) -> None:
        """A lease that is over frees the lock; its late holder cannot give back the next one's."""
        await self._begin()
        first = await waited(self.store.lock("a", 2))
        await waited(self.advance(3))
        second = await waited(self.store.lock("a", 30))
        self.assertTrue(second)
        await waited(self.store.unlock("a", first))
        self.assertIsNone(await waited(self.store.lock("a", 30)))

    async def test_lock_is_no_value(self) -> None:
        """A lock of a key is apart from its value: neither is found by the other."""
        await self._begin()
        token = await waited(self.store.lock("a", 30))
        self.assertIsNone(await self._load("a"))
        self.assertEqual(await self._find(), [])
        self.assertTrue(await self._save("a", if_version=0))
        await waited(self.store.unlock("a", token))
        self.assertIsNotNone(await self._load("a"))
