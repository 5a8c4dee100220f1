import json
from types import SimpleNamespace

from twisted.trial import unittest

from meshproxy.core.heads import RequestHead
from meshproxy.observe.audit_events import of_arrival, of_exchange

from .support.exchanges import ALICE, exchange

NOW = 1_790_000_001.5


class ExchangeEventTests(unittest.SynchronousTestCase):
    def test_closing_event(self) -> None:
        """A closing event has every key of the contract, the cause and who answered."""
        self.assertEqual(
            {
                "time": "2026-09-21T14:13:21.500Z", "event": "request.forwarded", "request_id": "5f00000001",
                "principal": {"issuer": "https://idp.example", "subject": "alice-1", "email": "alice@example.com", "provider": "corp"},
                "client": "10.0.0.7", "service": "grafana", "method": "GET", "authority": "apps.example.com", "path": "/grafana/d/1",
                "status": 200, "reason": "group devs", "upstream": "grafana.monitoring.svc.cluster.local:3000", "duration_ms": 12.5,
                "answered_by": "service", "cause": "ok",
            },
            of_exchange("request.forwarded", exchange(), NOW),
        )

    def test_nobody_and_no_status(self) -> None:
        """Without a principal and before there is a status both are null."""
        event = of_exchange("request.accepted", exchange(principal=None, status=0), NOW)
        self.assertEqual((None, None), (event["principal"], event["status"]))

    def test_no_secret(self) -> None:
        """Neither the query, nor a field, nor a claim stands in it; it is JSON whatever bytes came."""
        text = json.dumps(of_exchange("request.forwarded", exchange(target=b"/\xff\n?code=s3cret", method=b"\xfe"), NOW))
        self.assertNotIn("s3cret", text)
        self.assertNotIn("claim", text)


class ArrivalEventTests(unittest.SynchronousTestCase):
    arrival = SimpleNamespace(
        request_id="5f02", client="10.0.0.7", authority="apps.example.com",
        head=RequestHead(b"GET", b"/_meshproxy/callback?code=s3cret&state=s3cret"),
    )

    def test_a_failed_login(self) -> None:
        """A login's event says where it came from, never its code."""
        about = {"provider": "corp", "attempt": "KJHGFD", "nothing": None}
        event = of_arrival("login.failed", NOW, arrival=self.arrival, reason="nonce differs", **about)
        self.assertEqual(
            {
                "time": "2026-09-21T14:13:21.500Z", "event": "login.failed", "request_id": "5f02", "principal": None, "client": "10.0.0.7",
                "method": "GET", "authority": "apps.example.com", "path": "/_meshproxy/callback", "reason": "nonce differs",
                "provider": "corp", "attempt": "KJHGFD",
            },
            event,
        )

    def test_nobodys_request(self) -> None:
        """What happens by itself has no request: the end of a session, a reload. Odd values become text."""
        event = of_arrival("session.ended", NOW, principal=ALICE, cause="expired", where=("a", 1))
        self.assertEqual({"time", "event", "principal", "cause", "where"}, set(event))
        self.assertEqual("('a', 1)", event["where"])
        self.assertEqual("alice-1", event["principal"]["subject"])
