"""meshproxy.workers.messages"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import StoreDown
from meshproxy.workers.messages import ANSWER_WITHIN, Unanswered

from .support.worker_link import joined


class LinkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.heard: list[Any] = []
        self.there: dict[str, Any] = {"note": lambda **about: self.heard.append(about)}
        self.here, self.other, self.joint = joined(self.clock, {}, self.there)

    def test_question_and_answer(self) -> None:
        """A question goes over with what it is about, its answer comes back; what it is about may be called anything."""
        self.there["double"] = lambda name, within_what, number: [name, within_what, number * 2]
        answer = self.here.ask("double", name="x", within_what=None, number=21)
        self.assertNoResult(answer)
        self.joint.flush()
        self.assertEqual(["x", None, 42], self.successResultOf(answer))

    def test_answers_that_wait(self) -> None:
        """What waits, as a coroutine or a Deferred, is answered when it is known; another question is not held up by it."""
        waits: Deferred[str] = Deferred()

        async def coroutine() -> str:
            return await waits

        self.there |= {"slow": coroutine, "quick": lambda: "quick"}
        slow, quick = self.here.ask("slow"), self.here.ask("quick")
        self.joint.flush()
        self.assertEqual("quick", self.successResultOf(quick))
        self.assertNoResult(slow)
        waits.callback("slow")
        self.joint.flush()
        self.assertEqual("slow", self.successResultOf(slow))

    def test_remarks(self) -> None:
        """A remark needs no answer; one that cannot be handled is logged and ends nothing."""
        self.there["broken"] = lambda: 1 / 0
        self.here.tell("broken")
        self.here.tell("note", name="after")
        self.joint.flush()
        self.assertEqual([{"name": "after"}], self.heard)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_order(self) -> None:
        """What was said first is heard first, whether it was a remark or a question."""
        order: list[str] = []
        self.there |= {"one": lambda: order.append("one"), "two": lambda: order.append("two")}
        for name in ("one", "two", "two", "one"):
            self.here.tell(name) if name == "one" else self.here.ask(name)
        self.joint.flush()
        self.assertEqual(["one", "two", "two", "one"], order)

    def test_store_down(self) -> None:
        """What is down there is down here: the same error, with its words."""

        async def down() -> None:
            raise StoreDown("the disk is full")

        self.there["down"] = down
        answer = self.here.ask("down")
        self.joint.flush()
        self.assertEqual("the disk is full", str(self.failureResultOf(answer, StoreDown).value))

    def test_a_handler_that_breaks(self) -> None:
        """A fault over there is logged there; here it is a question without an answer, and no word of the fault's own gets over."""

        def broken() -> None:
            raise ValueError("a secret")

        self.there |= {"broken": broken, "unspeakable": lambda: object()}
        for name in ("broken", "unspeakable", "unknown"):
            answer = self.here.ask(name)
            self.joint.flush()
            error = self.failureResultOf(answer, Unanswered).value
            self.assertIn(name, str(error))
            self.assertNotIn("secret", str(error))
        self.assertEqual(3, len(self.flushLoggedErrors()))

    def test_no_answer_in_time(self) -> None:
        """A question has its time; an answer that comes after it is dropped."""
        waits: Deferred[str] = Deferred()
        self.there["slow"] = lambda: waits
        answer = self.here.ask("slow")
        quicker = self.here.ask("slow", within=1.0)
        self.joint.flush()
        self.clock.advance(1.0)
        self.assertIn("no answer within 1 s", str(self.failureResultOf(quicker, Unanswered).value))
        self.clock.advance(ANSWER_WITHIN)
        self.failureResultOf(answer, Unanswered)
        waits.callback("late")
        self.joint.flush()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_the_end_of_the_link(self) -> None:
        """With the link every open question ends; later ones fail at once, and remarks are heard by nobody."""
        self.there["slow"] = Deferred
        answer = self.here.ask("slow")
        self.joint.flush()
        self.joint.cut()
        self.failureResultOf(answer, Unanswered)
        self.failureResultOf(self.here.ask("note"), Unanswered)
        self.here.tell("note")
        self.assertFalse(self.here.connected)
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_an_answer_for_nobody(self) -> None:
        """What becomes known after the link has ended is told to nobody, without an error."""
        waits: Deferred[str] = Deferred()
        self.there["slow"] = lambda: waits
        self.here.ask("slow").addErrback(lambda failure: failure.trap(Unanswered))
        self.joint.flush()
        self.joint.cut()
        waits.callback("late")
        self.assertEqual([], self.flushLoggedErrors())

    def test_congestion(self) -> None:
        """Who sends faster than the other side takes is told so, by the transport's own back-pressure."""
        transport: Any = self.here.transport
        self.assertEqual((True, False), (transport.streaming, self.here.congested))
        transport.producer.pauseProducing()
        self.assertTrue(self.here.congested)
        transport.producer.resumeProducing()
        self.assertFalse(self.here.congested)

    def test_big_messages(self) -> None:
        """A message may be as big as all revocations together are."""
        self.there["count"] = lambda many: len(many)
        answer = self.here.ask("count", many=["x" * 100] * 50_000)
        self.joint.flush()
        self.assertEqual(50_000, self.successResultOf(answer))
