"""meshproxy.sessions.handoff"""

from __future__ import annotations

import os
from dataclasses import replace
from unittest.mock import patch
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.principal import SignedIn, Tokens
from meshproxy.core.tickets import HandoffRequest, decode
from meshproxy.sessions import pending
from meshproxy.sessions.handoff import Accepted, Refused

from .support.sessions import ALICE, BOB, HOST, KEYS, OTHER, START, Browser, Deployment, result_of, tokens

TO = f"https://{OTHER}/d/1?x=2"


class HandoffTests(SynchronousTestCase):
    stored = False

    def setUp(self) -> None:
        self.house = Deployment(stored=self.stored)
        self.browser = self.house.browser
        self.house.log_in(given=tokens(expires_at=START + 3600), provider_session="sid-1")

    def begin(self, browser: Browser | None = None, to: str = TO) -> str:
        """HOST begins; the value that goes to ``public_url``."""
        browser = browser or self.browser
        query, cookies = self.house.handoff.begin(OTHER, to, self.house.now, browser.cookie(OTHER))
        browser.take(OTHER, cookies)
        name, _, value = query.partition("=")
        self.assertEqual(name, "handoff")
        return value

    def ticket(self, value: str, browser: Browser | None = None) -> str:
        """``public_url`` answers for whoever is logged in there; the ticket."""
        live = self.house.request(HOST, browser)
        assert live is not None
        url = result_of(self.house.handoff.ticket(live, value, self.house.now))
        assert isinstance(url, str), url
        self.assertTrue(url.startswith(f"https://{OTHER}/_meshproxy/accept?ticket=v1."), url)
        return url.partition("ticket=")[2]

    def accept(self, ticket: str, browser: Browser | None = None, host: str = OTHER) -> Accepted | Refused:
        browser = browser or self.browser
        found: Accepted | Refused = result_of(self.house.handoff.accept(ticket, browser.cookie(host), host, self.house.now))
        if isinstance(found, Accepted):
            browser.take(host, found.started.set_cookies)
        return found

    def test_the_whole_way(self) -> None:
        """The other host has a session of its own: same id, same start, its parent named; the browser goes where it wanted to."""
        found = self.accept(self.ticket(self.begin()))
        assert isinstance(found, Accepted)
        self.assertEqual(found.to, TO)
        parent, child = self.house.request(HOST), self.house.request(OTHER)
        assert parent is not None and child is not None
        self.assertEqual((child.record.id, child.record.started_at, child.record.parent), (parent.record.id, START, HOST))
        self.assertEqual((child.principal, child.record.provider_session, child.host), (ALICE, "sid-1", OTHER))
        self.assertEqual(self.browser.names(OTHER), ["__Host-meshproxy"])
        self.assertNotEqual(self.browser.cookie(OTHER), self.browser.cookie(HOST))

    def test_nothing_readable_travels(self) -> None:
        """Neither who it is, nor a token, nor where it goes can be read in what travels."""
        value = self.begin()
        for travelling in (value, self.ticket(value), self.browser.cookie(OTHER).decode()):
            for secret in ("alice", "access-1", "refresh-1", "/d/1"):
                self.assertNotIn(secret, travelling)

    def test_once(self) -> None:
        """A ticket is good once, even with a copy of the cookie; where it wanted to go is still said."""
        ticket = self.ticket(self.begin())
        copy = Browser(self.house.clock)
        copy.jar.update(self.browser.jar)
        self.assertIsInstance(self.accept(ticket), Accepted)
        self.assertEqual(self.accept(ticket, copy), Refused("used", TO))
        self.assertEqual(self.accept(ticket), Refused("browser"))

    def test_thirty_seconds(self) -> None:
        """A ticket is good for thirty seconds."""
        ticket = self.ticket(self.begin())
        self.house.clock.advance(29)
        self.assertIsInstance(self.accept(ticket), Accepted)
        ticket = self.ticket(self.begin())
        self.house.clock.advance(30)
        self.assertEqual(self.accept(ticket), Refused("expired", TO))

    def test_a_ticket_sent_to_somebody(self) -> None:
        """Whoever opens another person's ticket is not logged in by it."""
        ticket = self.ticket(self.begin())
        victim = Browser(self.house.clock)
        self.assertEqual(self.accept(ticket, victim), Refused("browser"))
        self.begin(victim)
        self.assertEqual(self.accept(ticket, victim), Refused("browser"))
        self.assertIsNone(self.house.request(OTHER, victim))

    def test_a_login_link_sent_to_somebody(self) -> None:
        """Who lets somebody else's session answer their own hand-off gets nothing: the ticket comes to the other's browser."""
        attacker, victim = Browser(self.house.clock), Browser(self.house.clock)
        self.house.log_in(BOB, browser=victim)
        ticket = self.ticket(self.begin(attacker), victim)
        self.assertEqual(self.accept(ticket, victim), Refused("browser"))

    def test_another_host(self) -> None:
        """A ticket is for the host that asked, and a request for a host that is not configured gets none."""
        value = self.begin()
        ticket = self.ticket(value)
        moved = Browser(self.house.clock)
        moved.jar.update({("=" + HOST, name): kept for (_, name), kept in self.browser.jar.items()})
        self.assertEqual(self.accept(ticket, moved, HOST), Refused("browser"))
        live = self.house.request(HOST)
        assert live is not None
        self.house.handoff._hosts = frozenset({HOST})
        self.assertEqual(result_of(self.house.handoff.ticket(live, value, START)), Refused("malformed"))

    def test_a_label_that_happens_to_fit(self) -> None:
        """A cookie's label is short, and two may be alike: what counts is the whole of what it is about."""
        with patch.object(pending, "label_of", lambda secret: b"00000000"):
            ticket = self.ticket(self.begin())
            victim = Browser(self.house.clock)
            self.begin(victim)
            self.assertEqual(self.accept(ticket, victim), Refused("browser"))

    def test_a_ticket_of_another_host(self) -> None:
        """Whatever cookie comes with it: a ticket counts on the host that it names."""
        live = self.house.request(HOST)
        assert live is not None
        with patch.object(self.house.handoff, "wanted", lambda value, now: HandoffRequest(value, HOST, now)):
            query, cookies = self.house.handoff.begin(OTHER, TO, START)
            self.browser.take(OTHER, cookies)
            request = decode(HandoffRequest, KEYS.open(b"handoff request", b"", query.partition("=")[2].encode()))
            assert request is not None
            url = result_of(self.house.handoff.ticket(live, request.attempt, START))
        self.assertEqual(self.accept(url.partition("ticket=")[2]), Refused("host", TO))

    def test_garbage(self) -> None:
        """Tickets and requests flipped at any place, of another kind, or not of this world are refused alike."""
        value = self.begin()
        ticket = self.ticket(value)
        for at in range(0, len(ticket), 7):
            self.assertEqual(self.accept(ticket[:at] + ("A" if ticket[at] != "A" else "B") + ticket[at + 1 :]), Refused("malformed"))
        for bad in ("", "x", "é", value, self.browser.cookie(HOST).decode(), "v1." * 1000):
            self.assertEqual(self.accept(bad), Refused("malformed"), bad[:30])
        for bad in ("", "x", "é", ticket):
            self.assertIsNone(self.house.handoff.wanted(bad, START))

    def test_a_login_takes_its_time(self) -> None:
        """The hand-off waits ten minutes for a login."""
        value = self.begin()
        self.assertIsNotNone(self.house.handoff.wanted(value, START + 599))
        self.assertIsNone(self.house.handoff.wanted(value, START + 600))

    def test_it_ends_with_its_parent(self) -> None:
        """When the parent ended before the ticket is used, nothing begins."""
        ticket = self.ticket(self.begin())
        live = self.house.request(HOST)
        assert live is not None
        result_of(self.house.sessions.end(live, "logout", START))
        self.assertEqual(self.accept(ticket), Refused("over", TO))

    def test_a_parent_that_is_over(self) -> None:
        """A session that ended gives no ticket."""
        value = self.begin()
        live = self.house.request(HOST)
        assert live is not None
        result_of(self.house.sessions.end(live, "logout", START))
        self.assertEqual(result_of(self.house.handoff.ticket(live, value, START)), Refused("over"))

    def test_lifetime_is_the_parents(self) -> None:
        """A hand-off gives a session no longer life."""
        self.house.clock.advance(3000)
        self.accept(self.ticket(self.begin()))
        child = self.house.request(OTHER)
        assert child is not None
        self.assertEqual(child.hard_ends_at, START + 43200)

    def test_a_target_elsewhere(self) -> None:
        """Whatever stands in the cookie, ``accept`` sends nobody to another host."""
        found = self.accept(self.ticket(self.begin(to="https://evil.example/")))
        assert isinstance(found, Accepted)
        self.assertEqual(found.to, f"https://{OTHER}/")

    def test_tabs(self) -> None:
        """Several tabs at once come each to their own URL."""
        values = {f"https://{OTHER}/tab/{number}": None for number in range(4)}
        tickets = {to: self.ticket(self.begin(to=to)) for to in values}
        for to, ticket in reversed(tickets.items()):
            found = self.accept(ticket)
            assert isinstance(found, Accepted)
            self.assertEqual(found.to, to)

    def test_at_another_replica(self) -> None:
        """Each step may be answered by another replica."""
        value = self.begin()
        second, third = Deployment(of=self.house), Deployment(of=self.house)
        live = second.request(HOST)
        assert live is not None
        url = result_of(second.handoff.ticket(live, value, START))
        found = result_of(third.handoff.accept(url.partition("ticket=")[2], self.browser.cookie(OTHER), OTHER, START))
        self.assertIsInstance(found, Accepted)

    def test_the_url(self) -> None:
        """The ticket goes to HOST with the scheme and port of ``public_url``."""
        house = Deployment(scheme="http")
        house.log_in()
        query, _ = house.handoff.begin(OTHER, f"http://{OTHER}:8080/", START)
        live = house.request()
        assert live is not None
        url = urlsplit(result_of(house.handoff.ticket(live, query.partition("=")[2], START)))
        self.assertEqual((url.scheme, url.netloc, url.path), ("http", f"{OTHER}:8080", "/_meshproxy/accept"))


