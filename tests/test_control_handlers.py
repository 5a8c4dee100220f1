"""What can be asked of a running meshproxy: :mod:`meshproxy.control_handlers`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Principal, SignedIn, StoreDown
from meshproxy.builtin.memory_store import MemoryStore
from meshproxy.control import ControlError
from meshproxy.control_handlers import handlers
from meshproxy.core.envelope import KeyRing
from meshproxy.core.exchange import Exchange
from meshproxy.core.peer import Peer
from meshproxy.core.places import Origin
from meshproxy.observe.inspector import Inspector
from meshproxy.observe.login_reports import LoginReports
from meshproxy.sessions.manager import Sessions
from meshproxy.sessions.shared_state import LocalState
from meshproxy.settings import Settings
from tests.support.contexts import context


class Handlers(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000.0)
        self.store: Any = MemoryStore({}, context(self.clock, None))
        self.begin(self.store)

    def begin(self, store: Any) -> None:
        settings = Settings(Path("conf"), Origin("https", "apps.example.com", 443))
        self.sessions = Sessions(
            settings, keys=KeyRing((b"k" * 32,)), store=store, shared=LocalState(self.clock), providers={"corp": object()}, clock=self.clock
        )
        self.inspector, self.logins = Inspector(), LoginReports()
        self.handlers = handlers(self.sessions, self.inspector, self.logins)

    def ask(self, name: str, **question: Any) -> Any:
        async def asked() -> Any:
            return await self.handlers[name](question)

        return self.successResultOf(Deferred.fromCoroutine(asked()))

    def refused(self, name: str, **question: Any) -> str:
        async def asked() -> Any:
            return await self.handlers[name](question)

        return str(self.failureResultOf(Deferred.fromCoroutine(asked()), ControlError).value)

    def log_in(self, subject: str) -> None:
        who = Principal("https://corp", subject, f"{subject}@example.com", provider="corp", email_verified=True)
        self.successResultOf(
            Deferred.fromCoroutine(
                self.sessions.start(SignedIn(who), "corp", "apps.example.com", self.clock.seconds(), address="192.0.2.7")
            )
        )

    def listed(self, **question: Any) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.ask("sessions.list", **question)["sessions"]
        return found

    def test_sessions(self) -> None:
        """Listed, of everybody or of one; ended by id, by subject, or all, and then not listed any more."""
        for subject in ("alice", "alice", "bob", "carol"):
            self.log_in(subject)
            self.clock.advance(1)
        self.assertEqual([one["subject"] for one in self.listed()], ["carol", "bob", "alice", "alice"])
        [bob] = self.listed(subject="bob")
        self.assertEqual((bob["email"], bob["provider"], bob["address"]), ("bob@example.com", "corp", "192.0.2.7"))
        self.assertEqual(self.ask("sessions.revoke", id=bob["id"]), {"revoked": 1})
        self.assertEqual(self.ask("sessions.revoke", id=bob["id"]), {"revoked": 0})
        self.assertEqual(self.ask("sessions.revoke", subject="alice"), {"revoked": 2})
        self.assertEqual([one["subject"] for one in self.listed()], ["carol"])
        self.assertEqual(self.ask("sessions.revoke", all=True), {"revoked": 1})
        self.assertEqual(self.listed(), [])
        self.assertIn("whose session", self.refused("sessions.revoke"))

    def test_sessions_that_nobody_can_list(self) -> None:
        """Those in cookies: the answer says so."""
        self.begin(None)
        self.assertIn("cookie", self.refused("sessions.list"))

    def test_a_store_that_is_down(self) -> None:
        """Says so, too."""

        async def down(*_: Any, **__: Any) -> Any:
            raise StoreDown("no route")

        self.store.find = down
        self.assertIn("store is down", self.refused("sessions.list"))
        self.assertIn("store is down", self.refused("sessions.revoke", all=True))

    def test_a_login(self) -> None:
        """Its steps, by the code in any case; none is an answer too."""
        self.logins.audited({"time": "t", "event": "login.failed", "attempt": "AB2C", "reason": "nonce"})
        self.assertEqual(self.ask("login-report", code="ab2c")["steps"], [{"time": "t", "event": "login.failed", "reason": "nonce"}])
        self.assertIn("ZZZZ", self.refused("login-report", code="ZZZZ"))

    def test_a_request(self) -> None:
        """A recorded one by its id."""
        exchange = Exchange(b"r1", b"GET", b"/x", "a", Peer("192.0.2.1"), 1.0)
        exchange.event = "request.failed"
        self.inspector.record(exchange)
        self.assertEqual(self.ask("request", id="r1")["target"], "/x")
        self.assertIn("no such request", self.refused("request", id="r2"))
