"""meshproxy.sessions.live"""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.sessions.live import NEVER, LiveSession, Timing, refresh_due_at

from .support.sessions import ALICE, START, Tunnel, record, tokens

TIMING = Timing(lifetime=1000, idle_timeout=100, recheck=50)


def live(**changes: object) -> LiveSession:
    return LiveSession(record(**changes), TIMING, jitter=0.0)


class LiveSessionTests(SynchronousTestCase):
    def test_when_it_ends(self) -> None:
        """Idle, lifetime, or the provider's end: whichever comes first."""
        session = live()
        self.assertEqual((session.expires_at, session.hard_ends_at), (START + 100, START + 1000))
        session.touch(START + 950, 100)
        self.assertEqual(session.expires_at, START + 1000)
        self.assertEqual(live(ends_at=START + 60).expires_at, START + 60)

    def test_an_update(self) -> None:
        """New groups or tokens make what was computed void; a mere use does not."""
        session = live(tokens=tokens())
        session.admissions["grafana"] = object()
        session.update(replace(session.record, version=1, seen_at=START + 5), TIMING)
        self.assertEqual((session.epoch, list(session.admissions), session.seen_at), (0, ["grafana"], START + 5))
        session.update(replace(session.record, version=2, principal=replace(ALICE, groups=())), TIMING)
        self.assertEqual((session.epoch, session.admissions, session.principal.groups), (1, {}, ()))
        session.update(replace(session.record, version=3, tokens=tokens(access="access-2")), TIMING)
        self.assertEqual(session.epoch, 2)
        assert session.signed_in.tokens is not None
        self.assertEqual(session.signed_in.tokens.access, "access-2")

    def test_the_end(self) -> None:
        """Its channels close, once; it is good for nothing any more."""
        session, tunnel = live(), Tunnel()
        session.channels.add(tunnel)
        self.assertTrue(session.end("logout"))
        self.assertFalse(session.end("idle"))
        self.assertEqual((tunnel.ended, session.ended, session.good_until, session.admissions), (["logout"], "logout", 0.0, {}))

    def test_a_channel_that_leaves_while_it_closes(self) -> None:
        """A tunnel may take itself out of the set when it is told."""
        session = live()

        class Leaving:
            def session_ended(self, cause: str) -> None:
                session.channels.discard(self)

        session.channels |= {Leaving(), Leaving()}
        session.end("logout")
        self.assertEqual(session.channels, set())


class RefreshDueTests(SynchronousTestCase):
    def test_a_minute_before(self) -> None:
        """60 s before the access token's end, give or take ten."""
        due = record(tokens=tokens(expires_at=START + 3600))
        self.assertEqual([refresh_due_at(due, jitter) - START for jitter in (-1.0, 0.0, 1.0)], [3550, 3540, 3530])

    def test_short_lives(self) -> None:
        """A token that lives less than two minutes is refreshed in the middle of its life, not with every request."""
        self.assertEqual(refresh_due_at(record(tokens=tokens(expires_at=START + 30)), 1.0) - START, 15)

    def test_never(self) -> None:
        """Without a refresh token, or without a known end, there is nothing to refresh."""
        for given in (None, tokens(refresh=None), tokens(expires_at=None)):
            self.assertEqual(refresh_due_at(record(tokens=given), 0.0), NEVER)
