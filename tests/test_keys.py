"""The key cache: how long keys are kept, when an unknown one makes us look, and what happens while the provider is down."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from meshproxy.core.jws import DEFAULT_ALGORITHMS, TokenInvalid, UnknownKey, WrongSignature, parse, verified
from meshproxy.core.signing_keys import SigningKeys
from meshproxy.identity.backchannel import BackChannelError
from meshproxy.identity.keys import KeyCache, fresh_for

from .support.signing import ec, published, rsa, sign


class KeyCacheTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.published: Any = published(rsa("one"))
        self.headers: dict[str, list[str]] = {}
        self.fetches = 0
        self.cache = KeyCache(self.fetch, self.clock)
        self.addCleanup(self.cache.stop)

    async def fetch(self) -> tuple[Any, Headers]:
        self.fetches += 1
        if isinstance(self.published, Exception):
            raise self.published
        return self.published, Headers(self.headers)

    def check(self, raw: str) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.cache.checked(lambda keys: verified(parse(raw), keys, DEFAULT_ALGORITHMS).kid))

    def test_once(self) -> None:
        """Keys are fetched once for many tokens."""
        for _ in range(3):
            self.assertEqual(self.successResultOf(self.check(sign({}, rsa("one")))), "one")
        self.assertEqual(self.fetches, 1)

    def test_rotation(self) -> None:
        """An unknown key makes us look at once; both keys count from then on."""
        self.successResultOf(self.check(sign({}, rsa("one"))))
        self.published = published(rsa("one"), ec("two"))
        self.assertEqual(self.successResultOf(self.check(sign({}, ec("two"), "ES256"))), "two")
        self.assertEqual(self.fetches, 2)

    def test_new_key_under_the_old_name(self) -> None:
        """A provider that changes a key and keeps its name is looked at as well; a forger makes us look once in half a minute."""
        self.successResultOf(self.check(sign({}, rsa("one"))))
        renamed = published(rsa("two"))
        renamed["keys"][0]["kid"] = "one"
        self.published = renamed
        self.assertEqual(self.successResultOf(self.check(sign({}, rsa("two"), kid="one"))), "one")
        for _ in range(10):
            self.failureResultOf(self.check(sign({}, rsa("forger"), kid="one")), WrongSignature)
        self.assertEqual(self.fetches, 2)

    def test_unknown_names_are_remembered(self) -> None:
        """A name that was looked for in vain is refused for a minute without looking; another one for half a minute."""
        self.successResultOf(self.check(sign({}, rsa("one"))))
        invented = sign({}, rsa("one"), kid="invented")
        self.failureResultOf(self.check(invented), UnknownKey)
        self.assertEqual(self.fetches, 2)
        for advance, raw, fetches in (
            (29, sign({}, rsa("one"), kid="another"), 2),
            (2, invented, 2),
            (0, sign({}, rsa("one"), kid="another"), 3),
            (30, invented, 4),
        ):
            self.clock.advance(advance)
            self.failureResultOf(self.check(raw), UnknownKey)
            self.assertEqual(self.fetches, fetches, (advance, raw[:30]))

    def test_flood(self) -> None:
        """A thousand invented names cost one fetch and bounded memory."""
        self.successResultOf(self.check(sign({}, rsa("one"))))
        for number in range(1000):
            self.failureResultOf(self.check(sign({}, rsa("one"), kid=f"invented-{number}")), UnknownKey)
        self.assertEqual(self.fetches, 2)
        self.assertEqual(self.successResultOf(self.check(sign({}, rsa("one")))), "one")

    def test_outage(self) -> None:
        """While fetches fail the last good keys verify; an unknown key stays unknown and replaces nothing."""
        self.successResultOf(self.check(sign({}, rsa("one"))))
        self.published = BackChannelError("connect", "down")
        self.clock.advance(3601)
        self.assertEqual(self.successResultOf(self.check(sign({}, rsa("one")))), "one")
        self.failureResultOf(self.check(sign({}, ec("two"), "ES256")), UnknownKey)
        self.clock.advance(23 * 3600)
        self.assertEqual(self.successResultOf(self.check(sign({}, rsa("one")))), "one")
        self.clock.advance(2 * 3600)
        self.failureResultOf(self.check(sign({}, rsa("one"))), BackChannelError)

    def test_useless_sets(self) -> None:
        """A set without a usable key, or none at all, never replaces a good one."""
        self.successResultOf(self.check(sign({}, rsa("one"))))
        for useless in ({"keys": []}, {"keys": [{"kty": "oct", "k": "AAAA"}]}, {}, [], "keys"):
            self.published = useless
            self.clock.advance(3700)
            self.assertEqual(self.successResultOf(self.check(sign({}, rsa("one")))), "one")

    def test_without_waiting(self) -> None:
        """Known keys answer at once; None where it is worth waiting; the error where it is not."""

        def check(keys: SigningKeys) -> Any:
            return verified(parse(raw), keys, DEFAULT_ALGORITHMS).kid

        raw = sign({}, rsa("one"))
        self.assertIsNone(self.cache.checked_now(check))
        self.successResultOf(self.check(raw))
        self.assertEqual(self.cache.checked_now(check), "one")
        raw = sign({}, rsa("one"), kid="invented")
        self.assertIsNone(self.cache.checked_now(check))
        self.failureResultOf(self.check(raw), UnknownKey)
        self.assertRaises(UnknownKey, self.cache.checked_now, check)
        raw = sign({}, rsa("stranger"), kid="one")
        self.assertEqual(self.assertRaises(TokenInvalid, self.cache.checked_now, check).check, "signature")

    def test_fresh_for(self) -> None:
        """max-age within five minutes and an hour; an hour where nothing, or nothing sensible, is said."""
        for line, seconds in (
            ("max-age=600", 600),
            ("public, max-age=1200, must-revalidate", 1200),
            ("max-age=5", 300),
            ("no-store", 3600),
            ("max-age=999999", 3600),
            ('MAX-AGE = "900"', 900),
            ("x-max-age=400", 3600),
            ("max-age=-1", 3600),
            ("max-age=99999999999999999999", 3600),
            ("s-maxage=400", 3600),
        ):
            self.assertEqual(fresh_for(Headers({"cache-control": [line]})), seconds, line)
        self.assertEqual(fresh_for(Headers()), 3600)
