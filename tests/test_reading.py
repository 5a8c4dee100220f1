"""meshproxy.sessions.reading"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.core.envelope import KeyRing
from meshproxy.sessions.cache import Recalled

from .support.sessions import ALICE, BOB, HOST, OTHER, START, Browser, Deployment, Tunnel, tokens


class CookieReadingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = Deployment()
        self.sessions = self.house.sessions

    def test_nobody(self) -> None:
        """Without a cookie of ours a request is anonymous at once, and its cookies go on as they are."""
        for cookie in (b"", b"a=1; b=2"):
            recalled = self.sessions.recall(cookie, HOST, START)
            assert recalled is not None
            self.assertEqual((recalled.session, recalled.cookie), (None, cookie))

    def test_the_second_time(self) -> None:
        """The same bytes are read once; after that they are recalled, to the same live session."""
        self.house.log_in()
        cookie = b"theme=dark; " + self.house.browser.cookie(HOST) + b"; lang=de"
        self.assertIsNone(self.sessions.recall(cookie, HOST, START))
        first = self.house.recalled(cookie=cookie)
        for _ in range(3):
            self.assertIs(self.sessions.recall(cookie, HOST, START), first)
        assert first.session is not None
        self.assertEqual((first.cookie, first.session.principal, self.sessions.reading.read), (b"theme=dark; lang=de", ALICE, 1))

    def test_other_spellings(self) -> None:
        """Other cookies beside it make another spelling of the same live session."""
        self.house.log_in()
        cookie = self.house.browser.cookie(HOST)
        one, two = self.house.recalled(cookie=cookie + b"; a=1"), self.house.recalled(cookie=cookie + b"; a=2")
        self.assertIsNot(one, two)
        self.assertIs(one.session, two.session)

    def test_another_host(self) -> None:
        """A session that is shown to another host is none there, recalled or read, and is counted."""
        self.house.log_in()
        cookie = self.house.browser.cookie(HOST)
        self.house.recalled(cookie=cookie)
        self.assertIsNone(self.sessions.recall(cookie, OTHER, START))
        self.assertIsNone(self.house.recalled(OTHER, cookie).session)
        self.assertEqual(self.sessions.counts()["cookies_rejected"], 1)

    def test_cookie_domain(self) -> None:
        """With a cookie_domain one session serves every host under it, and no other."""
        house = Deployment(cookie_domain="example.com")
        house.log_in()
        cookie = house.browser.cookie(HOST)
        live = house.recalled(cookie=cookie).session
        self.assertIsNotNone(live)
        self.assertIs(house.recalled(OTHER, cookie).session, live)
        self.assertIsNone(house.recalled("evil.net", cookie).session)

    def test_garbage(self) -> None:
        """Flipped at every byte, truncated, doubled, mixed, five hundred of them: an anonymous person, and a counter; never an error."""
        self.house.log_in()
        one = self.house.browser.cookie(HOST)
        other = self.house.log_in(BOB, browser=Browser(self.house.clock)).set_cookies[0].partition(b";")[0]
        name, _, value = one.partition(b"=")
        bad = [name + b"=" + value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :] for at in range(len(value))]
        bad += [one[:cut] for cut in range(len(name) + 1, len(one))]
        bad += [one + b"; " + one, one + b"; " + other, other + b"; " + one, name + b"=", name, one + b"x"]
        bad += [b"; ".join(b"%s.%d=%s" % (name, number, value) for number in range(500))]
        bad += [b"; ".join([one] * 500)]
        for cookie in bad:
            self.assertIsNone(self.house.recalled(cookie=cookie).session, cookie)
            self.assertIsNone(self.sessions.recall(cookie, HOST, START), cookie)
        self.assertEqual(self.sessions.counts()["cookies_rejected"], len(bad))
        self.assertIsNotNone(self.house.recalled(cookie=one).session)

    def test_of_other_keys(self) -> None:
        """A session that other keys sealed is none."""
        self.house.log_in()
        stranger = Deployment(keys=KeyRing((b"x" * 32,)))
        self.assertIsNone(stranger.recalled(cookie=self.house.browser.cookie(HOST)).session)

    def test_ours_never_go_on(self) -> None:
        """Whatever is wrong with a cookie of ours, it does not reach the service; nor do attempts and hand-offs."""
        cookie = b"a=1; __Host-meshproxy=junk; __Host-meshproxy-login-12345678=x; __Secure-meshproxy=y; b=2; __Host-meshproxy-handoff-1=z"
        self.assertEqual(self.house.recalled(cookie=cookie).cookie, b"a=1; b=2")
        self.assertEqual(self.sessions.without_ours(cookie), b"a=1; b=2")

    def test_idle(self) -> None:
        """A session idles out, recalled as well as read; every request puts that off."""
        self.house.log_in()
        cookie = self.house.browser.cookie(HOST)
        for _ in range(3):
            self.assertIsNotNone(self.house.recalled(cookie=cookie).session)
            self.house.clock.advance(3599)
        self.house.clock.advance(1)
        self.assertIsNone(self.house.recalled(cookie=cookie).session)

    def test_lifetime(self) -> None:
        """Use does not put off the end of the lifetime."""
        self.house.log_in()
        for _ in range(12):
            self.assertIsNotNone(self.house.request())
            self.house.clock.advance(3599)
        self.assertIsNotNone(self.house.request())
        self.house.clock.advance(12)
        self.assertIsNone(self.house.request())

    def test_a_tunnel_holds_it(self) -> None:
        """While a tunnel is open the session does not idle out, though no request comes; idle_timeout begins when it closes."""
        live, tunnel = self.house.log_in().live, Tunnel()
        live.channels.add(tunnel)
        self.assertIsNotNone(self.house.request())
        for _ in range(4):
            self.house.clock.advance(3000)
            self.sessions.sweep(self.house.now)
        live.channels.discard(tunnel)
        self.house.clock.advance(3500)
        self.assertIsNotNone(self.house.recalled().session)
        self.house.clock.advance(3600)
        self.assertIsNone(self.house.recalled().session)

    def test_cookies_that_change_all_the_time(self) -> None:
        """Whoever spells one session in ever new ways fills no memory."""
        self.house.log_in()
        cookie = self.house.browser.cookie(HOST)
        for number in range(20_000):
            self.sessions.load(cookie + b"; n=%d" % number, HOST, START)
        self.assertLess(len(self.sessions.reading._cache), 20_000)

    def test_key_rotation(self) -> None:
        """With a new key first, old sessions go on, and are written anew with the new key."""
        self.house.log_in()
        old, new = os.urandom(32), os.urandom(32)
        house = Deployment(keys=KeyRing((old,)))
        house.log_in()
        before = house.browser.cookie(HOST)
        house.sessions.reconfigure(house.settings, keys=KeyRing((new, old)), providers={"corp": house.provider}, needed_tokens=())
        house.clock.advance(400)
        self.assertIsNotNone(house.request())
        self.assertNotEqual(house.browser.cookie(HOST).split(b".")[1], before.split(b".")[1])
        house.sessions.reconfigure(house.settings, keys=KeyRing((new,)), providers={"corp": house.provider}, needed_tokens=())
        self.assertIsNotNone(house.request())
        self.assertIsNone(house.recalled(cookie=before).session)


class StoreReadingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = Deployment(stored=True)
        self.sessions = self.house.sessions
        assert self.house.store is not None
        self.store = self.house.store
        self.house.log_in(given=tokens())
        self.cookie = self.house.browser.cookie(HOST)

    def stale(self) -> None:
        """Let the store's word get old."""
        self.house.clock.advance(1.5)

    def test_a_store_that_answers_at_once(self) -> None:
        """With a store in memory nobody waits."""
        recalled = self.sessions.load(self.cookie, HOST, START)
        assert isinstance(recalled, Recalled) and recalled.session is not None
        self.assertEqual(recalled.session.principal, ALICE)

    def test_after_a_restart(self) -> None:
        """Another process reads the session from the store, tokens and all."""
        other = Deployment(of=self.house)
        live = other.recalled(cookie=self.cookie).session
        assert live is not None and live.signed_in.tokens is not None
        self.assertEqual((live.principal, live.signed_in.tokens.refresh), (ALICE, "refresh-1"))

    def test_the_words_age(self) -> None:
        """A store's word holds for a second; in its second half the store is asked beside the request, which does not wait."""
        self.house.recalled(cookie=self.cookie)
        self.store.asked.clear()
        for _ in range(5):
            self.assertIsNotNone(self.sessions.recall(self.cookie, HOST, self.house.now))
        self.assertEqual(self.store.asked, [])
        self.house.clock.advance(0.6)
        self.store.slow = True
        for _ in range(5):
            self.assertIsNotNone(self.sessions.recall(self.cookie, HOST, self.house.now))
        self.assertEqual(self.store.asked, ["load"])
        self.store.release()
        self.house.clock.advance(0.6)
        self.assertIsNotNone(self.sessions.recall(self.cookie, HOST, self.house.now))

    def test_many_wait_for_one_answer(self) -> None:
        """Fifty requests at once ask the store once."""
        self.stale()
        self.store.slow = True
        self.store.asked.clear()
        waiting = [self.sessions.load(self.cookie + b"; n=%d" % number, HOST, self.house.now) for number in range(50)]
        self.assertEqual(self.store.asked, ["load"])
        self.store.release()
        lives = {self.successResultOf(deferred).session for deferred in waiting if isinstance(deferred, Deferred)}
        self.assertEqual((len(lives), None in lives), (1, False))

    def test_an_outage(self) -> None:
        """When the store is down requests fail with StoreDown; nobody is logged out, and all goes on when it is back."""
        self.house.recalled(cookie=self.cookie)
        self.store.down = True
        self.stale()
        self.assertIsNone(self.sessions.recall(self.cookie, HOST, self.house.now))
        waiting = self.sessions.load(self.cookie, HOST, self.house.now)
        assert isinstance(waiting, Deferred)
        self.failureResultOf(waiting, StoreDown)
        self.assertIn("nobody answers", self.sessions.ready() or "")
        self.store.down = False
        self.assertIsNotNone(self.house.recalled(cookie=self.cookie).session)
        self.assertIsNone(self.sessions.ready())

    def test_an_outage_that_a_request_does_not_see(self) -> None:
        """When asking beside the requests fails, the old word runs out and nothing is logged as a fault."""
        live = self.house.recalled(cookie=self.cookie).session
        self.store.down = True
        self.house.clock.advance(0.7)
        self.store.asked.clear()
        for _ in range(5):
            self.assertIsNotNone(self.sessions.recall(self.cookie, HOST, self.house.now))
        self.assertEqual(self.store.asked, ["load"])
        self.house.clock.advance(0.7)
        self.assertIsNone(self.sessions.recall(self.cookie, HOST, self.house.now))
        assert live is not None
        self.assertEqual((live.ended, self.flushLoggedErrors()), ("", []))

    def test_gone_from_the_store(self) -> None:
        """A session that the store lost is over, within a second or so, and its tunnels close; nobody loops."""
        live, tunnel = self.house.recalled(cookie=self.cookie).session, Tunnel()
        assert live is not None
        live.channels.add(tunnel)
        self.store.delete(live.handle)
        self.stale()
        self.sessions.sweep(self.house.now)
        self.assertEqual((tunnel.ended, live.ended), (["gone"], "gone"))
        self.assertIsNone(self.house.recalled(cookie=self.cookie).session)

    def test_changes_elsewhere(self) -> None:
        """What another replica wrote counts here a second later."""
        live = self.house.recalled(cookie=self.cookie).session
        assert live is not None and live.secret is not None
        other = Deployment(of=self.house)
        there = other.recalled(cookie=self.cookie).session
        assert there is not None and other.sessions._in_store is not None
        changed = replace(there.record, principal=replace(ALICE, groups=("new",)))
        self.successResultOf(Deferred.fromCoroutine(other.sessions._in_store.save(changed, live.secret, START + 3600, 1)))
        self.stale()
        self.house.recalled(cookie=self.cookie)
        self.assertEqual((live.principal.groups, live.epoch), (("new",), 1))

    def test_garbage(self) -> None:
        """A reference that was tampered with, or is another host's, is nobody; the store is not even asked."""
        self.store.asked.clear()
        name, _, value = self.cookie.partition(b"=")
        for at in range(len(value)):
            self.assertIsNone(self.house.recalled(cookie=name + b"=" + value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]).session)
        self.assertIsNone(self.house.recalled(OTHER, self.cookie).session)
        self.assertEqual(self.store.asked, [])

    def test_stop(self) -> None:
        """When the process ends nobody is left waiting."""
        self.stale()
        self.store.slow = True
        waiting: Any = self.sessions.load(self.cookie, HOST, self.house.now)
        self.sessions.stop()
        self.failureResultOf(waiting)
