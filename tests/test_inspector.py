"""The last requests, before and after: :mod:`meshproxy.observe.inspector`; its pages are :mod:`tests.test_web_inspector`'s."""

from __future__ import annotations

import gc
import time
from types import SimpleNamespace

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.exchange import Exchange
from meshproxy.core.peer import Peer
from meshproxy.core.principal import Principal
from meshproxy.observe.inspector import Inspector, Record

OUT = (
    b"GET /x?code=hush HTTP/1.1\r\nHost: orders.svc\r\nAccept: */*\r\nAuthorization: Bearer hush2\r\n"
    b"Content-Length: 3\r\nX-User: alice\r\n\r\n"
)


def exchange(
    number: int = 1, service: str = "orders", *, failed: bool = False, at: float = 1000.0, target: bytes = b"/orders/x?code=hush"
) -> Exchange:
    one = Exchange(b"id%d" % number, b"GET", target, "apps.example.com", Peer("192.0.2.7"), at)
    one.service, one.event, one.status = service, "request.failed" if failed else "request.forwarded", 502 if failed else 200
    one.fields = [(b"Host", b"apps.example.com"), (b"Accept", b"*/*"), (b"Cookie", b"meshproxy=hush"), (b"X-User", b"root")]
    one.outgoing_head = OUT
    one.principal = Principal("users:local", "alice", "alice@example.com", groups=("shop",), claims={"token": "hush"})
    return one


class InspectorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.inspector = Inspector(requests=5, a_second=3)

    def record(self, *exchanges: Exchange) -> None:
        for one in exchanges:
            self.inspector.record(one)

    def found(self, request_id: str) -> Record:
        record = self.inspector.find(request_id)
        assert record is not None
        return record

    def test_before_and_after(self) -> None:
        """What came with what passed of it, what went with what of it had come; Host apart, framing not at all."""
        self.record(exchange())
        told = self.found("id1").as_dict()
        self.assertEqual(
            [(one["name"], one["kept"]) for one in told["incoming"]],
            [("Host", False), ("Accept", True), ("Cookie", False), ("X-User", False)],
        )
        self.assertEqual((told["outgoing"]["request_line"], told["outgoing"]["host"]), ("GET /x?code=[redacted] HTTP/1.1", "orders.svc"))
        self.assertEqual(
            [(one["name"], one["value"], one["came"]) for one in told["outgoing"]["fields"]],
            [("Accept", "*/*", True), ("Authorization", "[redacted]", False), ("X-User", "alice", False)],
        )
        self.assertEqual((told["principal"]["groups"], told["client"], told["status"]), (["shop"], "192.0.2.7", 200))

    def test_no_secret_is_kept(self) -> None:
        """Nothing that the record holds, whatever is asked of it, has one."""
        self.record(exchange())
        record = self.found("id1")
        kept = repr([getattr(record, name) for name in Record.__slots__])
        self.assertNotIn("hush", kept)
        self.assertNotIn("hush", repr([one for one in gc.get_referents(record) if not isinstance(one, type)]))

    def test_what_was_not_forwarded(self) -> None:
        """Has no other side."""
        one = exchange()
        one.outgoing_head = b""
        self.record(one)
        self.assertIsNone(self.found("id1").as_dict()["outgoing"])

    def test_failures_are_always_kept(self) -> None:
        """Whatever the load, and whatever good requests come after them; with their diagnosis."""
        bad = exchange(1, failed=True)
        bad.diagnosis = SimpleNamespace(
            answered_by="nobody", cause="connect_refused", confidence="proven", also=(), because=("x",), hints=("y",)
        )
        self.record(*(exchange(n) for n in range(100, 150)), bad, *(exchange(n) for n in range(200, 250)))
        self.record(*(exchange(n, at=1000.0 + n) for n in range(300, 350)))
        self.assertEqual(self.found("id1").as_dict()["diagnosis"]["cause"], "connect_refused")
        self.assertTrue(self.found("id1").failed)

    def test_load_is_sampled(self) -> None:
        """So many good ones a second and service; the others are counted. The next second begins anew."""
        self.record(*(exchange(n) for n in range(10)), exchange(20, "other"), exchange(21, at=1001.0))
        self.assertEqual({record.request_id for record in self.inspector.recent()}, {"id0", "id1", "id2", "id20", "id21"})
        self.assertEqual(self.inspector.skipped, 7)

    def test_it_is_bounded(self) -> None:
        """The last ones of each kind and service; what goes is found no more. Values are cut."""
        self.record(*(exchange(n, at=float(n)) for n in range(20)), *(exchange(n, failed=True, at=float(n)) for n in range(20, 40)))
        self.assertEqual(
            [record.request_id for record in self.inspector.recent()], [f"id{n}" for n in (*range(39, 34, -1), *range(19, 14, -1))]
        )
        self.assertIsNone(self.inspector.find("id14"))
        big = exchange(99, failed=True)
        big.fields = [(b"X", b"v" * 50_000)] * 500
        self.record(big)
        self.assertLess(len(str(self.found("id99").as_dict())), 250_000)

    def test_of_one_service(self) -> None:
        """Newest first; of a service or of all."""
        self.record(exchange(1, at=1.0), exchange(2, "other", at=2.0), exchange(3, at=3.0))
        self.assertEqual([record.request_id for record in self.inspector.recent()], ["id3", "id2", "id1"])
        self.assertEqual([record.request_id for record in self.inspector.recent("orders", limit=1)], ["id3"])
        self.assertEqual((self.inspector.recent("nobody"), self.inspector.services), ([], ["orders", "other"]))

    def test_it_does_not_look_at_itself(self) -> None:
        """Requests for its own page are not kept."""
        self.record(exchange(1, "", target=b"/_meshproxy/inspector?x"), exchange(2, "", target=b"/_meshproxy/login"))
        self.assertEqual([record.request_id for record in self.inspector.recent()], ["id2"])

    def test_subscribers(self) -> None:
        """Are told of what is kept, until they leave; one that breaks is dropped."""
        seen: list[str] = []
        leave = self.inspector.subscribe(lambda record: seen.append(record.request_id))
        self.inspector.subscribe(lambda record: 1 / 0)  # type: ignore[arg-type,return-value]
        self.record(exchange(1))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.record(exchange(2))
        leave()
        self.record(exchange(3))
        self.assertEqual(seen, ["id1", "id2"])

    def measure(self) -> float:
        """Microseconds a request under load; run by hand: ``InspectorTests('measure').measure()``."""
        inspector, one = Inspector(), exchange()
        begun = time.perf_counter()
        for number in range(100_000):
            one.started_at = 1000.0 + number / 5000
            inspector.record(one)
        return (time.perf_counter() - begun) * 10
