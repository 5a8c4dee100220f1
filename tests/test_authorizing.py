"""The gateway's rules without a relay: :mod:`meshproxy.web.authorizing`. By way of the endpoint: ``test_forward_auth.py``."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.exchange import Exchange
from meshproxy.core.inspection import inspect
from meshproxy.core.peer import Peer
from meshproxy.core.verdict import Challenge, Forward, Refuse
from meshproxy.observe.audit import AuditFailed
from meshproxy.web.authorizing import Asked, Authorizer, Ruling, lines
from tests.support.house import ALICE, House, Live


class RequiredAudit:
    """A trail whose records are required, and come when the test says."""

    required = True

    def __init__(self) -> None:
        self.accepted: Deferred[None] | None = None

    def accept(self, exchange: Exchange) -> Deferred[None] | None:
        return self.accepted


class AuthorizerTests(SynchronousTestCase):
    def ask(self, house: House, session: Any = None, *fields: tuple[bytes, bytes], method: bytes = b"GET") -> Deferred[Ruling]:
        self.addCleanup(house.close)
        facts = inspect(method, b"/x", "1.1", [(b"Host", b"apps.test:8080"), *fields])
        exchange = Exchange(b"r", method, b"/x", facts.authority, Peer("192.0.2.7", trusted=True), 0.0)
        return Deferred.fromCoroutine(Authorizer(house.gateway)(Asked(method, b"/x", facts, tuple(fields), exchange, session, 0.0)))

    def test_a_recorded_request_passes(self) -> None:
        """Where a record is required, the ruling waits for it."""
        audit = RequiredAudit()
        audit.accepted = Deferred()
        waits = self.ask(House(audit=audit), Live(ALICE))
        self.assertNoResult(waits)
        audit.accepted.callback(None)
        self.assertIsInstance(self.successResultOf(waits).verdict, Forward)

    def test_an_unrecorded_request_does_not(self) -> None:
        """503, and no identity with it."""
        audit = RequiredAudit()
        audit.accepted = fail(AuditFailed("disk full"))
        ruling = self.successResultOf(self.ask(House(audit=audit), Live(ALICE)))
        self.assertEqual(ruling, Ruling(Refuse(503, "the audit record could not be written")))

    def test_a_handed_off_session_asks_its_parent(self) -> None:
        """A navigation makes the hop when it is due; other requests go on."""
        live = Live(ALICE, parent="login.test")
        ruling = self.successResultOf(self.ask(House(), live, (b"Sec-Fetch-Mode", b"navigate")))
        self.assertIsInstance(ruling.verdict, Challenge)
        self.assertIsInstance(self.successResultOf(self.ask(House(), live, (b"Sec-Fetch-Mode", b"cors"))).verdict, Forward)

    def test_identity_lines(self) -> None:
        """What stands ready for the wire, as fields again."""
        self.assertEqual(lines(b"X-A: 1\r\nImpersonate-Group: a: b\r\n"), ((b"X-A", b"1"), (b"Impersonate-Group", b"a: b")))
        self.assertEqual(lines(b""), ())
