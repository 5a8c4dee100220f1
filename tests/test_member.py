"""meshproxy.workers.member"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.problems import ConfError
from meshproxy.workers import relayed_log
from meshproxy.workers.member import Member, Task, WorkerEnded

from .support.worker_link import Machine, PlayedWorker

TOLD = {"run_key": "a secret", "workers": 2, "number": 1, "tally": 4, "sockets": {"tcp:80": 5, "tls:443": 6}}


class MemberTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.machine = Machine()
        self.ended: list[Member] = []
        self.kept: list[Any] = []
        self.task = Task(
            Path("/etc/conf"), 49, (("tcp:80", 50), ("tls:443", 51)), lambda: {"run_key": "a secret", "workers": 2},
            {"shared.double": lambda number: number * 2}, lambda number, record: self.kept.append((number, record)),
        )
        self.member = Member(self.machine, 1, 0, self.task, self.ended.append)

    def start(self) -> tuple[Any, PlayedWorker]:
        return self.member.start(), self.machine.workers[-1]

    def test_start(self) -> None:
        """It inherits standard output and error, link, tally and every socket, nothing else; no secret is where others could read it."""
        _, worker = self.start()
        self.assertEqual({0, 1, 2, 3, 4, 5, 6}, set(worker.inherited))
        self.assertEqual((1, 2, 49, 50, 51), tuple(worker.inherited[place] for place in (1, 2, 4, 5, 6)))
        command: list[str] = worker.command  # type: ignore[attr-defined]
        self.assertEqual(["--link=3", "/etc/conf"], command[-2:])
        self.assertNotIn("a secret", " ".join(command) + str(worker.environ))  # type: ignore[attr-defined]

    def test_environment(self) -> None:
        """It has the environment of the parent, in which this very package is found first."""
        self.patch(os, "environ", {"PATH": "/bin", "PYTHONPATH": "/elsewhere"})
        _, worker = self.start()
        environ: dict[str, str] = worker.environ  # type: ignore[attr-defined]
        root = str(Path(__file__).resolve().parents[1])
        self.assertEqual({"PATH": "/bin", "PYTHONPATH": f"{root}{os.pathsep}/elsewhere"}, environ)

    def test_begins(self) -> None:
        """It asks what to do, is told with its descriptors, and has begun when it says so."""
        begun, worker = self.start()
        self.assertFalse(self.member.introduced)
        worker.says_hello()
        self.assertEqual(TOLD, worker.given)
        self.assertEqual((True, False), (self.member.introduced, self.member.serving))
        self.assertNoResult(begun)
        worker.link.tell("serving")
        self.machine.flush()
        self.assertIsNone(self.successResultOf(begun))
        self.assertTrue(self.member.serving)

    def test_asks_the_parent(self) -> None:
        """What the task answers it may ask."""
        _, worker = self.start()
        worker.serves()
        answer = worker.link.ask("shared.double", number=4)
        self.machine.flush()
        self.assertEqual(8, self.successResultOf(answer))

    def test_kept(self) -> None:
        """A request that its inspector kept is for the others, with its number."""
        _, worker = self.start()
        worker.link.tell("kept", record={"request_id": "x"})
        self.machine.flush()
        self.assertEqual([(1, {"request_id": "x"})], self.kept)

    def test_refuses(self) -> None:
        """It says what is wrong with the conf directory, and that is why it did not begin."""
        begun, worker = self.start()
        worker.says_hello()
        worker.link.tell("refused", problems=[{"file": "users.toml", "key": "alice", "message": "no password", "hint": None}])
        worker.exits(1)
        self.machine.flush()
        error = self.failureResultOf(begun, ConfError).value
        self.assertEqual(["users.toml: alice: no password"], [str(problem) for problem in error.problems])
        self.assertEqual(([self.member], "exit status 1"), (self.ended, self.member.ending))

    def test_ends_before_it_begins(self) -> None:
        """One that dies before it serves has not begun."""
        begun, worker = self.start()
        worker.exits(killed=9)
        self.machine.flush()
        self.assertIn("worker 1 ended before it served: killed by SIGKILL", str(self.failureResultOf(begun, WorkerEnded).value))

    def test_no_process(self) -> None:
        """Where the system has no room for a process that is how it ended."""
        self.machine.out_of_processes = True
        begun = self.member.start()
        self.assertNoResult(begun)
        self.machine.flush()
        self.failureResultOf(begun, WorkerEnded)
        self.assertEqual("it cannot be started: Resource temporarily unavailable", self.member.ending)

    def test_last_words(self) -> None:
        """What it said before its end is heard although the end is known first."""
        _, worker = self.start()
        worker.serves()
        figures = [["meshproxy_requests_total", ["app", "2xx", ""], 7]]
        worker.link.tell("leaving", figures=figures)
        self.member.processEnded(Failure(ProcessDone(0)))
        self.assertEqual([], self.ended)
        assert worker.joint is not None
        worker.joint.flush()
        worker.joint.cut()
        self.assertEqual(([self.member], figures, "exit status 0"), (self.ended, self.member.figures, self.member.ending))

    def test_a_link_that_stays(self) -> None:
        """A link that somebody else holds open does not keep a dead worker: it is closed."""
        _, worker = self.start()
        worker.serves()
        self.member.processEnded(Failure(ProcessDone(0)))
        self.machine.passes(3)
        self.assertEqual([self.member], self.ended)

    def test_a_lost_link(self) -> None:
        """Whose link has ended serves no more, and is over when its process is."""
        _, worker = self.start()
        worker.serves()
        assert worker.joint is not None
        worker.joint.cut()
        self.assertEqual((False, []), (self.member.serving, self.ended))
        worker.exits(1)
        self.machine.flush()
        self.assertEqual([self.member], self.ended)

    def test_look(self) -> None:
        """How it is, as it says; when it does not answer that is how it is."""
        _, worker = self.start()
        worker.serves()
        worker.answers["look"] = {"reasons": ["store down"], "warnings": ["old key"], "figures": [["x", [], 1]]}
        self.machine.advance(5)
        from twisted.internet.defer import Deferred

        looked = Deferred.fromCoroutine(self.member.look(2.0))
        self.machine.flush()
        self.successResultOf(looked)
        found = (self.member.reasons, self.member.warnings, self.member.figures, self.member.answered_at)
        self.assertEqual((["store down"], ["old key"], [["x", [], 1]], self.machine.seconds()), found)
        worker.answers["look"] = Deferred()
        looked = Deferred.fromCoroutine(self.member.look(2.0))
        self.machine.passes(2)
        self.successResultOf(looked)
        self.assertEqual(["look: no answer within 2 s"], self.member.reasons)
        self.assertEqual([["x", [], 1]], self.member.figures)
        self.assertEqual(2, self.machine.seconds() - self.member.answered_at)

    def test_log(self) -> None:
        """Its log lines are written with its number."""
        written: list[Any] = []
        self.patch(relayed_log, "write", lambda *line: written.append(line))
        _, worker = self.start()
        worker.link.tell("log", level="warn", namespace="meshproxy.x", text="a line")
        self.machine.flush()
        self.assertEqual([(1, "warn", "meshproxy.x", "a line")], written)

    def test_kill(self) -> None:
        """It can be ended whatever it does; one that has ended already is no error."""
        _, worker = self.start()
        self.member.kill()
        self.assertEqual([signal.SIGKILL], worker.signals)

        def gone(_: Any) -> None:
            raise ProcessExitedAlready

        worker.signalProcess = gone  # type: ignore[method-assign]
        self.member.kill()
