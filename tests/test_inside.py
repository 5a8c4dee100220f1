"""meshproxy.workers.inside"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.sessions.shared_state import LocalState
from meshproxy.web.downstream_tls import listen_endpoint
from meshproxy.workers import inside as inside_module
from meshproxy.workers import parents_state
from meshproxy.workers.inside import ORPHAN_FOR, Inside
from meshproxy.workers.messages import Link
from meshproxy.workers.turns import open_tally

from .support.house import Browser
from .support.worker_link import Joint
from .test_serving import FRAGILE, MAIN, PUBLIC, USERS

KEY = bytes(range(32))


class InsideTests(SynchronousTestCase):
    """A worker with its real parts; the parent is the test's, and so are the sockets."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        for name, text in (("meshproxy.toml", MAIN), ("users.toml", USERS), ("services/app.toml", PUBLIC % "app")):
            self.write(name, text)
        self.reactor = MemoryReactorClock()
        self.reactor.running = True
        self.stopped: list[float] = []
        self.reactor.stop = self._stop  # type: ignore[method-assign]
        self.patch(inside_module, "inherited_endpoint", lambda reactor, text, tls, *_: listen_endpoint(reactor, text, tls))
        self.shared = LocalState(self.reactor)
        self.told: list[tuple[str, Any]] = []
        self.task: dict[str, Any] = {
            "workers": 2, "run_key": base64.b64encode(KEY).decode(), "store": "cookie", "revoked": [], "sockets": {"tcp:8080": 5},
            "number": 1, "tally": open_tally(2),
        }
        handlers: dict[str, Any] = {"hello": lambda: self.task, **parents_state.answers(self.shared)}
        handlers |= {name: self._hears(name) for name in ("serving", "refused", "leaving", "log", "kept")}
        self.parent = Link(self.reactor, handlers, lambda: None)
        parents_state.pass_on(self.shared, lambda: [self.parent])
        self.inside = Inside(self.reactor, self.folder)
        self.joint = Joint(self.parent, self.inside.link)
        self.addCleanup(self._end)

    def _stop(self) -> None:
        self.reactor.running = False
        self.stopped.append(self.reactor.seconds())

    def _hears(self, name: str) -> Any:
        return lambda **about: self.told.append((name, about))

    def _end(self) -> None:
        if self.reactor.running:
            self.parent.tell("end")
            self.flush()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def flush(self) -> None:
        for _ in range(5):
            self.joint.flush()
            self.reactor.advance(0)

    def begin(self) -> None:
        started = self.inside.start()
        self.flush()
        self.successResultOf(started)

    def ask(self, question: str, /, **about: Any) -> Any:
        answer = self.parent.ask(question, **about)
        self.flush()
        return self.successResultOf(answer)

    def browser(self) -> Browser:
        site = self.reactor.tcpServers[0][1]
        return Browser(self.reactor, site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 5)))

    def asks(self, path: bytes) -> bytes:
        browser = self.browser()
        browser.sends(b"GET %b HTTP/1.1\r\nHost: localhost:8080\r\n\r\n" % path)
        self.flush()
        answer = browser.takes()
        browser.lost()
        return answer

    def names_told(self) -> list[str]:
        return [name for name, _ in self.told if name not in ("log", "kept")]

    # ---------------------------------------------------------------- beginning

    def test_begins(self) -> None:
        """It reads the conf directory itself, serves on its parent's sockets with its share of the limits, and says so."""
        self.begin()
        self.assertEqual(["serving"], self.names_told())
        self.assertEqual(1, len(self.reactor.tcpServers))
        self.assertTrue(self.asks(b"/_meshproxy/userinfo").startswith(b"HTTP/1.1 401 "))
        site = self.reactor.tcpServers[0][1]
        self.assertEqual(5000, site.gateway.limits.connections)

    def test_the_key_of_the_run(self) -> None:
        """It seals sessions with the key that its parent gave to all."""
        self.begin()
        serving = self.inside._serving
        assert serving is not None
        from meshproxy.core.envelope import KeyRing

        sealed = KeyRing((KEY,)).seal(b"session", b"x", b"alice", bytes(12))
        self.assertEqual(b"alice", serving.worker._keys(serving.worker.configured.settings).open(b"session", b"x", sealed))

    def test_what_was_revoked(self) -> None:
        """It knows what was revoked before it came, and hears of what is revoked then."""
        self.task["revoked"] = [["x", 1.0, 1e12, "logout"]]
        self.begin()
        self.parent.tell("revoked", known=[["y", 2.0, 1e12, "logout"]])
        self.flush()
        self.assertEqual([None, None], [found and None for found in map(self.inside._shared.revocation, ("x", "y"))])
        self.assertIsNotNone(self.inside._shared.revocation("x"))
        self.assertIsNotNone(self.inside._shared.revocation("y"))

    def test_a_conf_that_cannot_be_read(self) -> None:
        """It says what is wrong, and ends with 1 after its last words have gone out."""
        self.write("services/app.toml", "[acess]\n")
        self.begin()
        (name, about), *_ = self.told
        self.assertEqual("refused", name)
        self.assertTrue(all(problem["file"] == "services/app.toml" for problem in about["problems"]))
        self.assertEqual((1, 1), (self.inside.status, len(self.stopped)))

    def test_another_store(self) -> None:
        """One that would keep sessions elsewhere than the others does not begin."""
        self.task["store"] = "redis"
        self.begin()
        self.assertIn("that takes a restart", self.told[0][1]["problems"][0]["message"])
        self.assertEqual(1, self.inside.status)

    def test_without_an_answer(self) -> None:
        """A parent that says nothing: it ends."""
        started = self.inside.start()
        self.reactor.advance(31)
        self.successResultOf(started)
        self.reactor.advance(3)
        self.assertEqual((1, 1), (self.inside.status, len(self.stopped)))

    # ---------------------------------------------------------------- what it is asked

    def test_look(self) -> None:
        """It says how it is, with figures that JSON carries."""
        self.assertEqual({"reasons": ["starting"], "warnings": [], "figures": []}, self.ask("look"))
        self.begin()
        self.asks(b"/nowhere")
        found = self.ask("look")
        self.assertEqual([], found["reasons"])
        served = [value for name, labels, value in found["figures"] if name == "meshproxy_requests_total"]
        self.assertEqual([1], served)

    def test_reload(self) -> None:
        """What it prepares it takes only when it is told to, and forgets when it is told to."""
        self.begin()
        self.write("services/more.toml", PUBLIC % "more")
        self.assertEqual([], self.ask("prepare"))
        self.assertIn(b" 404 ", self.asks(b"/more"))
        self.ask("discard")
        self.ask("take")
        self.assertIn(b" 404 ", self.asks(b"/more"))
        self.assertEqual([], self.ask("prepare"))
        self.ask("take")
        self.assertNotIn(b" 404 ", self.asks(b"/more"))
        site = self.reactor.tcpServers[0][1]
        self.assertEqual(5000, site.gateway.limits.connections)

    def test_a_bad_reload(self) -> None:
        """It answers with what is wrong, whether it stands in a file or comes of making an instance; what runs stays."""
        self.write("plugins/fragile.py", FRAGILE)
        fragile = PUBLIC % "app" + '[[rewrite]]\nuse = "fragile"\n'
        self.write("services/app.toml", fragile)
        self.begin()
        for text, key in (("[acess]\n", "acess"), (fragile + "breaks = true\n", "rewrite")):
            self.write("services/app.toml", text)
            problems = self.ask("prepare")
            self.assertTrue(any(key in problem["key"] for problem in problems), problems)
            self.ask("take")
            self.assertNotIn(b" 404 ", self.asks(b"/app"))

    def test_questions(self) -> None:
        """It answers the command line's questions about itself; what it cannot is a sentence."""
        self.begin()
        self.assertEqual({"answer": {"revoked": 0}}, self.ask("question", name="sessions.revoke", question={"all": True}))
        self.assertIn("cookie", self.ask("question", name="sessions.list", question={})["error"])

    def test_requests_of_others(self) -> None:
        """What another worker kept for operators its own inspector shows, and it tells what it keeps itself."""
        self.begin()
        self.reactor.advance(1)
        self.asks(b"/nowhere")
        self.flush()
        ((_, about),) = [one for one in self.told if one[0] == "kept"]
        other = {**about["record"], "request_id": "of-another-worker"}
        self.parent.tell("kept", record=other)
        self.flush()
        answer = self.ask("question", name="request", question={"id": "of-another-worker"})
        self.assertEqual("/nowhere", answer["answer"]["target"])
        self.assertEqual(1, len([one for one in self.told if one[0] == "kept"]))

    # ---------------------------------------------------------------- the end

    def test_drain(self) -> None:
        """It accepts no more, finishes what is under way, says what it counted, and ends with 0."""
        self.begin()
        busy = self.browser()
        busy.sends(b"POST /app/ HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 5\r\n\r\nab")
        self.ask("close")
        self.assertEqual(["draining"], self.ask("look")["reasons"])
        self.parent.tell("drain", seconds=30)
        self.flush()
        self.assertEqual([], self.stopped)
        busy.lost()
        self.reactor.advance(0.1)
        self.flush()
        self.assertEqual((["serving", "leaving"], 0, 1), (self.names_told(), self.inside.status, len(self.stopped)))

    def test_sigterm(self) -> None:
        """SIGTERM to this process drains it; the parent's word to drain, which may come as well, changes nothing."""
        self.begin()
        self.inside.terminated()
        self.parent.tell("drain", seconds=30)
        self.flush()
        self.assertEqual((0, 1, 1), (self.inside.status, len(self.stopped), self.names_told().count("leaving")))

    def test_end(self) -> None:
        """When it is to end it ends, whatever is under way."""
        self.begin()
        busy = self.browser()
        busy.sends(b"POST /app/ HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 5\r\n\r\nab")
        self.parent.tell("end")
        self.flush()
        self.assertEqual((0, 1, True), (self.inside.status, len(self.stopped), busy.disconnected))

    def test_end_while_it_drains(self) -> None:
        """As for a second signal to the parent: no waiting any more."""
        self.begin()
        busy = self.browser()
        busy.sends(b"POST /app/ HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 5\r\n\r\nab")
        self.parent.tell("drain", seconds=30)
        self.flush()
        self.parent.tell("end")
        self.flush()
        self.assertEqual(1, len(self.stopped))
        self.reactor.advance(1)

    def test_orphan(self) -> None:
        """When its parent is gone it ends: at once if nothing is under way."""
        self.begin()
        self.joint.cut()
        self.flush()
        self.assertEqual((1, 1), (self.inside.status, len(self.stopped)))

    def test_busy_orphan(self) -> None:
        """What is under way has a few seconds then, and no more."""
        self.begin()
        busy = self.browser()
        busy.sends(b"POST /app/ HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 5\r\n\r\nab")
        self.joint.cut()
        for _ in range(int(ORPHAN_FOR * 10) + 2):
            self.assertEqual([], self.stopped if self.reactor.seconds() < ORPHAN_FOR else [])
            self.reactor.advance(0.1)
        self.assertEqual((1, 1), (self.inside.status, len(self.stopped)))

    def test_a_parent_that_does_not_listen(self) -> None:
        """Last words that nobody takes do not keep it."""
        self.begin()
        self.inside.end()
        self.assertEqual([], self.stopped)
        self.reactor.advance(2)
        self.assertEqual(1, len(self.stopped))

    def test_nothing_is_left(self) -> None:
        """After its end there is no timer."""
        self.begin()
        self.parent.tell("end")
        self.flush()
        self.reactor.advance(5)
        self.assertEqual([], self.reactor.getDelayedCalls())


class ProblemTests(SynchronousTestCase):
    def test_problems_over_the_link(self) -> None:
        """A problem is the same on the other side."""
        from meshproxy.problems import Problem

        problems = [Problem("a.toml", "x.y", "is wrong", "did you mean z?"), Problem(Path("b.toml"), "", "missing")]
        carried = inside_module.from_json(inside_module.as_json(problems))
        self.assertEqual(list(map(str, problems)), list(map(str, carried)))
