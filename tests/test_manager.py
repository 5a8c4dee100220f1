"""meshproxy.sessions.manager"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.core.principal import Principal, SignedIn, Tokens
from meshproxy.sessions.keeping import SessionTooBig

from .support.sessions import ALICE, BOB, HOST, KEYS, START, Browser, Deployment, Tunnel, result_of, tokens


class StartTests(SynchronousTestCase):
    def test_a_login(self) -> None:
        """A session begins: fresh id, this host, what the provider said; the next request is known."""
        for stored in (False, True):
            house = Deployment(stored=stored)
            started = house.log_in(given=tokens(), provider_session="sid-1", auth_time=START - 5, expires_at=START + 900)
            record = started.live.record
            self.assertEqual(
                (record.host, record.started_at, record.auth_time, record.provider_session, record.ends_at, record.parent, len(record.id)),
                (HOST, START, START - 5, "sid-1", START + 900, None, 43),
            )
            self.assertEqual(house.browser.names(HOST), ["__Host-meshproxy"])
            live = house.request()
            assert live is not None
            self.assertEqual((live.principal, live.record.id), (ALICE, record.id))
            self.assertEqual(house.sessions.counts()["started"], 1)

    def test_the_cookie_lasts_as_long_as_the_session_can(self) -> None:
        """Max-Age ends with lifetime, or with what the provider said: whether somebody idled is for the server to say."""
        house = Deployment()
        self.assertIn(b"Max-Age=43200;", house.log_in().set_cookies[0])
        self.assertIn(b"Max-Age=900;", house.log_in(expires_at=START + 900).set_cookies[0])

    def test_always_a_new_id(self) -> None:
        """Every login has an id of its own; nothing that the browser brought along becomes part of it."""
        house = Deployment()
        ids = {house.log_in().live.record.id for _ in range(5)}
        self.assertEqual(len(ids), 5)

    def test_somebody_else_in_the_same_browser(self) -> None:
        """When another person logs in, what the one before had is over, tunnels and all; the same person's other tabs go on."""
        for stored in (False, True):
            house = Deployment(stored=stored)
            first, tunnel = house.log_in().live, Tunnel()
            first.channels.add(tunnel)
            house.log_in()
            self.assertEqual((first.ended, tunnel.ended), ("", []))
            first = house.recalled().session
            house.log_in(BOB)
            assert first is not None
            self.assertEqual(first.ended, "replaced")

    def test_a_shorter_session_than_before(self) -> None:
        """Chunks of the session before are deleted in the same answer."""
        house = Deployment()
        house.log_in(replace(ALICE, claims={"noise": os.urandom(6000).hex()}))
        self.assertEqual(len(house.browser.names(HOST)), 3)
        house.log_in()
        self.assertEqual(house.browser.names(HOST), ["__Host-meshproxy"])

    def test_too_big(self) -> None:
        """A session that fits nowhere ends the login with a reason for operators; no cookie is half written."""
        house = Deployment()
        error = self.assertRaises(SessionTooBig, house.log_in, ALICE, Tokens(access=os.urandom(9000).hex()))
        self.assertIn("cookies", error.reason)
        self.assertEqual(house.browser.names(HOST), [])

    def test_a_store_that_is_down(self) -> None:
        """Without the store nobody gets in, and nobody is told that they are."""
        house = Deployment(stored=True)
        assert house.store is not None
        house.store.down = True
        self.assertRaises(StoreDown, house.log_in)

    def test_where_from(self) -> None:
        """A session remembers from where and with what it began, for its owner's list."""
        house = Deployment(stored=True)
        signed_in = SignedIn(ALICE)
        result_of(house.sessions.start(signed_in, "corp", HOST, START, b"", address="192.0.2.1", device="Firefox " * 100))
        (summary,) = result_of(house.sessions.list())
        self.assertEqual((summary.address, len(summary.device)), ("192.0.2.1", 200))


class RenewalTests(SynchronousTestCase):
    def test_after_a_tenth_of_idle_timeout(self) -> None:
        """The cookie is written anew after a tenth of idle_timeout and not before; once, until the next tenth has passed."""
        for stored in (False, True):
            house = Deployment(stored=stored)
            live = house.log_in().live
            for at, renewed in ((0, False), (359, False), (360, True), (361, False), (719, False), (720, True)):
                self.assertEqual(bool(house.sessions.renewal(live, START + at)), renewed, at)

    def test_it_keeps_the_session(self) -> None:
        """Whoever comes at least every idle_timeout stays logged in, across processes, until lifetime."""
        for stored in (False, True):
            house = Deployment(stored=stored)
            house.log_in()
            for _ in range(20):
                house.clock.advance(2100)
                house = Deployment(of=house)
                self.assertIsNotNone(house.request(), house.now)
            house.clock.advance(2100)
            self.assertIsNone(Deployment(of=house).request())

    def test_the_store_hears_of_it(self) -> None:
        """Where a store keeps the session it is told of the use, once in a tenth, beside the request."""
        house = Deployment(stored=True)
        live = house.log_in().live
        assert house.store is not None
        house.store.asked.clear()
        for at in range(0, 1000, 50):
            house.sessions.renewal(live, START + at)
        self.assertEqual(house.store.asked, ["save", "save"])
        (summary,) = result_of(house.sessions.list())
        self.assertEqual(summary.seen_at, START + 800)

    def test_the_store_is_down(self) -> None:
        """A use that the store could not be told of delays and breaks nothing."""
        house = Deployment(stored=True)
        live = house.log_in().live
        assert house.store is not None
        house.store.down = True
        self.assertEqual(len(house.sessions.renewal(live, START + 400)), 1)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_two_replicas_write(self) -> None:
        """When another replica wrote first, its word counts and nothing is lost."""
        house = Deployment(stored=True)
        house.log_in(given=tokens())
        other = Deployment(of=house)
        here, there = house.request(), other.request()
        assert here is not None and there is not None
        house.clock.advance(400)
        other.sessions.renewal(there, house.now)
        house.sessions.renewal(here, house.now)
        self.assertEqual(here.record, there.record)

    def test_nobody_is_renewed_after_the_end(self) -> None:
        """An answer to a request whose session ended meanwhile does not bring the session back."""
        house = Deployment()
        live = house.log_in().live
        result_of(house.sessions.end(live, "logout", START))
        self.assertEqual(house.sessions.renewal(live, START + 3000), ())


