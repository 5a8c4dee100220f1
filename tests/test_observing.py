"""Who watches: readiness, figures, and loggers over reloads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.configured import Configured, read
from meshproxy.observe.admin import Readiness
from meshproxy.observing import Observing

from .support.exchanges import exchange

MAIN = ('public_url = "http://localhost:8080"\nmesh = false\n[identity.local]\ntype = "users"\nfile = "users.toml"\n'
        '[log]\naccess = "json"\nfile = "access.log"\n[audit.trail]\ntype = "jsonl"\npath = "audit.jsonl"\n')
USERS = '[alice]\npassword = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$1qeXPBwLQyzaHEs0EYaHJGGmzVKwX7MYHAEdxz2Dx8w"\n'


class Provider:
    def __init__(self, why: str | None) -> None:
        self.why = why

    def ready(self) -> str | None:
        return self.why


class Ready:
    """Sessions or shared state that can be ready or not."""

    why: str | None = None

    def ready(self) -> str | None:
        return self.why


class Figures:
    succeeded, failed, rejected = 3, 1, 2
    ended = {"logout": 5}  # noqa: RUF012

    def __len__(self) -> int:
        return 7


class SessionsOfWorker(Ready):
    reading = book = refreshing = Figures()


class FakeWorker:
    def __init__(self, **providers: Provider) -> None:
        self.providers = providers
        self.sessions, self.shared = SessionsOfWorker(), Ready()
        self.pools: dict[str, Any] = {}
        self.gateway = type("G", (), {"channels": {1, 2}})()


class ObservingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.write("meshproxy.toml", MAIN)
        self.write("users.toml", USERS)
        self.clock = Clock()
        self.configured = read(self.folder)
        self.observing = Observing(self.clock, self.configured)

    def tearDown(self) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.observing.stop()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o600)

    def reread(self) -> Configured:
        return read(self.folder, self.configured.plugins)

    def watch(self, **providers: Provider) -> FakeWorker:
        worker = FakeWorker(**providers)
        self.observing.watch(worker)  # type: ignore[arg-type]
        self.observing.ready()
        return worker

    def test_starting_and_draining(self) -> None:
        """Not ready before requests are served, nor when the process is about to end."""
        self.assertEqual(self.observing.readiness().reasons, ["starting"])
        self.watch()
        self.assertTrue(self.observing.readiness().ready)
        self.observing.draining()
        self.assertEqual(self.observing.readiness().reasons, ["draining"])

    def test_provider_down(self) -> None:
        """A process in which nobody could ever log in is not ready; a later outage is a warning: live sessions go on."""
        provider = Provider("connection refused")
        self.watch(corp=provider)
        self.assertEqual(self.observing.readiness().reasons, ["identity provider corp: connection refused"])
        provider.why = None
        self.assertTrue(self.observing.readiness().ready)
        provider.why = "connection refused"
        found = self.observing.readiness()
        self.assertTrue(found.ready)
        self.assertEqual(found.warnings, ["identity provider corp: connection refused"])

    def test_one_of_several_down(self) -> None:
        """Where people can log in some other way, the process is ready."""
        self.watch(corp=Provider("down"), other=Provider(None))
        self.assertTrue(self.observing.readiness().ready)

    def test_store_down(self) -> None:
        """Without its store nobody's session can be read: not ready."""
        worker = self.watch()
        worker.sessions.why = "redis does not answer"
        self.assertEqual(self.observing.readiness().reasons, ["redis does not answer"])

    def test_records(self) -> None:
        """A request's record becomes a line of the access log and an event of the audit trail."""
        for observer in self.observing.observers:
            observer(exchange())
        self.clock.advance(1)
        (line,) = (self.folder / "access.log").read_text().splitlines()
        self.assertEqual(json.loads(line)["service"], "grafana")
        (event,) = (self.folder / "audit.jsonl").read_text().splitlines()
        self.assertEqual(json.loads(event)["event"], "request.forwarded")
        self.assertNotIn("s3cret", line + event)

    def test_figures(self) -> None:
        """What a worker knows is read when somebody asks."""
        self.watch()
        figures = {(name, labels): value for name, labels, value in self.observing.metrics.snapshot()}
        self.assertEqual(figures["meshproxy_connections_open", ()], 2)
        self.assertEqual(figures["meshproxy_sessions_live", ()], 7)
        self.assertEqual(figures["meshproxy_sessions_ended_total", ("logout",)], 5)
        self.assertEqual(figures["meshproxy_refreshes_total", ("failed",)], 1)

    def test_reload(self) -> None:
        """Loggers whose table did not change stay; a reload is audited, a bad one with its reasons."""
        before = dict(self.observing._loggers)
        self.observing.reconfigure(self.reread())
        self.assertEqual(self.observing._loggers, before)
        self.write("meshproxy.toml", MAIN.replace("audit.jsonl", "other.jsonl"))
        self.observing.reconfigure(self.reread())
        self.observing.reloaded(True, [])
        self.observing.reloaded(False, ["services/app.toml: no"])
        events = [json.loads(line) for line in (self.folder / "other.jsonl").read_text().splitlines()]
        self.assertEqual([event["event"] for event in events], ["config.reloaded", "config.rejected"])
        self.assertIn("services/app.toml", events[1]["reason"])

    def test_several_workers(self) -> None:
        """The parent of several workers writes no access log; its readiness and figures are theirs and its own."""
        parent = Observing(self.clock, self.configured, requests=False)
        self.addCleanup(lambda: self.successResultOf(Deferred.fromCoroutine(parent.stop())))
        crew = FakeCrew()
        parent.watch_crew(crew)  # type: ignore[arg-type]
        self.assertEqual(["starting", "no worker is serving"], list(parent.readiness().reasons))
        parent.ready()
        crew.told = Readiness((), ("worker 2 is starting",))
        self.assertEqual((True, ["worker 2 is starting"]), (parent.readiness().ready, list(parent.readiness().warnings)))
        for observer in parent.observers:
            observer(exchange())
        self.clock.advance(1)
        self.assertFalse((self.folder / "access.log").exists() and (self.folder / "access.log").read_text())
        channel = parent.admin_site().buildProtocol(None)
        assert channel is not None
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        figures = transport.value()
        self.assertIn(b"\nmeshproxy_workers_serving 2.0\n", figures)
        self.assertIn(b"\nmeshproxy_workers_replaced_total 5.0\n", figures)
        self.assertIn(b"\nmeshproxy_sessions_live 7.0\n", figures)


class FakeCrew:
    """Two workers with three and four sessions."""

    serving, replaced = 2, 5
    told = Readiness(("no worker is serving",))

    def look(self) -> Deferred[None]:
        return succeed(None)

    def readiness(self) -> Readiness:
        return self.told

    def figures(self) -> list[list[tuple[str, tuple[str, ...], int]]]:
        return [[("meshproxy_sessions_live", (), 3)], [("meshproxy_sessions_live", (), 4)]]
