"""meshproxy.sessions.refreshing"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ProviderDown, SessionOver
from meshproxy.core.principal import SignedIn, Tokens
from meshproxy.sessions.live import NEVER, LiveSession
from meshproxy.sessions.refreshing import renewed

from .support.sessions import ALICE, BOB, HOST, OTHER, START, Browser, Deployment, Tunnel, record, result_of, tokens


class Rotating:
    """What a token endpoint with rotation and reuse detection does: a refresh token is good once, and never again."""

    def __init__(self, house: Deployment) -> None:
        self.house = house
        self.used: set[str] = set()
        self.waiting: list[Deferred[None]] = []
        self.slow = False

    def __call__(self, signed_in: SignedIn) -> Any:
        assert signed_in.tokens is not None and signed_in.tokens.refresh is not None
        spent = signed_in.tokens.refresh
        if spent in self.used:
            raise SessionOver("the refresh token was used before")
        self.used.add(spent)
        number = len(self.used) + 1
        result = replace(signed_in, tokens=tokens(f"refresh-{number}", self.house.now + 300, f"access-{number}"))
        if not self.slow:
            return result
        self.waiting.append(Deferred())
        return self.waiting[-1].addCallback(lambda _: result)


class RefreshTests(SynchronousTestCase):
    stored = False

    def setUp(self) -> None:
        self.house = self.deployment()
        self.idp = Rotating(self.house)
        self.house.provider.answer = self.idp
        self.house.log_in(given=tokens())
        self.live = self.current()

    def deployment(self, of: Deployment | None = None) -> Deployment:
        return Deployment(stored=self.stored, of=of)

    def current(self, house: Deployment | None = None, host: str = HOST) -> LiveSession:
        live = (house or self.house).request(host)
        assert live is not None
        return live

    def access(self, live: LiveSession | None = None) -> str | None:
        given = (live or self.live).signed_in.tokens
        return given.access if given else None

    def due(self, house: Deployment | None = None, live: LiveSession | None = None) -> Deferred[None] | None:
        """Ask for a refresh just before the token ends."""
        self.house.clock.advance(max(0.0, START + 290 - self.house.now))
        return (house or self.house).sessions.refreshed(live or self.live, self.house.now)

    def refresh(self) -> None:
        waiting = self.due()
        assert waiting is not None
        self.successResultOf(waiting)

    def test_not_before_it_is_due(self) -> None:
        """While the token has more than a minute left nothing happens."""
        self.house.clock.advance(225)
        self.assertIsNone(self.house.sessions.refreshed(self.live, self.house.now))
        self.assertEqual(self.house.provider.renewals, [])

    def test_new_tokens(self) -> None:
        """The session has the new tokens at once, everything computed is void, it is recorded, and the next refresh comes in its time."""
        self.live.admissions["grafana"] = object()
        self.refresh()
        self.assertEqual((self.access(), self.live.admissions, self.live.epoch), ("access-2", {}, 1))
        self.assertIsNone(self.due())
        self.house.clock.advance(300)
        self.assertIsNotNone(self.due())
        self.assertEqual(self.access(), "access-3")
        self.assertEqual([event for event, _ in self.house.events], ["session.refreshed"] * 2)
        self.assertNotIn("access-", str(self.house.events) + repr(self.live))

    def test_they_last(self) -> None:
        """After the next answer another process knows them, from the browser or from the store."""
        self.refresh()
        self.current()
        other = self.deployment(of=self.house)
        self.assertEqual(self.access(self.current(other)), "access-2")
        self.assertIsNone(self.due(other))

    def test_fifty_at_once(self) -> None:
        """Fifty requests at expiry make one token call, and all go on with the new token."""
        self.idp.slow = True
        waiting = [self.due() for _ in range(50)]
        self.assertEqual(len(self.house.provider.renewals), 1)
        self.idp.waiting.pop().callback(None)
        for deferred in waiting:
            assert deferred is not None
            self.successResultOf(deferred)
        self.assertEqual((self.access(), self.live.ended), ("access-2", ""))

    def test_fifty_at_two_replicas(self) -> None:
        """The same over two replicas: one token call, all succeed; reuse detection finds nothing."""
        other = self.deployment(of=self.house)
        there = self.current(other)
        self.idp.slow = True
        waiting = [self.due(*where) for _ in range(25) for where in ((self.house, self.live), (other, there))]
        self.house.clock.pump([0.1] * 5)
        self.assertEqual(len(self.house.provider.renewals), 1)
        self.idp.waiting.pop().callback(None)
        self.house.clock.pump([0.1] * 5)
        for deferred in waiting:
            assert deferred is not None
            self.successResultOf(deferred)
        self.assertEqual((self.access(), self.access(there), self.live.ended, there.ended), ("access-2", "access-2", "", ""))
        self.assertEqual(len(self.idp.used), 1)

    def test_an_old_cookie_afterwards(self) -> None:
        """Requests that still carry the cookie from before the refresh are the same session, and do not refresh it again."""
        before = self.house.browser.cookie(HOST)
        self.refresh()
        self.current()
        self.house.clock.advance(5)
        live = self.house.recalled(cookie=before).session
        assert live is not None
        self.assertEqual((self.access(live), live.ended), ("access-2", ""))
        self.assertIsNone(self.due())

    def test_the_providers_no(self) -> None:
        """``invalid_grant`` ends the session, its tunnels and its cookie."""
        tunnel = Tunnel()
        self.live.channels.add(tunnel)
        self.house.provider.answer = self.raising(SessionOver("invalid_grant"))
        self.refresh()
        self.assertEqual((self.live.ended, tunnel.ended), ("provider", ["provider"]))
        self.assertIsNone(self.house.request())
        self.assertEqual([fields["reason"] for _, fields in self.house.events], ["provider"])

    def test_trouble_passes(self) -> None:
        """Any other error leaves the session alone; it is tried again, later and later, until it succeeds."""
        for error in (ProviderDown("503"), ValueError("odd"), OSError("refused")):
            self.house.provider.answer = self.raising(error)
            self.refresh()
            self.assertEqual((self.live.ended, self.access(), bool(self.live.refresh_failed)), ("", "access-1", True))
            self.assertIsNone(self.due(), "it waits before it tries again")
            self.house.clock.advance(self.live.refresh_due_at - self.house.now)
        self.assertEqual(self.house.sessions.counts()["refresh_failed"], 3)
        self.house.provider.answer = self.idp
        self.refresh()
        self.assertEqual((self.access(), self.live.refresh_failed, self.live.refresh_failures), ("access-2", "", 0))

    def test_backoff_is_bounded(self) -> None:
        """However long an outage lasts, it is tried at least every minute or so."""
        self.house.provider.answer = self.raising(ProviderDown("down"))
        pauses = []
        for _ in range(12):
            self.refresh()
            pauses.append(self.live.refresh_due_at - self.house.now)
            self.house.clock.advance(pauses[-1])
        self.assertLess(pauses[0], 7)
        self.assertLess(max(pauses), 80)

    def test_a_provider_that_hangs(self) -> None:
        """A provider that never answers is given up after ten seconds; nobody waits longer."""
        self.house.provider.answer = lambda signed_in: Deferred()
        waiting = self.due()
        assert waiting is not None
        self.assertNoResult(waiting)
        self.house.clock.advance(10)
        self.successResultOf(waiting)
        self.assertIn("Timeout", self.live.refresh_failed)
        self.assertEqual(self.live.ended, "")

    def test_another_person(self) -> None:
        """A refresh that brings another subject, or another issuer's, ends the session."""
        for who in (BOB, replace(ALICE, issuer="https://other.example")):
            self.setUp()
            self.house.provider.answer = lambda signed_in, who=who: SignedIn(who, tokens())
            self.refresh()
            self.assertEqual(self.live.ended, "subject changed")
            self.assertIsNone(self.house.request())

    def test_changed_groups(self) -> None:
        """Groups that changed at the provider count at once, on every host."""
        self.house.hand_off()
        child = self.house.request(OTHER)
        self.house.provider.answer = lambda signed_in: SignedIn(replace(ALICE, groups=()), tokens("refresh-2", START + 900))
        self.refresh()
        assert child is not None
        self.assertEqual((self.live.principal.groups, child.principal.groups), ((), ()))

    def test_a_provider_that_cannot(self) -> None:
        """Where the provider has no ``renew`` it is not asked for ever again."""
        self.house.sessions.book.providers = {"corp": object()}
        self.assertIsNone(self.due())
        self.assertEqual(self.live.refresh_due_at, NEVER)

    def test_a_replica_that_died_with_the_lock(self) -> None:
        """A lock whose holder is gone ends by itself; the refresh comes then."""
        if self.house.store is not None:
            self.assertTrue(self.house.store.lock("refresh:" + self.live.handle, 20.0))
        else:
            self.assertTrue(result_of(self.house.shared.lock("refresh:" + self.live.handle, 20.0)))
        waiting = self.due()
        assert waiting is not None
        self.house.clock.pump([0.2] * 105)
        self.successResultOf(waiting)
        self.assertEqual(self.access(), "access-2")

    def test_stop(self) -> None:
        """The process ends while a refresh is under way: who waits goes on, the session lives."""
        self.idp.slow = True
        waiting = self.due()
        assert waiting is not None
        self.house.sessions.stop()
        self.successResultOf(waiting)
        self.assertEqual(self.live.ended, "")

    @staticmethod
    def raising(error: Exception) -> Any:
        def answer(signed_in: SignedIn) -> SignedIn:
            raise error

        return answer