class ReloadTests(SynchronousTestCase):
    def reconfigure(self, house: Deployment, providers: dict[str, Any], **session: Any) -> None:
        settings = replace(house.settings, session=replace(house.settings.session, **session))
        house.sessions.reconfigure(settings, keys=KEYS, providers=providers, needed_tokens=())

    def test_providers_that_are_gone(self) -> None:
        """Their sessions end at once, tunnels and all, and their cookies do not count."""
        house = Deployment()
        live, tunnel = house.log_in().live, Tunnel()
        live.channels.add(tunnel)
        self.reconfigure(house, {})
        self.assertEqual((live.ended, tunnel.ended), ("removed", ["removed"]))
        self.assertIsNone(house.request())
        self.assertEqual([(event, fields["reason"]) for event, fields in house.events], [("session.ended", "removed")])

    def test_people_who_are_gone(self) -> None:
        """A provider that knows its people says who is still there, and which groups they have by now."""
        house = Deployment()
        people = {"alice": replace(ALICE, groups=("ops",))}

        class Users:
            def current(self, principal: Principal) -> Principal | None:
                return people.get(principal.subject)

        alice, bob = house.log_in().live, house.log_in(BOB, browser=Browser(house.clock)).live
        alice.admissions["grafana"] = object()
        self.reconfigure(house, {"corp": Users()})
        self.assertEqual((bob.ended, alice.ended, alice.principal.groups, alice.admissions), ("removed", "", ("ops",), {}))
        live = house.request()
        assert live is not None
        self.assertEqual(live.principal.groups, ("ops",))

    def test_durations(self) -> None:
        """A shorter lifetime counts for the sessions that there are."""
        house = Deployment()
        house.log_in()
        live = house.request()
        self.reconfigure(house, {"corp": house.provider}, lifetime=600.0, idle_timeout=100.0)
        assert live is not None
        self.assertEqual(live.expires_at, START + 100)
        house.clock.advance(100)
        self.assertIsNone(house.request())

    def test_access_is_decided_anew(self) -> None:
        """After a reload nothing that was computed before counts; a plugin can ask for the same."""
        house = Deployment()
        live = house.log_in().live
        live.admissions["grafana"] = object()
        self.reconfigure(house, {"corp": house.provider})
        self.assertEqual(live.admissions, {})
        live.admissions["grafana"] = object()
        house.sessions.forget_computed()
        self.assertEqual(live.admissions, {})


class SweepTests(SynchronousTestCase):
    def test_lifetime_ends_a_tunnel(self) -> None:
        """An open tunnel closes when its session's lifetime is over, and the end is recorded."""
        house = Deployment()
        live, tunnel = house.log_in().live, Tunnel()
        live.channels.add(tunnel)
        for _ in range(43200 // 2000 + 1):
            self.assertEqual(tunnel.ended, [])
            house.clock.advance(2000)
            house.sessions.sweep(house.now)
        self.assertEqual(tunnel.ended, ["lifetime"])
        self.assertEqual([fields["reason"] for _, fields in house.events], ["lifetime"])

    def test_the_store_hears_of_tunnels(self) -> None:
        """A tunnel that is open for hours keeps its session in the store."""
        house = Deployment(stored=True)
        live = house.log_in().live
        live.channels.add(Tunnel())
        for _ in range(100):
            house.clock.advance(100)
            house.sessions.sweep(house.now)
        self.assertEqual(live.ended, "")
        self.assertIsNotNone(Deployment(of=house).request())

    def test_it_makes_up_for_an_outage(self) -> None:
        """What ended while the store was down is deleted there when it is back."""
        house = Deployment(stored=True)
        live = house.log_in().live
        assert house.store is not None
        house.store.down = True
        result_of(house.sessions.end(live, "logout", START))
        house.sessions.sweep(house.now)
        self.assertIsNotNone(house.store._entries.get(live.handle))
        house.store.down = False
        house.sessions.sweep(house.now)
        self.assertIsNone(house.store._entries.get(live.handle))

    def test_forgotten_cookies(self) -> None:
        """Cookies that nobody shows any more leave the memory."""
        house = Deployment()
        house.log_in()
        house.request()
        for _ in range(3):
            house.clock.advance(601)
            house.sessions.sweep(house.now)
        self.assertEqual((len(house.sessions.reading._cache), house.sessions.counts()["live"]), (0, 0))
