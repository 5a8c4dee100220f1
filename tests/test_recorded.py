"""What happened to a served request: :mod:`meshproxy.explain.recorded`, of what the inspector kept."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.exchange import Exchange
from meshproxy.core.peer import Peer
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RequestSettings, RouteSettings
from meshproxy.core.principal import Principal
from meshproxy.explain.explanation import Explanation
from meshproxy.explain.recorded import recorded
from meshproxy.observe.inspector import Inspector
from meshproxy.settings import ServiceSettings, Settings

SERVICE = ServiceSettings(
    "orders",
    "Orders",
    Upstream("http", "orders.svc", 80, "", "http://orders.svc"),
    RouteSettings("a.example", "/orders"),
    AccessSettings(groups=("shop",)),
    request=RequestSettings(strip=("X-Debug",)),
)
SETTINGS = Settings(Path("conf"), Origin("https", "a.example", 443), (SERVICE,))


def exchange(event: str, status: int, outgoing: bytes = b"") -> Exchange:
    one = Exchange(b"id1", b"GET", b"/orders/x?code=hush", "a.example", Peer("192.0.2.7"), 1000.0)
    one.fields = [(b"Host", b"a.example"), (b"X-Debug", b"1"), (b"Accept", b"*/*"), (b"Authorization", b"Bearer hush")]
    one.event, one.status, one.service, one.outgoing_head = event, status, "orders" if outgoing else "", outgoing
    one.principal = Principal("users:local", "alice", "alice@example.com", groups=("shop",), provider="local")
    return one


class Recorded(SynchronousTestCase):
    def explain(self, one: Exchange) -> Explanation:
        inspector = Inspector()
        inspector.record(one)
        record = inspector.find("id1")
        assert record is not None
        return recorded(SETTINGS, record.as_dict())

    def test_a_forwarded_request(self) -> None:
        """What came and did not pass by the service's own table, what passed, what was set; no secret."""
        told = self.explain(
            exchange(
                "request.forwarded", 200, b"GET /x?code=hush HTTP/1.1\r\nHost: orders.svc\r\nAccept: */*\r\nX-Forwarded-User: alice\r\n\r\n"
            )
        )
        self.assertEqual((told.verdict, told.service, told.route, told.exit_status), ("forward", "orders", ("a.example", "/orders"), 0))
        self.assertEqual(
            [(one.name, one.action, one.by) for one in told.fields],
            [
                ("X-Debug", "drop", "[request] strip"),
                ("Authorization", "drop", "meshproxy"),
                ("Accept", "keep", "browser"),
                ("X-Forwarded-User", "set", "meshproxy or a rewriter"),
            ],
        )
        self.assertNotIn("hush", str(told.as_dict()))
        assert told.principal is not None and told.upstream is not None
        self.assertEqual((told.principal.groups, told.upstream.host), (("shop",), "orders.svc"))

    def test_what_was_not_forwarded(self) -> None:
        """A challenge and a refusal keep their status and exit status."""
        for event, verdict, status, exits in (("request.challenged", "challenge", 302, 2), ("request.refused", "refuse", 403, 3)):
            told = self.explain(exchange(event, status))
            self.assertEqual((told.verdict, told.status, told.exit_status, told.fields), (verdict, status, exits, ()))
