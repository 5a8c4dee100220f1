"""meshproxy.sessions.book"""

from __future__ import annotations

import gc
import os
from dataclasses import replace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.principal import Principal
from meshproxy.sessions.book import Book
from meshproxy.sessions.live import LiveSession, Timing
from meshproxy.sessions.names import EVERYBODY, principal_tag
from meshproxy.sessions.shared_state import LocalState, Revocation

from .support.sessions import ALICE, HOST, OTHER, START, Tunnel, record, result_of, tokens

TIMING = Timing(lifetime=1000, idle_timeout=100, recheck=50)


class BookTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.shared = LocalState(self.clock)
        self.providers: dict[str, Any] = {"corp": object()}
        self.book = Book(TIMING, self.shared, self.providers, os.urandom, server_side=False)

    def adopt(self, now: float = START, **changes: Any) -> LiveSession | None:
        return self.book.adopt(record(**changes), now)

    def test_one_object_a_session_and_host(self) -> None:
        """However often a session is shown, there is one live session of it on a host."""
        live = self.adopt()
        self.assertIs(self.adopt(), live)
        self.assertIsNot(self.adopt(host=OTHER), live)
        self.assertEqual(len(self.book.of_session("s" * 43)), 1)

    def test_it_holds_nothing(self) -> None:
        """A live session that nobody holds is gone: the browser has it."""
        live = self.adopt()
        self.assertEqual(len(self.book), 1)
        del live
        gc.collect()
        self.assertEqual(len(self.book), 0)

    def test_the_newer_record_stands(self) -> None:
        """An old cookie brings no old tokens back; a newer one brings the new ones."""
        live = self.adopt(version=2, tokens=tokens(access="two"))
        self.assertIs(self.adopt(version=1, tokens=tokens(access="one")), live)
        assert live is not None and live.signed_in.tokens is not None
        self.assertEqual(live.signed_in.tokens.access, "two")
        self.adopt(version=3, tokens=tokens(access="three"))
        self.assertEqual(live.signed_in.tokens.access, "three")

    def test_time(self) -> None:
        """A session is over at idle_timeout, at lifetime, and when its provider said; not a moment before."""
        for changes, ends in (({}, 100), ({"seen_at": START + 950}, 1000), ({"ends_at": START + 60}, 60)):
            self.assertIsNotNone(self.adopt(START + ends - 1, **changes), changes)
            self.assertIsNone(self.adopt(START + ends, **changes), changes)

    def test_use_on_any_host_counts(self) -> None:
        """While a person works on one host, their session on another does not idle out."""
        there = self.adopt(host=OTHER)
        assert there is not None
        there.touch(START + 150, 100)
        self.assertIsNotNone(self.adopt(START + 200))
        there.touch(START + 150, 100)
        self.assertIsNone(self.adopt(START + 250))

    def test_use_at_another_replica_counts(self) -> None:
        """A cookie that another replica wrote says that the session was in use there."""
        live = self.adopt()
        self.assertIs(self.adopt(START + 150, seen_at=START + 90), live)

    def test_a_tunnel_is_use(self) -> None:
        """An open tunnel holds its session on every host, until lifetime."""
        live, there = self.adopt(), self.adopt(host=OTHER)
        assert live is not None and there is not None
        there.channels.add(Tunnel())
        self.assertFalse(self.book.expired(live, START + 900))
        self.assertTrue(self.book.expired(live, START + 1000))

    def test_providers(self) -> None:
        """A session of a provider that is not configured does not count."""
        self.assertIsNone(self.adopt(provider="gone"))

    def test_a_provider_that_knows_its_people(self) -> None:
        """Who is gone from a users file is logged out; who has other groups there has them at once."""
        people: dict[str, Principal] = {"alice": replace(ALICE, groups=("ops",))}

        class Users:
            def current(self, principal: Principal) -> Principal | None:
                return people.get(principal.subject)

        self.providers["corp"] = Users()
        live = self.adopt()
        assert live is not None
        self.assertEqual(live.principal.groups, ("ops",))
        people.clear()
        self.assertIsNone(self.adopt(id="t" * 43))

    def test_revocations(self) -> None:
        """A revocation ends the live sessions that it is meant for, and keeps their cookies from coming back; the next login is another."""
        live, tunnel = self.adopt(), Tunnel()
        other = self.adopt(id="o" * 43, principal=replace(ALICE, subject="bob"))
        assert live is not None and other is not None
        live.channels.add(tunnel)
        name = principal_tag(ALICE.issuer, ALICE.subject)
        result_of(self.shared.revoke(name, Revocation(START + 10, START + 2000, "backchannel")))
        self.assertEqual((live.ended, tunnel.ended, other.ended), ("backchannel", ["backchannel"], ""))
        self.assertIsNone(self.adopt())
        self.assertIsNotNone(self.adopt(id="n" * 43, started_at=START + 11))
        self.assertEqual(self.book.ended, {"backchannel": 1})

    def test_a_late_revocation(self) -> None:
        """A revocation that comes late from another replica ends nothing that began after it was said."""
        live = self.adopt(started_at=START + 5)
        result_of(self.shared.revoke(principal_tag(ALICE.issuer, ALICE.subject), Revocation(START, START + 2000, "backchannel")))
        assert live is not None
        self.assertEqual(live.ended, "")

    def test_everybody(self) -> None:
        """All sessions can be ended at once; those that begin later live."""
        lives = [self.adopt(id=letter * 43) for letter in "abc"]
        result_of(self.shared.revoke(EVERYBODY, Revocation(START, START + 2000, "revoked")))
        self.assertEqual([live.ended for live in lives if live], ["revoked"] * 3)
        self.assertIsNone(self.adopt(id="d" * 43))
        self.assertIsNotNone(self.adopt(id="e" * 43, started_at=START + 1))

    def test_time_is_no_revocation(self) -> None:
        """A session that idled out in this process comes back with a cookie that says it was in use elsewhere."""
        live = self.adopt()
        assert live is not None
        self.book.end(live, "idle")
        self.assertIsNotNone(self.adopt(START + 150, seen_at=START + 140))

    def test_new_tokens_reach_every_host(self) -> None:
        """After a refresh all live sessions of the session have the new record; the refresh token stays on the host of the login."""
        here, there = self.adopt(tokens=tokens()), self.adopt(host=OTHER, parent=HOST, tokens=tokens(refresh=None))
        assert here is not None and there is not None
        self.book.take_over(record(version=1, tokens=tokens("refresh-2", access="access-2")))
        for live, refresh in ((here, "refresh-2"), (there, None)):
            given = live.signed_in.tokens
            assert given is not None
            self.assertEqual((given.access, given.refresh, live.cookie_due), ("access-2", refresh, True))
        self.assertEqual((there.record.host, there.record.parent), (OTHER, HOST))

    def test_unsent_tokens_are_held(self) -> None:
        """What no browser has yet stays in memory until one has shown it, or its time is over."""
        live = self.adopt(tokens=tokens())
        self.book.take_over(record(version=1, tokens=tokens("refresh-2")))
        del live
        gc.collect()
        self.book.release_expired(START + 50)
        self.assertEqual(len(self.book), 1)
        found = self.adopt(START + 60)
        assert found is not None and found.signed_in.tokens is not None
        self.assertEqual(found.signed_in.tokens.refresh, "refresh-2")
        self.book.release(found)
        del found
        gc.collect()
        self.assertEqual(len(self.book), 0)
        held = self.adopt(tokens=tokens())
        self.book.take_over(record(version=1, tokens=tokens("refresh-2")))
        del held
        self.book.release_expired(START + 500)
        gc.collect()
        self.assertEqual(len(self.book), 0)

    def test_refreshes_are_spread(self) -> None:
        """A thousand logins at nine o'clock do not refresh in the same second."""
        lives = [self.adopt(id=f"{number:043}", tokens=tokens(expires_at=START + 900)) for number in range(50)]
        due = [live.refresh_due_at for live in lives if live]
        self.assertGreater(max(due) - min(due), 5)
        self.assertTrue(all(START + 830 <= at <= START + 850 for at in due))
