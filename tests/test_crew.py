"""meshproxy.workers.crew"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.configured import Configured
from meshproxy.core.places import Origin
from meshproxy.problems import ConfError
from meshproxy.sessions.shared_state import LocalState, Revocation
from meshproxy.settings import Settings
from meshproxy.workers.crew import HUNG_AFTER, LOOK_EVERY, Crew
from meshproxy.workers.member import WorkerEnded
from meshproxy.workers.messages import Unanswered

from .support.worker_link import Machine, PlayedWorker

CONFIGURED = Configured(Settings(Path("/etc/conf"), Origin("http", "localhost", 80)), None)  # type: ignore[arg-type]
PROBLEM = {"file": "services/app.toml", "key": "route", "message": "no such thing", "hint": None}
SERVED = "meshproxy_requests_total"


def played(number: int) -> list[Any]:
    """Figures of a worker that answered so many requests and has one connection open."""
    return [[SERVED, ["app", "2xx", "request.forwarded"], number], ["meshproxy_connections_open", [], 1]]


class CrewTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.machine = Machine()
        self.shared = LocalState(self.machine)
        self.crew = Crew(self.machine, CONFIGURED, 2, self.shared)
        self.addCleanup(lambda: self.crew._tally.close())

    def begin(self) -> tuple[PlayedWorker, PlayedWorker]:
        started = Deferred.fromCoroutine(self.crew.start(["tcp:80", "tcp:81"]))
        one, two = self.machine.workers
        one.serves()
        self.assertNoResult(started)
        two.serves()
        self.successResultOf(started)
        return one, two

    def does(self, waiting: Any) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred.fromCoroutine(waiting) if hasattr(waiting, "send") else waiting
        self.machine.flush()
        return deferred

    # ---------------------------------------------------------------- beginning

    def test_begins(self) -> None:
        """It opens the sockets without accepting, starts the workers with them, and has begun when all serve."""
        one, two = self.begin()
        self.assertEqual([False, False], [port.reading for port in self.machine.ports])
        self.assertEqual([[100, 101], [100, 101]], [[worker.inherited[5], worker.inherited[6]] for worker in (one, two)])
        self.assertEqual(2, self.crew.serving)
        assert one.given is not None and two.given is not None
        self.assertEqual({"tcp:80": 5, "tcp:81": 6}, one.given["sockets"])
        self.assertEqual((2, "cookie"), (one.given["workers"], one.given["store"]))

    def test_one_key(self) -> None:
        """The session key that is made for a run is the same in all workers, and another one in the next run."""
        keys = {worker.given["run_key"] for worker in self.begin() if worker.given}
        self.machine, first = Machine(), self.crew
        self.addCleanup(first._tally.close)
        self.crew = Crew(self.machine, CONFIGURED, 2, self.shared)
        again = {worker.given["run_key"] for worker in self.begin() if worker.given}
        self.assertEqual((1, 1, 0), (len(keys), len(again), len(keys & again)))
        self.assertIsNot(first, self.crew)

    def test_one_that_refuses(self) -> None:
        """What one worker finds wrong with the conf directory keeps all from beginning."""
        started = Deferred.fromCoroutine(self.crew.start(["tcp:80"]))
        one, two = self.machine.workers
        one.serves()
        two.says_hello()
        two.link.tell("refused", problems=[PROBLEM])
        self.machine.flush()
        error = self.failureResultOf(started, ConfError).value
        self.assertEqual(["services/app.toml: route: no such thing"], [str(problem) for problem in error.problems])

    def test_one_that_dies_at_once(self) -> None:
        """Nor does it begin without one of them."""
        started = Deferred.fromCoroutine(self.crew.start(["tcp:80"]))
        self.machine.workers[0].exits(1)
        self.machine.flush()
        self.failureResultOf(started, WorkerEnded)

    # ---------------------------------------------------------------- shared state

    def test_revocations(self) -> None:
        """What becomes revoked anywhere is known to all, and to who comes later."""
        one, two = self.begin()
        one.link.ask("shared.revoke", name="x", at=1.0, expires_at=self.machine.seconds() + 9, cause="logout")
        self.machine.flush()
        expected = ["x", 1.0, self.machine.seconds() + 9, "logout"]
        self.assertEqual(([expected], [expected]), (one.revoked, two.revoked))
        two.exits(killed=9)
        self.machine.flush()
        late = self.machine.workers[-1]
        late.says_hello()
        assert late.given is not None
        self.assertEqual([expected], late.given["revoked"])

    def test_who_has_not_asked_yet(self) -> None:
        """A worker that has not said hello is told everything then, and nothing before."""
        Deferred.fromCoroutine(self.crew.start(["tcp:80"]))
        self.successResultOf(Deferred.fromCoroutine(self.shared.revoke("x", Revocation(1.0, self.machine.seconds() + 9, "logout"))))
        self.machine.flush()
        self.assertEqual([], self.machine.workers[0].revoked)

    # ---------------------------------------------------------------- supervision

    def test_a_dead_worker_is_replaced(self) -> None:
        """At once; the others serve meanwhile."""
        one, _ = self.begin()
        self.machine.passes(100)
        one.exits(killed=9)
        self.machine.flush()
        self.assertEqual((1, 3), (self.crew.serving, len(self.machine.workers)))
        self.assertEqual((True, ["worker 1 is starting"]), (self.crew.readiness().ready, list(self.crew.readiness().warnings)))
        self.machine.workers[-1].serves()
        self.assertEqual((2, 1), (self.crew.serving, self.crew.replaced))
        self.assertEqual([], list(self.crew.readiness().warnings))

    def test_a_crash_loop(self) -> None:
        """One whose successors keep dying is started ever later, and readiness says so; without any it is not ready."""
        one, two = self.begin()
        dying, started = one, []
        for _ in range(6):
            before, count = self.machine.seconds(), len(self.machine.workers)
            dying.exits(1)
            self.machine.flush()
            while len(self.machine.workers) == count:
                self.machine.passes(0.25)
            started.append(self.machine.seconds() - before)
            dying = self.machine.workers[-1]
        self.assertEqual([0.0, 0.5, 1.0, 2.0, 4.0, 8.0], started)
        self.assertEqual(["worker 1 keeps ending, 6 times in a row"], list(self.crew.readiness().warnings))
        self.assertTrue(self.crew.readiness().ready)
        two.exits(1)
        self.machine.flush()
        self.assertEqual(["no worker is serving"], list(self.crew.readiness().reasons))

    def test_a_successor_that_refuses(self) -> None:
        """A successor that cannot read the conf directory says why in the log, and the next one tries."""
        one, _ = self.begin()
        one.exits(killed=9)
        self.machine.flush()
        successor = self.machine.workers[-1]
        successor.says_hello()
        successor.link.tell("refused", problems=[PROBLEM])
        successor.exits(1)
        self.machine.passes(0.5)
        self.assertEqual(4, len(self.machine.workers))

    def test_a_hung_worker(self) -> None:
        """One that has not answered for a minute is ended; one that is slow to begin likewise."""
        one, two = self.begin()
        one.answers["look"] = Deferred()
        for _ in range(int(HUNG_AFTER / LOOK_EVERY)):
            self.machine.passes(LOOK_EVERY)
        self.assertEqual(([], []), (one.signals, two.signals))
        self.machine.passes(2)
        self.machine.passes(LOOK_EVERY)
        self.machine.passes(2)
        self.assertEqual((1, 0), (len(one.signals), len(two.signals)))

    # ---------------------------------------------------------------- reload

    def test_reload(self) -> None:
        """All prepare before any takes."""
        one, two = self.begin()
        waits: Deferred[Any] = Deferred()
        two.answers["prepare"] = waits
        reloading = self.does(self.crew.reload(CONFIGURED))
        self.assertEqual((["prepare"], ["prepare"]), (one.heard, two.heard))
        waits.callback([])
        self.machine.flush()
        self.successResultOf(reloading)
        self.assertEqual((["prepare", "take"], ["prepare", "take"]), (one.heard, two.heard))

    def test_a_bad_reload(self) -> None:
        """What one cannot take none takes; what is wrong is said once, however many found it."""
        one, two = self.begin()
        one.answers["prepare"] = two.answers["prepare"] = [PROBLEM]
        error = self.failureResultOf(self.does(self.crew.reload(CONFIGURED)), ConfError).value
        self.assertEqual(1, len(error.problems))
        two.answers["prepare"] = []
        self.failureResultOf(self.does(self.crew.reload(CONFIGURED)), ConfError)
        self.assertEqual(["prepare", "discard"] * 2, two.heard)

    def test_a_reload_that_one_does_not_answer(self) -> None:
        """Who does not answer keeps all from taking it; who dies meanwhile does not."""
        one, two = self.begin()
        two.answers["prepare"] = Deferred()
        reloading = self.does(self.crew.reload(CONFIGURED))
        self.machine.passes(30)
        error = self.failureResultOf(reloading, ConfError).value
        self.assertIn("worker 2: prepare: no answer within 30 s", str(error.problems[0]))
        reloading = self.does(self.crew.reload(CONFIGURED))
        two.exits(killed=9)
        self.machine.flush()
        self.successResultOf(reloading)
        self.assertEqual("take", one.heard[-1])

    def test_one_that_breaks_while_it_takes(self) -> None:
        """A worker that could not take what all have taken is ended: its successor reads the new files."""
        one, two = self.begin()

        def broken() -> None:
            raise ValueError("broken")

        two.answers["take"] = broken
        self.successResultOf(self.does(self.crew.reload(CONFIGURED)))
        self.assertEqual((0, 1), (len(one.signals), len(two.signals)))
        self.flushLoggedErrors(ValueError)

    def test_a_reload_while_one_starts(self) -> None:
        """A successor that may have read the old files takes the new ones as soon as it serves."""
        one, _ = self.begin()
        one.exits(killed=9)
        self.machine.flush()
        successor = self.machine.workers[-1]
        successor.says_hello()
        self.successResultOf(self.does(self.crew.reload(CONFIGURED)))
        self.assertEqual([], successor.heard)
        successor.link.tell("serving")
        self.machine.flush()
        self.assertEqual(["prepare", "take"], successor.heard)

    # ---------------------------------------------------------------- what is seen of them

    def test_figures(self) -> None:
        """Figures are of all; what a dead worker had counted stays, what it had open does not."""
        from meshproxy.observe.metrics import merged

        one, two = self.begin()
        one.answers["look"] = {"reasons": [], "warnings": [], "figures": played(5)}
        two.answers["look"] = {"reasons": [], "warnings": [], "figures": played(7)}
        self.successResultOf(self.does(self.crew.look()))
        total = {name: value for name, _, value in merged(self.crew.figures())}
        self.assertEqual({SERVED: 12, "meshproxy_connections_open": 2}, total)
        one.exits(killed=9)
        self.machine.flush()
        total = {name: value for name, _, value in merged(self.crew.figures())}
        self.assertEqual({SERVED: 12, "meshproxy_connections_open": 1}, total)

    def test_readiness(self) -> None:
        """A reason that all have is said once, one that some have with their names; who does not answer is one too."""
        one, two = self.begin()
        one.answers["look"] = {"reasons": ["store down", "logger x"], "warnings": ["old"], "figures": []}
        two.answers["look"] = {"reasons": ["store down"], "warnings": ["old"], "figures": []}
        self.successResultOf(self.does(self.crew.look()))
        self.assertEqual(["store down", "worker 1: logger x"], list(self.crew.readiness().reasons))
        self.assertEqual(["old"], list(self.crew.readiness().warnings))
        two.answers["look"] = Deferred()
        looking = self.does(self.crew.look())
        self.assertNoResult(looking)
        self.machine.passes(2)
        self.successResultOf(looking)
        self.assertIn("worker 2: look: no answer within 2 s", self.crew.readiness().reasons)

    def test_what_is_shared_is_down(self) -> None:
        """Without what must hold once nobody can log in: not ready, though all workers serve."""
        self.begin()
        self.shared.ready = lambda: "Redis does not answer"  # type: ignore[method-assign]
        self.assertEqual(["Redis does not answer"], list(self.crew.readiness().reasons))

    def test_what_one_kept(self) -> None:
        """A request that one worker kept for operators is told to the others, but to none that does not keep up."""
        one, two = self.begin()
        one.link.tell("kept", record={"request_id": "x"})
        self.machine.flush()
        self.assertEqual(([], [{"request_id": "x"}]), (one.kept, two.kept))
        self.crew._members[1].link.congested = True
        two.link.tell("kept", record={"request_id": "y"})
        self.machine.flush()
        self.assertEqual([], one.kept)

    def test_questions(self) -> None:
        """One worker or all can be asked; those that give no answer are left out, and none is an error."""
        one, two = self.begin()
        one.answers["question"] = lambda name: f"one {name}"
        two.answers["question"] = Deferred()
        self.assertEqual("one x", self.successResultOf(self.does(self.crew.ask_one("question", name="x"))))
        asking = self.does(self.crew.ask_all("question", name="x"))
        self.machine.passes(11)
        self.assertEqual(["one x"], self.successResultOf(asking))
        one.exits(1)
        two.exits(1)
        self.machine.flush()
        self.failureResultOf(self.does(self.crew.ask_one("question", name="x")), Unanswered)
        self.failureResultOf(self.does(self.crew.ask_all("question", name="x")), Unanswered)

    def test_the_command_line(self) -> None:
        """What may be asked on the control socket is what a single process may be asked."""
        from meshproxy.control_handlers import handlers

        self.assertEqual(set(handlers(None, None, None)), set(self.crew.questions()))  # type: ignore[arg-type]

    # ---------------------------------------------------------------- the end

    def test_drain(self) -> None:
        """First all stop accepting, then the sockets are closed, then all finish; nobody is replaced."""
        one, two = self.begin()
        waits: Deferred[Any] = Deferred()
        two.answers |= {"close": waits, "drain": None}
        draining = self.does(self.crew.drain(30))
        self.assertEqual((["close"], [True, True]), (one.heard, [port.listening for port in self.machine.ports]))
        waits.callback(None)
        self.machine.flush()
        self.assertEqual((["close", "drain"], [False, False]), (one.heard, [port.listening for port in self.machine.ports]))
        self.assertNoResult(draining)
        two.exits(0)
        self.machine.flush()
        self.successResultOf(draining)
        self.assertEqual((2, 0, []), (len(self.machine.workers), self.crew.serving, self.machine.getDelayedCalls()))

    def test_one_that_does_not_end(self) -> None:
        """One that has not finished in time is ended."""
        one, two = self.begin()
        two.answers["drain"] = Deferred()
        draining = self.does(self.crew.drain(30))
        self.machine.passes(30)
        self.assertEqual([], two.signals)
        self.machine.passes(3)
        self.assertEqual(1, len(two.signals))
        self.successResultOf(draining)
        self.assertEqual([], one.signals)

    def test_stop(self) -> None:
        """At once: all are told to end, whatever is under way; who is about to be started is not."""
        one, two = self.begin()
        one.exits(1)
        self.machine.flush()
        self.machine.workers[-1].exits(1)
        self.machine.flush()
        count = len(self.machine.workers)
        stopping = self.does(self.crew.stop())
        self.successResultOf(stopping)
        self.assertEqual((["end"], count, []), (two.heard, len(self.machine.workers), self.machine.getDelayedCalls()))
        self.assertEqual([False, False], [port.listening for port in self.machine.ports])

    def test_stop_after_drain(self) -> None:
        """As when meshproxy ends."""
        self.begin()
        self.successResultOf(self.does(self.crew.drain(30)))
        self.successResultOf(self.does(self.crew.stop()))

    def test_stop_while_it_begins(self) -> None:
        """A worker that is still beginning ends too."""
        started = Deferred.fromCoroutine(self.crew.start(["tcp:80"]))
        self.machine.flush()
        stopping = self.does(self.crew.stop())
        self.machine.passes(3)
        self.successResultOf(stopping)
        self.failureResultOf(started, WorkerEnded)
        self.assertEqual([], self.machine.getDelayedCalls())