class StoredHandoffTests(HandoffTests):
    """The same with a store: both hosts share one session there."""

    stored = True

    def test_one_session(self) -> None:
        """The store has one session; what changes on one host is known on the other, refresh token and all."""
        self.accept(self.ticket(self.begin()))
        child = self.house.request(OTHER)
        assert child is not None and child.signed_in.tokens is not None
        self.assertEqual((len(result_of(self.house.sessions.list())), child.signed_in.tokens.refresh), (1, "refresh-1"))
        self.assertFalse(self.house.handoff.due_recheck(child, START + 10_000))


class RecheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.house = Deployment()

    def test_without_refresh_token(self) -> None:
        """With the cookie store a handed-off session has the tokens, less the one that could make new ones."""
        self.house.log_in(given=tokens(expires_at=START + 3600))
        self.house.hand_off()
        child = self.house.request(OTHER)
        assert child is not None and child.signed_in.tokens is not None
        self.assertEqual((child.signed_in.tokens.access, child.signed_in.tokens.refresh), ("access-1", None))

    def test_after_recheck(self) -> None:
        """After ``recheck`` the parent is asked again; then not until that has passed once more. The parent itself never."""
        self.house.log_in()
        self.house.hand_off()
        child = self.house.request(OTHER)
        assert child is not None
        self.assertEqual([self.house.handoff.due_recheck(child, START + at) for at in (0, 899, 900)], [False, False, True])
        self.house.clock.advance(900)
        self.house.hand_off()
        self.assertEqual([self.house.handoff.due_recheck(child, START + 900 + at) for at in (0, 899, 900)], [False, False, True])
        parent = self.house.request(HOST)
        assert parent is not None
        self.assertFalse(self.house.handoff.due_recheck(parent, START + 10_000))

    def test_a_token_that_ended(self) -> None:
        """When the access token ends the parent is asked once; where it has no newer one either, not with every click."""
        self.house.log_in(given=tokens(refresh=None, expires_at=START + 100))
        self.house.hand_off()
        child = self.house.request(OTHER)
        assert child is not None
        self.assertEqual([self.house.handoff.due_recheck(child, START + at) for at in (99, 100)], [False, True])
        self.house.clock.advance(100)
        self.house.hand_off()
        self.assertFalse(self.house.handoff.due_recheck(child, START + 101))

    def test_the_parent_refreshes_first(self) -> None:
        """A hop to a parent whose token is about to end brings the new one."""
        self.house.log_in(given=tokens(expires_at=START + 100))
        self.house.hand_off()
        self.house.provider.answer = lambda signed_in: SignedIn(
            replace(ALICE, groups=("new",)), tokens("refresh-2", self.house.now + 300, "access-2")
        )
        self.house.clock.advance(100)
        self.house.hand_off()
        child = self.house.request(OTHER)
        assert child is not None and child.signed_in.tokens is not None
        self.assertEqual((child.signed_in.tokens.access, child.principal.groups), ("access-2", ("new",)))

    def test_a_slow_provider(self) -> None:
        """A hand-off does not wait longer than three seconds for new tokens; it goes on with the old ones."""
        self.house.log_in(given=tokens(expires_at=START + 100))
        self.house.provider.answer = lambda signed_in: Deferred()
        self.house.clock.advance(100)
        query, _ = self.house.handoff.begin(OTHER, TO, self.house.now)
        live = self.house.request()
        assert live is not None
        waiting = Deferred.fromCoroutine(self.house.handoff.ticket(live, query.partition("=")[2], self.house.now))
        self.assertNoResult(waiting)
        self.house.clock.advance(3)
        self.assertIsInstance(self.successResultOf(waiting), str)


