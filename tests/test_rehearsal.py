"""One request through the gateway without a connection: :mod:`meshproxy.explain.rehearsal`; the whole is test_stagehand's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.compiling import protect, route_table, trust_of
from meshproxy.core.evidence import Evidence
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.diagnosing import Diagnosing
from meshproxy.explain.rehearsal import Outcome, RecordingPool, Stage
from meshproxy.explain.stagehand import _Leaf, _NoAudit
from meshproxy.rewriting import Rewriting
from meshproxy.settings import ServiceSettings, Settings
from meshproxy.web.gateway import Gateway
from meshproxy.web.pages import Pages
from meshproxy.web.refusals import Refusals
from meshproxy.web.request_providers import RequestProviders
from meshproxy.web.tree import Tree
from meshproxy.wheel import Wheel

SERVICE = ServiceSettings(
    "s", "S", Upstream("http", "s.svc", 80, "", "http://s.svc"), RouteSettings("a.example", "/s"), AccessSettings(public=True)
)
SETTINGS = Settings(Path("/nowhere"), Origin("http", "a.example", 80), (SERVICE,), mesh=False)


class Upstreams:
    """A pool that the test answers for."""

    def __init__(self) -> None:
        self.receiver: Any = None
        self.cancelled = 0

    def submit(self, receiver: Any, head: bytes, method: bytes, **more: Any) -> Any:
        self.receiver = receiver
        return self

    def cancel(self) -> None:
        self.cancelled += 1


class Rehearsals(SynchronousTestCase):
    def play(self, head: bytes, upstreams: Upstreams | None = None) -> Deferred[Outcome]:
        self.clock = Clock()
        gateway = Gateway(self.clock, Wheel(self.clock), None, _NoAudit(), (), "test-")
        gateway.trust = trust_of(SETTINGS)
        stage = Stage(gateway, gateway.trust.peer("192.0.2.1", 1), self.clock)
        pool = RecordingPool(stage, None if upstreams is None else lambda: upstreams)
        services = protect(SETTINGS, {"s": Rewriting(())}, lambda _: pool, b"meshproxy")
        gateway.configure(
            tree=Tree(route_table(SETTINGS), {"s": _Leaf(services["s"])}, None),  # type: ignore[arg-type,dict-item]
            trust=gateway.trust,
            limits=SETTINGS.limits,
            providers=RequestProviders({}),
            handoff=None,
            refusals=Refusals(SETTINGS, Pages(SETTINGS, SETTINGS.conf_dir), None, Diagnosing(SETTINGS)),
        )
        return Deferred.fromCoroutine(stage.play(head, lambda service: None))

    def outcome(self, head: bytes) -> Outcome:
        return self.successResultOf(self.play(head))

    def test_nothing_is_sent(self) -> None:
        """The head that would go up is known, and that is the end."""
        outcome = self.outcome(b"GET /s/x HTTP/1.1\r\nHost: a.example\r\n\r\n")
        self.assertTrue(outcome.head.startswith(b"GET /s/x HTTP/1.1\r\nHost: s.svc\r\n"))
        self.assertEqual((outcome.event, outcome.reason, outcome.answer), ("request.forwarded", "public", None))

    def test_heads_that_are_none(self) -> None:
        """Have the status that the channel would give them."""
        for status, head in (
            (400, b"GET /s HTTP/1.1\r\n\r\n"),
            (400, b"GET  /s HTTP/1.1\r\nHost: a.example\r\n\r\n"),
            (405, b"TRACE /s HTTP/1.1\r\nHost: a.example\r\n\r\n"),
            (400, b"GET /s HTTP/1.1\r\nHost: a.example\r\nA B: 1\r\n\r\n"),
            (404, b"GET /t HTTP/1.1\r\nHost: a.example\r\n\r\n"),
            (421, b"GET /s HTTP/1.1\r\nHost: b.example\r\n\r\n"),
        ):
            self.assertEqual(self.outcome(head).status, status, head)

    def test_for_meshproxy_itself(self) -> None:
        """Its own pages, and what a proxy answers for itself."""
        for head in (
            b"GET /_meshproxy/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
            b"OPTIONS /s HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 0\r\n\r\n",
        ):
            outcome = self.outcome(head)
            self.assertTrue(outcome.own, head)
            self.assertEqual(outcome.head, b"")

    def test_a_sent_request(self) -> None:
        """The answer's status, fields and first bytes; nobody waits for the end of one that has none."""
        upstreams = Upstreams()
        asked = self.play(b"GET /s HTTP/1.1\r\nHost: a.example\r\n\r\n", upstreams)
        upstreams.receiver.upstream_connected()
        upstreams.receiver.answer_started(200, b"OK", [(b"A", b"1")], None, False)
        upstreams.receiver.answer_data(b"x" * 5000)
        self.assertNoResult(asked)
        self.clock.advance(6)
        outcome = self.successResultOf(asked)
        self.assertEqual(
            (outcome.sent_status, outcome.sent_fields, len(outcome.sent_body), outcome.sent_whole), (200, [(b"A", b"1")], 4096, False)
        )
        self.assertEqual((upstreams.cancelled, self.clock.getDelayedCalls()), (1, []))

    def test_a_whole_answer(self) -> None:
        """Is the end; its record says how long it took."""
        upstreams = Upstreams()
        asked = self.play(b"GET /s HTTP/1.1\r\nHost: a.example\r\n\r\n", upstreams)
        upstreams.receiver.answer_started(404, b"Not Found", [], 2, False)
        upstreams.receiver.answer_data(b"no")
        upstreams.receiver.answer_finished()
        outcome = self.successResultOf(asked)
        self.assertEqual((outcome.sent_status, outcome.sent_body, outcome.sent_whole), (404, b"no", True))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_an_upstream_that_fails(self) -> None:
        """Before its head: meshproxy's own answer and a diagnosis; after it: cut."""
        upstreams = Upstreams()
        asked = self.play(b"GET /s HTTP/1.1\r\nHost: a.example\r\n\r\n", upstreams)
        upstreams.receiver.upstream_failed(Evidence(phase="connect", end="refused", errno=111))
        outcome = self.successResultOf(asked)
        assert outcome.exchange is not None
        self.assertEqual((outcome.status, outcome.exchange.cause, outcome.event), (502, "connect_refused", "request.failed"))
        asked = self.play(b"GET /s HTTP/1.1\r\nHost: a.example\r\n\r\n", upstreams)
        upstreams.receiver.answer_started(200, b"OK", [], 10, False)
        upstreams.receiver.upstream_failed(Evidence(phase="body", end="eof"))
        outcome = self.successResultOf(asked)
        assert outcome.exchange is not None
        self.assertEqual((outcome.sent_cut, outcome.exchange.cause), (True, "response_cut"))