class StoredRefreshTests(RefreshTests):
    """The same with a store."""

    stored = True

    def test_new_tokens_wait_for_the_store(self) -> None:
        """Tokens that came while the store was down are used here, and are stored when it is back: nothing rotated is lost."""
        store = self.house.store
        assert store is not None
        self.house.clock.advance(290)
        self.current()

        def down_meanwhile(signed_in: SignedIn) -> Any:
            store.down = True
            return self.idp(signed_in)

        self.house.provider.answer = down_meanwhile
        self.refresh()
        self.assertEqual((self.access(), self.live.ended), ("access-2", ""))
        store.down = False
        self.house.clock.advance(1)
        self.house.sessions.sweep(self.house.now)
        self.assertEqual(self.access(self.current(self.deployment(of=self.house))), "access-2")
        self.assertEqual(self.access(self.current()), "access-2")

    def test_a_use_was_stored_meanwhile(self) -> None:
        """When another replica writes while the provider is asked, both writings count."""
        other = self.deployment(of=self.house)
        self.idp.slow = True
        waiting = self.due()
        there = self.current(other)
        other.sessions.renewal(there, self.house.now + 400)
        self.idp.waiting.pop().callback(None)
        assert waiting is not None
        self.successResultOf(waiting)
        stored = self.current(self.deployment(of=self.house))
        self.assertEqual((self.access(stored), stored.record.version > 2), ("access-2", True))

    def test_ended_meanwhile(self) -> None:
        """A session that was revoked while it was refreshed stays revoked."""
        self.idp.slow = True
        waiting = self.due()
        assert self.house.store is not None and waiting is not None
        self.house.store.delete(self.live.handle)
        self.idp.waiting.pop().callback(None)
        self.successResultOf(waiting)
        self.assertEqual(self.live.ended, "revoked")
        self.assertIsNone(self.deployment(of=self.house).request())


class LostCookieTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = Deployment()
        self.house.provider.answer = Rotating(self.house)
        self.house.log_in(given=tokens())

    def refresh(self) -> None:
        live = self.house.request()
        assert live is not None
        self.house.clock.advance(290)
        waiting = self.house.sessions.refreshed(live, self.house.now)
        assert waiting is not None
        self.successResultOf(waiting)

    def test_the_answer_with_the_new_cookie_was_lost(self) -> None:
        """Rotated tokens that no browser has yet are kept, however busy the process is and however often the old cookie comes."""
        self.refresh()
        old = self.house.browser.cookie(HOST)
        for _ in range(3):
            self.house.sessions.reading.turn()
            self.house.sessions.reading.turn()
            found = self.house.recalled(cookie=old).session
            assert found is not None and found.signed_in.tokens is not None
            self.assertEqual((found.signed_in.tokens.access, len(self.house.provider.renewals)), ("access-2", 1))
            del found

    def test_not_every_answer_carries_it(self) -> None:
        """The new cookie goes out once; a browser that still shows the old one gets it again, not more often than every two seconds."""
        old = self.house.browser.cookie(HOST)
        self.refresh()
        sent = []
        for _ in range(10):
            live = self.house.recalled(cookie=old).session
            assert live is not None
            sent.append(bool(self.house.sessions.renewal(live, self.house.now)))
            self.house.clock.advance(0.5)
        self.assertEqual(sent, [True, False, False, False, False, True, False, False, False, False])

    def test_the_browsers_of_two_people(self) -> None:
        """A refresh of one session touches no other."""
        other = Browser(self.house.clock)
        self.house.log_in(BOB, tokens("refresh-of-bob"), browser=other)
        bobs = self.house.request(browser=other)
        self.refresh()
        assert bobs is not None and bobs.signed_in.tokens is not None
        self.assertEqual((bobs.epoch, bobs.signed_in.tokens.refresh), (0, "refresh-of-bob"))


class RenewedTests(SynchronousTestCase):
    def test_what_did_not_come_stays(self) -> None:
        """RFC 6749 §6: without a new refresh token the old one stays; the same for an ID token and the end of the login."""
        old = record(tokens=Tokens("a1", "i1", "r1", START + 1, START + 2, "openid"), provider_session="sid", ends_at=START + 900)
        new = renewed(old, SignedIn(ALICE, Tokens(access="a2", expires_at=START + 50)), START + 10, START + 9)
        self.assertEqual(new.tokens, Tokens("a2", "i1", "r1", START + 50, START + 2, "openid"))
        self.assertEqual(
            (new.provider_session, new.ends_at, new.version, new.checked_at, new.seen_at, new.started_at),
            ("sid", START + 900, 1, START + 10, START + 9, START),
        )

    def test_what_came_counts(self) -> None:
        """Everything new replaces the old."""
        old = record(tokens=Tokens("a1", "i1", "r1", START + 1, START + 2, "openid"))
        given = Tokens("a2", "i2", "r2", START + 3, START + 4, "openid email")
        new = renewed(old, SignedIn(ALICE, given, START + 500, "sid-2"), START, START)
        self.assertEqual((new.tokens, new.ends_at, new.provider_session), (given, START + 500, "sid-2"))

    def test_nothing_came(self) -> None:
        """A provider that only says who it is takes no token away."""
        old = record(tokens=tokens())
        self.assertEqual(renewed(old, SignedIn(ALICE), START, START).tokens, old.tokens)
