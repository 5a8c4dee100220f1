"""Several worker processes as one meshproxy: real processes, real sockets, real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial import unittest

from .support.running import ROOT, Running, run_with
from .support.visitor import Seen, Visitor

TWO = ("--workers", "2")
USERS = (ROOT / "conf" / "users.toml").read_text("utf-8")
MAIN = '\nmesh = false\n[identity.local]\ntype = "users"\nfile = "users.toml"\n[audit.file]\ntype = "jsonl"\n'
SERVICE = 'title = "{0}"\nupstream = "sample:"\n[route]\nhost = "{1}"\npath = "/{0}"\nstrip_path = true\n[access]\ngroups = ["{2}"]\n'


def worker_of(seen: Seen) -> str:
    """Which worker answered: request ids begin with what each chose for itself."""
    return seen.values("x-request-id")[0][:12]


def children(pid: int) -> list[int]:
    """The processes that a process started, and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = entry.joinpath("stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == pid and state != "Z":
                found.append(int(entry.name))
    return sorted(found)


def alive(pid: int) -> bool:
    """Whether the process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class WorkersTests(unittest.TestCase):
    timeout = 120

    def run_two(self, test: Callable[[Running], Awaitable[None]], main: str = "") -> Deferred[None]:
        services = {
            "app": SERVICE.format("app", "localhost", "devs"),
            "other": SERVICE.format("other", "127.0.0.1", "devs"),
            "admin": SERVICE.format("admin", "localhost", "admins"),
        }
        running = Running(reactor, Path(self.mktemp()), services, MAIN + main, {"users.toml": USERS}, TWO)
        return run_with(running, test)

    async def from_both(self, visitor: Visitor, path: str) -> dict[str, Seen]:
        """An answer of each worker: new connections, until both have answered."""
        seen: dict[str, Seen] = {}
        for _ in range(200):
            answer = await visitor.ask(path)
            seen.setdefault(worker_of(answer), answer)
            if len(seen) == 2:
                return seen
        raise AssertionError(f"200 connections, and only {list(seen)} answered")

    async def until(self, what: Callable[[], Any], doing: str) -> None:
        deadline = reactor.seconds() + 15
        while True:
            met = what()
            if await met if isinstance(met, Awaitable) else met:
                return
            self.assertLess(reactor.seconds(), deadline, doing)
            await deferLater(reactor, 0.05)

    async def ready(self, running: Running) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((await running.admin("/readyz")).rpartition(b"\r\n\r\n")[2])
        return told

    # ---------------------------------------------------------------- one meshproxy

    def test_one_session(self) -> Deferred[None]:
        """Who logged in at one worker is logged in at the other, with a session key that was made for this run; logout holds at both."""
        return self.run_two(self.one_session)

    async def one_session(self, running: Running) -> None:
        bob = Visitor(running)
        self.assertEqual(200, (await bob.log_in("/app/", "bob", "bob-demo")).status)
        self.assertEqual({200}, {seen.status for seen in (await self.from_both(bob, "/app/")).values()})
        cookies = dict(bob.cookies)
        page = await bob.ask("/_meshproxy/logout")
        (csrf,) = re.findall(r'name="csrf" value="([^"]+)"', page.text)[:1]
        done = await bob.ask("/_meshproxy/logout", f"Origin: {running.url}", "Content-Type: application/x-www-form-urlencoded",
                             method="POST", body=f"csrf={csrf}".encode())
        self.assertEqual(303, done.status)
        bob.cookies = cookies
        self.assertEqual({302}, {seen.status for seen in (await self.from_both(bob, "/app/")).values()})

    def test_a_ticket_once(self) -> Deferred[None]:
        """A hand-off ticket that one worker has taken is worth nothing at either of them."""
        return self.run_two(self.a_ticket_once)

    async def a_ticket_once(self, running: Running) -> None:
        bob, other = Visitor(running), Visitor(running)
        await bob.log_in("/app/", "bob", "bob-demo")
        sent_off = await other.ask(f"http://127.0.0.1:{running.port}/other/")
        back = await bob.ask(sent_off.values("location")[0])
        accept = back.values("location")[0]
        self.assertEqual("/_meshproxy/accept", urlsplit(accept).path)
        waiting = dict(other.cookies)
        self.assertEqual(302, (await other.ask(accept)).status)
        self.assertEqual(200, (await other.ask(f"http://127.0.0.1:{running.port}/other/")).status)
        thief = Visitor(running)
        for _ in range(2):
            thief.cookies = dict(waiting)
            self.assertEqual({400}, {seen.status for seen in (await self.from_both(thief, accept)).values()})

    def test_too_many_attempts(self) -> Deferred[None]:
        """Wrong passwords are counted together: whoever tries them at two workers has no more tries."""
        return self.run_two(self.too_many_attempts)

    async def too_many_attempts(self, running: Running) -> None:
        tried = {}
        while True:
            seen = await Visitor(running).log_in("/app/", "bob", "wrong")
            if seen.status == 429:
                break
            tried[worker_of(seen)] = tried.get(worker_of(seen), 0) + 1
            self.assertLess(sum(tried.values()), 100)
        self.assertEqual(2, len(tried), "both were tried")
        paused: set[str] = set()
        while len(paused) < 2:  # neither of them would have counted so far alone
            seen = await Visitor(running).log_in("/app/", "bob", "wrong")
            self.assertEqual(429, seen.status)
            paused.add(worker_of(seen))

    def test_the_command_line(self) -> Deferred[None]:
        """``meshproxy sessions revoke`` ends a session wherever it is known; what nobody knows is one sentence."""
        return self.run_two(self.the_command_line)

    async def the_command_line(self, running: Running) -> None:
        bob = Visitor(running)
        await bob.log_in("/app/", "bob", "bob-demo")
        await self.from_both(bob, "/app/")
        revoked = await self.meshproxy(running, "sessions", "revoke", "--subject", "bob")
        self.assertEqual(0, revoked.returncode, revoked.stderr)
        self.assertEqual({302}, {seen.status for seen in (await self.from_both(bob, "/app/")).values()})
        for seen in (await self.from_both(bob, "/app/")).values():
            told = await self.meshproxy(running, "explain", "--json", "--request-id", seen.values("x-request-id")[0])
            self.assertIn(seen.values("x-request-id")[0].encode(), told.stdout, told.stderr)
        unknown = await self.meshproxy(running, "login-report", "NOBODYS")
        self.assertEqual((1, 1), (unknown.returncode, unknown.stderr.count(b"\n")))

    async def meshproxy(self, running: Running, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        from twisted.internet.threads import deferToThread

        script = "import sys; from meshproxy.cli import main; sys.exit(main())"
        return await deferToThread(
            subprocess.run, [sys.executable, "-c", script, *arguments, "--conf", str(running.conf_dir)],
            cwd=ROOT, capture_output=True, timeout=60,
        )

    def test_dealt_out(self) -> Deferred[None]:
        """Connections that stay are dealt out: of twenty no worker has nearly all."""
        return self.run_two(self.dealt_out)

    async def dealt_out(self, running: Running) -> None:
        clients, counts = [], Counter[bytes]()
        for _ in range(20):
            client = await running.connect()
            clients.append(client)
            client.write(b"GET /_meshproxy/userinfo HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % running.port)
            answer = await client.until(b"\r\n\r\n")
            found = re.search(rb"(?i)x-request-id: (.{12})", answer)
            assert found is not None
            counts[found[1]] += 1
        self.assertEqual((2, 20), (len(counts), counts.total()))
        self.assertGreaterEqual(min(counts.values()), 5)
        for client in clients:
            client.transport.loseConnection()
            await client.closed

    # ---------------------------------------------------------------- supervision

    def test_killed(self) -> Deferred[None]:
        """A worker that is killed is replaced; meanwhile the others answer, and sessions go on."""
        return self.run_two(self.killed)

    async def killed(self, running: Running) -> None:
        bob = Visitor(running)
        await bob.log_in("/app/", "bob", "bob-demo")
        before = await self.from_both(bob, "/app/")
        first, second = children(running.pid)
        os.kill(first, signal.SIGKILL)
        for _ in range(20):
            self.assertEqual(200, (await bob.ask("/app/")).status)
        await running.log_says("worker 1 ended: killed by SIGKILL")
        await running.log_says("worker 1 serves")
        self.assertEqual([second], [pid for pid in children(running.pid) if pid in (first, second)])
        after = await self.from_both(bob, "/app/")
        self.assertEqual(1, len(set(before) & set(after)))
        self.assertEqual({200}, {seen.status for seen in after.values()})
        self.assertIn(b"\nmeshproxy_workers_replaced_total 1.0\n", await running.admin("/metrics"))
        self.assertTrue((await self.ready(running))["ready"])

    def test_a_conf_that_cannot_be_read(self) -> Deferred[None]:
        """Who takes a dead worker's place reads the files as they are: broken ones are named, it is tried again, the others go on."""
        return self.run_two(self.a_conf_that_cannot_be_read)

    async def a_conf_that_cannot_be_read(self, running: Running) -> None:
        app = (running.conf_dir / "services" / "app.toml").read_text("utf-8")
        running.write("services/app.toml", app.replace("[access]", "[acess]"))
        await running.log_says("not reloaded: services/app.toml")
        os.kill(children(running.pid)[0], signal.SIGKILL)
        await running.log_says("worker 1 cannot start: services/app.toml")
        self.assertEqual(302, (await Visitor(running).ask("/app/")).status)
        await running.log_says("(3 times in a row)")
        told = await self.ready(running)
        self.assertTrue(told["ready"])
        self.assertRegex(told["warnings"][0], r"^worker 1 keeps ending, \d times in a row$")
        running.write("services/app.toml", app)
        await running.log_says("worker 1 serves", within=20)
        await self.from_both(Visitor(running), "/app/")

    def test_no_orphan(self) -> Deferred[None]:
        """When the parent is killed its workers end, and the port is free."""
        directory = Path(self.mktemp())
        running = Running(reactor, directory, {"app": SERVICE.format("app", "localhost", "devs")}, MAIN, {"users.toml": USERS}, TWO)

        async def whole() -> None:
            await running.start()
            workers = children(running.pid)
            self.assertEqual(2, len(workers))
            await running.kill()
            await self.until(lambda: not any(alive(pid) for pid in workers), "the workers do not end")
            again = Running(reactor, Path(self.mktemp()), {"app": SERVICE.format("app", "localhost", "devs")}, MAIN, {"users.toml": USERS})
            again.write("meshproxy.toml", (running.conf_dir / "meshproxy.toml").read_text("utf-8"))
            again.port, again.admin_port = running.port, running.admin_port
            await again.start()
            await again.stop()

        return Deferred.fromCoroutine(whole()).addBoth(lambda result: Deferred.fromCoroutine(running.kill()).addBoth(lambda _: result))

    # ---------------------------------------------------------------- reload and the end

    def test_reload(self) -> Deferred[None]:
        """SIGHUP reaches all; a bad reload keeps the old in all, whichever worker it fails in."""
        return self.run_two(self.reload)

    async def reload(self, running: Running) -> None:
        bob = Visitor(running)
        await bob.log_in("/app/", "bob", "bob-demo")
        self.assertEqual({403}, {seen.status for seen in (await self.from_both(bob, "/admin/")).values()})
        running.write("services/admin.toml", SERVICE.format("admin", "localhost", "devs"))
        running.signal(signal.SIGHUP)
        await running.log_says("reloaded")
        self.assertEqual({200}, {seen.status for seen in (await self.from_both(bob, "/admin/")).values()})
        users = (running.conf_dir / "users.toml").read_text("utf-8")
        running.write("services/admin.toml", SERVICE.format("admin", "localhost", "admins"))
        running.write("users.toml", "[[broken")
        running.signal(signal.SIGHUP)
        await running.log_says("not reloaded: ")
        self.assertEqual({200}, {seen.status for seen in (await self.from_both(bob, "/admin/")).values()})
        running.write("users.toml", users)
        running.signal(signal.SIGHUP)
        await self.until(lambda: running.stderr().count("reloaded\n") >= 2, "the second reload")
        self.assertEqual({403}, {seen.status for seen in (await self.from_both(bob, "/admin/")).values()})
        self.assertIn(b'meshproxy_reloads_total{outcome="failed"}', await running.admin("/metrics"))
        events = [record["event"] for record in running.records() if record["log"] == "audit"]
        self.assertLessEqual(2, events.count("config.reloaded"))

    def test_drain(self) -> Deferred[None]:
        """SIGTERM lets what is under way in any worker finish, and nobody connects any more; then it exits 0, without orphans."""
        return self.run_two(self.drain)

    async def drain(self, running: Running) -> None:
        bob = Visitor(running)
        await bob.log_in("/app/", "bob", "bob-demo")
        cookie = "; ".join(f"{name}={value}" for name, value in bob.cookies.items())
        uploads = []
        for _ in range(6):
            upload = await running.connect()
            upload.write(f"POST /app/upload HTTP/1.1\r\nHost: localhost:{running.port}\r\nCookie: {cookie}\r\n".encode())
            upload.write(b"Content-Length: 6\r\nSec-Fetch-Site: same-origin\r\n\r\nabc")
            uploads.append(upload)
        workers = children(running.pid)
        await self.until(lambda: self.active(running, 6), "six uploads are under way")
        running.signal(signal.SIGTERM)
        await running.log_says("draining")
        self.assertFalse((await self.ready(running))["ready"])
        for upload in uploads:
            upload.write(b"def")
            self.assertIn(b'"bytes": 6', await upload.until(b'"sha256"'))
            await upload.closed
        await self.until(lambda: not any(alive(pid) for pid in workers), "the workers do not end")

    async def active(self, running: Running, count: int) -> bool:
        return f'meshproxy_upstream_requests_active{{service="app"}} {count}.0' in (await running.admin("/metrics")).decode()

    def test_a_worker_alone_is_told_to_end(self) -> Deferred[None]:
        """SIGTERM to one worker: it finishes, and another one takes its place."""
        return self.run_two(self.a_worker_alone)

    async def a_worker_alone(self, running: Running) -> None:
        first, _ = children(running.pid)
        os.kill(first, signal.SIGTERM)
        await running.log_says("worker 1 ended: exit status 0")
        await running.log_says("worker 1 serves")

    # ---------------------------------------------------------------- what is seen of it

    def test_figures_add_up(self) -> Deferred[None]:
        """``/metrics`` has what all workers did, and what a dead one had done; every log line is whole."""
        return self.run_two(self.figures)

    async def figures(self, running: Running) -> None:
        bob = Visitor(running)
        await bob.log_in("/app/", "bob", "bob-demo")
        for _ in range(40):
            await bob.ask("/app/")
        await self.from_both(bob, "/app/")
        count = self.forwarded(await running.admin("/metrics"))
        events = [record["event"] for record in running.records() if record["log"] == "audit"]
        self.assertEqual(events.count("request.forwarded"), count)
        self.assertGreaterEqual(count, 41)
        os.kill(children(running.pid)[0], signal.SIGKILL)
        await running.log_says("worker 1 serves")
        self.assertEqual(count, self.forwarded(await running.admin("/metrics")))
        self.assertIn(b"\nmeshproxy_workers_serving 2.0\n", await running.admin("/metrics"))

    def forwarded(self, metrics: bytes) -> int:
        (value,) = re.findall(rb'meshproxy_requests_total\{event="request.forwarded",service="app",status="2xx"\} (\S+)', metrics)
        return int(float(value))

    # ---------------------------------------------------------------- what cannot be

    def test_memory_is_one_process(self) -> None:
        """``store = "memory"`` is refused, with a line that says why, and exit 1."""
        running = Running(
            reactor, Path(self.mktemp()), {"app": SERVICE.format("app", "localhost", "devs")}, MAIN + '[session]\nstore = "memory"\n',
            {"users.toml": USERS},
        )
        done = subprocess.run(
            [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "meshproxy", "--conf", str(running.conf_dir), *TWO],
            cwd=running.conf_dir, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60,
        )
        self.assertEqual(1, done.returncode)
        self.assertIn(b"meshproxy: meshproxy.toml: session.store: 'memory' is the memory of one process", done.stderr)
        self.assertNotIn(b"Traceback", done.stderr)

    def test_a_worker_that_cannot_start(self) -> None:
        """What only a worker finds out when it begins is said by it, and meshproxy does not start: exit 1."""
        plugin = (
            "from meshproxy.api import hookimpl\n\n\nclass Broken:\n    name = 'broken'\n    managed_fields = [b'X-Broken']\n\n"
            "    def __init__(self, settings, context):\n        raise ValueError('no such thing')\n\n"
            "    def identity_fields(self, principal):\n        return []\n\n\n"
            "@hookimpl\ndef meshproxy_header_rewriters():\n    return [Broken]\n"
        )
        service = SERVICE.format("app", "localhost", "devs") + '[[rewrite]]\nuse = "broken"\n'
        files = {"users.toml": USERS, "plugins/broken.py": plugin}
        running = Running(reactor, Path(self.mktemp()), {"app": service}, MAIN, files)
        done = subprocess.run(
            [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "meshproxy", "--conf", str(running.conf_dir), *TWO],
            cwd=running.conf_dir, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60,
        )
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertIn(b"no such thing", done.stderr)
        self.assertNotIn(b"Traceback", done.stderr)
