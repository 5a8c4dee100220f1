"""A real nginx that asks meshproxy about each request: the recipe of docs/forward-auth.md, as it stands there."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest

from .support.behind import behind, cookie_line, logged_in
from .support.installed import why_not
from .support.ports import free_ports
from .support.program import Program
from .support.raw_http import RawClient
from .support.recorder import Recorder
from .support.running import ROOT, Running
from .support.visitor import Visitor
from .support.websocket_client import Refused, WebSocket

_AROUND = """
daemon off; pid nginx.pid; error_log stderr; worker_processes 1; {user}
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
{recipe}
}}
"""
_SERVICE = """
upstream = "http://127.0.0.1:1"
[route]
path = "{path}"
[access]
groups = ["{group}"]
[[rewrite]]
use = "forwarded-user"
"""


def recipe(nginx: int, meshproxy: int, service: int) -> str:
    """The block of the page, with addresses of this machine."""
    (found,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "forward-auth.md").read_text("utf-8"), re.DOTALL)
    changes = {"listen 80;": f"listen 127.0.0.1:{nginx};", "server_name apps.example.com;": "server_name localhost;",
               "http://meshproxy:8080": f"http://127.0.0.1:{meshproxy}", "http://grafana:3000": f"http://127.0.0.1:{service}"}  # fmt: skip
    for said, here in changes.items():
        assert said in found, said
        found = found.replace(said, here)
    return found


class Front:
    """nginx, as browsers reach it: stands where a :class:`Running` is asked for."""

    def __init__(self, behind_it: Running, port: int) -> None:
        self._running = behind_it
        self._port = port
        self.url = f"http://localhost:{port}"

    async def connect(self) -> RawClient:
        """A connection to it."""
        return await self._running.connect(self._port)

    async def exchange(self, request: bytes) -> bytes:
        """Send bytes; what comes until it closes."""
        return await self._running.exchange(request, self._port)


class NginxTests(unittest.TestCase):
    """People, programs and attackers before that nginx."""

    timeout = 60
    skip = why_not("nginx")

    def run_behind(self, test: Any) -> Deferred[None]:
        return Deferred.fromCoroutine(self._run_behind(test))

    async def _run_behind(self, test: Any) -> None:
        self.recorder = Recorder(reactor)
        (port,) = free_ports(1)
        services = {"app": _SERVICE.format(path="/", group="devs"), "admin": _SERVICE.format(path="/admin", group="admins")}
        running = behind(reactor, self.mktemp(), services, 'trusted_peers = ["127.0.0.1/32"]\n')
        main = (running.conf_dir / "meshproxy.toml").read_text("utf-8")
        running.write("meshproxy.toml", main.replace(f'public_url = "{running.url}"', f'public_url = "http://localhost:{port}"'))
        directory = Path(self.mktemp())
        directory.mkdir()
        try:
            user = "user root;" if os.geteuid() == 0 else ""
            text = _AROUND.format(user=user, recipe=recipe(port, running.port, self.recorder.start()))
            (directory / "nginx.conf").write_text(text)
            await running.start()
            nginx = Program(["nginx", "-p", str(directory.resolve()), "-c", "nginx.conf"], directory, port, "/_meshproxy/login")
            try:
                front: Any = Front(running, port)
                await test(front)
            finally:
                nginx.stop()
            await running.stop()
        finally:
            await running.kill()
            await self.recorder.stop()

    def seen(self, name: str) -> list[str]:
        """What the service got in that field, whichever way it is spelt."""
        lines = [line.decode("latin-1") for line in self.recorder.heads[-1][1:]]
        pairs = [(line.partition(":")[0].lower(), line.partition(":")[2].strip()) for line in lines]
        return [value for found, value in pairs if re.sub("[_.]", "-", found) == name]

    def test_people(self) -> Deferred[None]:
        """Somebody is sent to log in and comes back to the same URL, query and all; the service is told who, and nothing else."""
        return self.run_behind(self.people)

    async def people(self, front: Any) -> None:
        alice = Visitor(front)
        wanted = "/d/1?a=1&b=%2F%26&c"
        seen = await alice.log_in(wanted, "alice", "alice-demo")
        self.assertEqual((200, front.url + wanted), (seen.status, seen.url))
        self.assertEqual(f"GET {wanted} HTTP/1.1".encode(), self.recorder.heads[-1][0])
        forged = ("X-Forwarded-User: root", "x_forwarded_user: root", "X.Forwarded.User: root", "X-Forwarded-Preferred-Username: root",
                  "X-Forwarded-Groups: admins", "Cookie: theme=dark")  # fmt: skip
        self.assertEqual(200, (await alice.ask("/d/2", *forged)).status)
        who = {name: self.seen(f"x-forwarded-{name}") for name in ("user", "email", "groups", "preferred-username")}
        mail = ["alice@example.com"]
        self.assertEqual({"user": mail, "email": mail, "groups": ["admins,devs"], "preferred-username": []}, who)
        self.assertEqual(["theme=dark"], self.seen("cookie"))
        await alice.ask("/d/3")
        self.assertEqual([], self.seen("cookie"))

    def test_access(self) -> Deferred[None]:
        """bob is kept out of the administration, however he spells it; the service is not even asked."""
        return self.run_behind(self.access)

    async def access(self, front: Any) -> None:
        bob = await logged_in(front, "/", "bob")
        asked = len(self.recorder.heads)
        for path in ("/admin", "/admin/x", "/x/../admin", "/%61dmin", "//admin", "/./admin", "/x%2f../admin"):
            self.assertIn((await bob.ask(front.url + path)).status, (400, 403), path)
        self.assertEqual(asked, len(self.recorder.heads))
        self.assertEqual(200, (await (await logged_in(front, "/")).ask("/admin")).status)

    def test_programs(self) -> Deferred[None]:
        """Scripts, forms and WebSockets of nobody get 401, not a page; another site's form gets 403; nothing is forwarded."""
        return self.run_behind(self.programs)

    async def programs(self, front: Any) -> None:
        nobody = Visitor(front)
        script = await nobody.ask("/api", "Sec-Fetch-Mode: cors", accept="application/json")
        form = await nobody.ask("/form", "Sec-Fetch-Mode: navigate", method="POST", body=b"a=b")
        self.assertEqual([401, 401], [script.status, form.status])
        self.assertEqual([[], []], [script.values("location"), form.values("location")])
        with self.assertRaises(Refused) as refused:
            await WebSocket.open(front, "/ws")
        self.assertEqual(401, refused.exception.status)
        alice = await logged_in(front, "/")
        asked = len(self.recorder.heads)
        evil = await alice.ask("/form", "Origin: https://evil.example", method="POST", body=b"a=b")
        self.assertEqual((403, asked), (evil.status, len(self.recorder.heads)))
        with self.assertRaises(Refused) as refused:
            await WebSocket.open(front, "/ws", cookie_line(alice), origin="https://evil.example")
        self.assertEqual(403, refused.exception.status)
        posted = await alice.ask("/form", f"Origin: {front.url}", method="POST", body=b"a=b")
        self.assertEqual((200, b"POST /form HTTP/1.1"), (posted.status, self.recorder.heads[-1][0]))
        socket = await WebSocket.open(front, "/ws", cookie_line(alice))
        socket.send("through two proxies, judged by one")
        self.assertEqual("through two proxies, judged by one", await socket.receive())
        socket.close()

    def test_the_question_is_not_for_those_outside(self) -> Deferred[None]:
        """nginx passes no question on that comes from outside, in whichever spelling: the answer holds what services are told."""
        return self.run_behind(self.outside)

    async def outside(self, front: Any) -> None:
        alice = await logged_in(front, "/")
        told = (f"X-Forwarded-Host: {front.url.partition('//')[2]}", "X-Forwarded-Uri: /")
        for path in (
            "/_meshproxy/auth", "/_meshproxy/auth/", "/_meshproxy/auth/d", "/_meshproxy/%61uth/d", "//_meshproxy/auth",
            "/_meshproxy/x/../auth", "/_meshproxy/./auth", "/_meshproxy/auth%2fd", "/_meshproxy//auth", "/_meshproxy%2fauth",
        ):  # fmt: skip
            answer = await alice.ask(front.url + path, *told)
            self.assertEqual([], answer.values("x-forwarded-user"), path)
            self.assertNotEqual(200, answer.status, path)
        self.assertEqual("alice", json.loads((await alice.ask("/_meshproxy/userinfo")).body)["subject"])

    def test_nothing_passes_without_meshproxy(self) -> Deferred[None]:
        """Where meshproxy cannot be asked nobody passes, whoever was logged in."""
        return self.run_behind(self.without)

    async def without(self, front: Any) -> None:
        alice = await logged_in(front, "/")
        asked = len(self.recorder.heads)
        await front._running.stop()
        answer = await alice.ask("/")
        self.assertEqual((500, asked), (answer.status, len(self.recorder.heads)))
        await front._running.start()
