"""meshproxy.sessions.ending"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.sessions.ending import CannotList
from meshproxy.sessions.names import handle_of

from .support.sessions import ALICE, BOB, HOST, OTHER, START, Browser, Deployment, Tunnel, result_of


class EndTests(SynchronousTestCase):
    def test_a_logout(self) -> None:
        """The cookies go, the tunnels close, it is recorded; and a copy of the cookie is worth nothing."""
        for stored in (False, True):
            house = Deployment(stored=stored)
            live, tunnel = house.log_in().live, Tunnel()
            copied = house.browser.cookie(HOST)
            live.channels.add(tunnel)
            house.browser.take(HOST, result_of(house.sessions.end(live, "logout", START)))
            self.assertEqual((house.browser.names(HOST), tunnel.ended), ([], ["logout"]))
            self.assertIsNone(house.recalled(cookie=copied).session)
            self.assertIsNone(Deployment(of=house).recalled(cookie=copied).session)
            self.assertEqual([(event, fields["reason"], fields["principal"]) for event, fields in house.events],
                             [("session.ended", "logout", ALICE)])  # fmt: skip
            self.assertNotIn(live.record.id, str(house.events))

    def test_twice(self) -> None:
        """Ending what is over changes nothing, and deletes the cookies all the same."""
        house = Deployment()
        live = house.log_in().live
        result_of(house.sessions.end(live, "logout", START))
        self.assertEqual(len(result_of(house.sessions.end(live, "again", START))), 3)
        self.assertEqual((live.ended, len(house.events)), ("logout", 1))

    def test_on_every_host(self) -> None:
        """A logout on any host ends the session on all of them."""
        for stored in (False, True):
            for host in (HOST, OTHER):
                house = Deployment(stored=stored)
                house.log_in()
                house.hand_off()
                lives = {name: house.request(name) for name in (HOST, OTHER)}
                chosen = lives[host]
                assert chosen is not None
                result_of(house.sessions.end(chosen, "logout", START))
                self.assertEqual([house.request(name) for name in lives], [None, None], (stored, host))
                self.assertEqual([live.ended for live in lives.values() if live], ["logout", "logout"])
                self.assertEqual(len(house.events), 1)

    def test_at_another_replica(self) -> None:
        """What ended at one replica is over at the other, and its tunnels there close."""
        house = Deployment()
        house.log_in()
        other = Deployment(of=house)
        here, there, tunnel = house.request(), other.request(), Tunnel()
        assert here is not None and there is not None
        there.channels.add(tunnel)
        result_of(house.sessions.end(here, "logout", START))
        self.assertEqual(tunnel.ended, ["logout"])
        self.assertIsNone(other.request())

    def test_the_store_is_down(self) -> None:
        """A logout succeeds here all the same: the cookie goes, and its copy does not work in this process."""
        house = Deployment(stored=True)
        live = house.log_in().live
        copied = house.browser.cookie(HOST)
        assert house.store is not None
        house.store.down = True
        self.assertEqual(len(result_of(house.sessions.end(live, "logout", START))), 3)
        house.store.down = False
        self.assertIsNone(house.recalled(cookie=copied).session)


class NamedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.houses = [Deployment(), Deployment(stored=True)]

    def test_back_channel_logout(self) -> None:
        """A provider ends its own session, or everything that a person has; nobody else's, and not the next login."""
        for house in self.houses:
            phone, laptop, bobs = (Browser(house.clock) for _ in range(3))
            house.log_in(browser=phone, provider_session="sid-1")
            house.log_in(browser=laptop, provider_session="sid-2")
            house.log_in(BOB, browser=bobs, provider_session="sid-3")
            self.assertNotIn(None, [house.request(browser=browser) for browser in (phone, laptop, bobs)])
            self.assertEqual(result_of(house.sessions.end_matching("https://idp.example", "sid-1", "backchannel")), 1)
            self.assertEqual([house.request(browser=browser) is None for browser in (phone, laptop, bobs)], [True, False, False])
            self.assertEqual(result_of(house.sessions.end_matching("https://other.example", "alice", "backchannel")), 0)
            self.assertEqual(result_of(house.sessions.end_matching("https://idp.example", "alice", "backchannel")), 1)
            self.assertEqual([house.request(browser=browser) is None for browser in (phone, laptop, bobs)], [True, True, False])
            house.clock.advance(1)
            house.log_in(browser=phone, provider_session="sid-4")
            self.assertIsNotNone(house.request(browser=phone))

    def test_after_a_restart(self) -> None:
        """A deny list keeps sessions out that no process has in memory."""
        for house in self.houses:
            house.log_in(provider_session="sid-1")
            other = Deployment(of=house)
            result_of(other.sessions.end_matching("https://idp.example", "sid-1", "backchannel"))
            self.assertIsNone(Deployment(of=house).request())

    def test_by_handle(self) -> None:
        """An operator ends one session by the name that lists show; who is unknown is said to be."""
        for house in self.houses:
            live = house.log_in().live
            self.assertFalse(result_of(house.sessions.revoke("0" * 32)))
            self.assertTrue(result_of(house.sessions.revoke(live.handle)))
            self.assertIsNone(house.request())
            self.assertEqual([fields["reason"] for _, fields in house.events], ["revoked"])

    def test_by_handle_elsewhere(self) -> None:
        """Of a session in a store any replica knows whose it is."""
        house = self.houses[1]
        handle = handle_of(house.log_in().live.record.id)
        other = Deployment(of=house)
        self.assertTrue(result_of(other.sessions.revoke(handle)))
        self.assertEqual([(fields["principal"].subject, fields["session"]) for _, fields in other.events], [("alice", handle)])

    def test_by_subject_and_all(self) -> None:
        """Operators end what a subject has, or everything."""
        for house in self.houses:
            browsers = [Browser(house.clock) for _ in range(3)]
            for principal, browser in zip((ALICE, ALICE, BOB), browsers, strict=True):
                house.log_in(principal, browser=browser)
                self.assertIsNotNone(house.request(browser=browser))
            self.assertEqual(result_of(house.sessions.revoke_subject("alice")), 2)
            self.assertEqual([house.request(browser=browser) is None for browser in browsers], [True, True, False])
            self.assertEqual(result_of(house.sessions.revoke_all()), 1)
            self.assertIsNone(house.request(browser=browsers[2]))
            self.assertEqual(len(house.events), 3)

    def test_of_providers(self) -> None:
        """What a provider vouched for ends here when the provider is gone."""
        for house in self.houses:
            live = house.log_in().live
            self.assertEqual(result_of(house.sessions.end_of_providers({"other"})), 0)
            self.assertEqual(result_of(house.sessions.end_of_providers({"corp"})), 1)
            self.assertEqual(live.ended, "provider removed")


class ListTests(SynchronousTestCase):
    def test_a_store(self) -> None:
        """Newest first; of one subject, and of one issuer's, alone."""
        house = Deployment(stored=True)
        house.log_in(browser=Browser(house.clock))
        house.clock.advance(10)
        house.log_in(BOB, browser=Browser(house.clock))
        self.assertEqual([summary.subject for summary in result_of(house.sessions.list())], ["bob", "alice"])
        self.assertEqual([summary.subject for summary in result_of(house.sessions.list("alice"))], ["alice"])
        self.assertEqual(result_of(house.sessions.list("alice", "https://other.example")), [])

    def test_cookies(self) -> None:
        """What is in the browsers nobody can list, and it is said so."""
        error = self.assertRaises(CannotList, result_of, Deployment().sessions.list())
        self.assertIn("cookie", str(error))