class BigTicketTests(SynchronousTestCase):
    def test_what_is_too_long_for_a_url(self) -> None:
        """A session that would make too long a URL is left with the shared state; its ticket is as good, and good once."""
        for claims in ({"noise": os.urandom(4000).hex()}, {"text": "x" * 50_000}):
            house = Deployment()
            house.log_in(replace(ALICE, claims=claims), Tokens(access="a"))
            query, cookies = house.handoff.begin(OTHER, TO, START)
            house.browser.take(OTHER, cookies)
            live = house.request()
            assert live is not None
            url = result_of(house.handoff.ticket(live, query.partition("=")[2], START))
            self.assertLess(len(url), 7000)
            ticket = url.partition("ticket=")[2]
            cookie = house.browser.cookie(OTHER)
            found = result_of(house.handoff.accept(ticket, cookie, OTHER, START))
            assert isinstance(found, Accepted)
            self.assertEqual(found.started.live.principal.claims, claims)
            self.assertEqual(result_of(house.handoff.accept(ticket, cookie, OTHER, START)), Refused("used", TO))


class DomainTests(SynchronousTestCase):
    def test_with_a_cookie_domain(self) -> None:
        """Where one cookie serves both hosts, a hand-off that was begun before the login ends with that one session, as it is."""
        house = Deployment(cookie_domain="example.com")
        query, cookies = house.handoff.begin(OTHER, TO, START)
        house.browser.take(OTHER, cookies)
        house.log_in(given=tokens())
        live = house.request(OTHER)
        assert live is not None
        url = result_of(house.handoff.ticket(live, query.partition("=")[2], START))
        found = result_of(house.handoff.accept(url.partition("ticket=")[2], house.browser.cookie(OTHER), OTHER, START))
        assert isinstance(found, Accepted)
        given = found.started.live.signed_in.tokens
        assert given is not None
        self.assertEqual((found.started.live.record.parent, given.refresh), (None, "refresh-1"))
