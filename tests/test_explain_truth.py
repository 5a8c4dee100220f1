"""``explain`` tells the truth: what it says goes upstream is, byte for byte, what a service behind a running meshproxy receives."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from argon2 import PasswordHasher
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.support.command_line import run
from tests.support.running import ROOT, Running, run_with

MAIN = """
mesh = false
[operators]
groups = ["ops"]
[session]
store = "memory"
[identity.local]
type = "users"
file = "users.toml"
"""
STRIPPED = """
upstream = "sample:"
[route]
path = "/one"
strip_path = true
[access]
groups = ["ops"]
[request]
strip = ["X-Debug"]
[[rewrite]]
use = "forwarded-user"
[[rewrite]]
use = "fields"
set = { "X-Team" = "{groups}" }
remove = ["X-Noise"]
"""
PUBLIC = """
upstream = "sample:"
[route]
path = "/two"
[access]
public = true
[request]
origin = "keep"
via = true
"""
SLOW = """
upstream = "unix:/nowhere/at/all.sock"
[route]
path = "/gone"
[access]
groups = ["ops"]
"""
JSON = ("Accept", "application/json")
REQUESTS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("GET", "/one/a%2Fb;x=1?q=%20&token=t", (JSON,)),
    ("GET", "/one", (JSON, ("X-Forwarded-User", "root"), ("x_forwarded_email", "root@x"), ("X-Forwarded-For", "203.0.113.9"))),
    ("GET", "/one/", (JSON, ("Connection", "close, X-Hop"), ("X-Hop", "1"), ("X_DEBUG", "1"), ("X-Noise", "1"), ("X-Team", "root"))),
    ("POST", "/one/form", (JSON, ("Content-Length", "0"), ("Origin", "@public"), ("Referer", "@public/one/x?y"))),
    ("GET", "/one/x", (JSON, ("Cookie", "theme=dark; lang=de"), ("Accept-Language", "de"), ("accept-language", "en"), ("TE", "trailers"))),
    ("DELETE", "/one/x", (JSON, ("Authorization", "Basic eDp5"), ("Max-Forwards", "7"), ("Forwarded", "for=x"), ("Proxy", "x"))),
    ("GET", "/two/p?x", (JSON, ("Origin", "https://elsewhere.example"), ("X-Request-Id", "mine"), ("Via", "1.1 edge"))),
)


class Truth(TestCase):
    timeout = 120

    def setUp(self) -> None:
        password = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("alice-secret")
        users = f'[alice]\npassword = "{password}"\nemail = "alice@example.com"\nname = "Alice Ångström"\ngroups = ["ops", "a,b"]\n'
        services = {"one": STRIPPED, "two": PUBLIC, "gone": SLOW}
        self.running = Running(reactor, Path(self.mktemp()), services, MAIN, {"users.toml": users})

    def command(self, *arguments: str) -> tuple[int, Any]:
        code = "import sys; from meshproxy.cli import main; sys.exit(main())"
        ran = subprocess.run([sys.executable, "-c", code, *arguments, "--conf", str(self.running.conf_dir), "--json"],
                             capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)  # fmt: skip
        self.assertNotIn("Traceback", ran.stderr)  # what a rewriter logs, it logs here too
        return ran.returncode, json.loads(ran.stdout)

    def fetch(self, method: str, path: str, fields: list[tuple[str, str]], body: str | None = None) -> tuple[Any, bytes]:
        """One request as it stands here: nothing is added but Host."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=20)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", f"localhost:{self.running.port}")
        for name, value in fields:
            connection.putheader(name, value.encode())
        connection.endheaders(None if body is None else body.encode())
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def log_in(self) -> str:
        """Alice's session cookie."""
        page, html = self.fetch("GET", "/_meshproxy/login/local?to=%2F", [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate")])
        token = re.search(rb'name="csrf" value="([^"]+)"', html)
        assert token is not None
        form = urlencode({"csrf": token[1].decode(), "username": "alice", "password": "alice-secret"})
        cookie = str(page.getheader("Set-Cookie")).partition(";")[0]
        answer, _ = self.fetch("POST", "/_meshproxy/login/local?to=%2F", [
            ("Cookie", cookie), ("Origin", self.running.url), ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", str(len(form)))], form)  # fmt: skip
        self.assertEqual(answer.status, 303)
        lines = answer.headers.get_all("Set-Cookie") or []
        return next(line.partition(";")[0] for line in lines if line.startswith("meshproxy="))

    def compare(self, cookie: str, method: str, path: str, fields: tuple[tuple[str, str], ...]) -> None:
        """What the service received beside what was explained."""
        fields = tuple((name, value.replace("@public", self.running.url)) for name, value in fields)
        sent = [(name, f"{value}; {cookie}" if name == "Cookie" else value) for name, value in fields]
        if not any(name == "Cookie" for name, _ in sent):
            sent.append(("Cookie", cookie))
        answer, content = self.fetch(method, path, sent)
        self.assertEqual(answer.status, 200, (method, path, content))
        received = json.loads(content)
        options = [part for name, value in fields for part in ("-H", f"{name}: {value}")]
        url, conf = self.running.url + path, str(self.running.conf_dir)
        ran = run("explain", "--json", "--conf", conf, "--as", "alice", "-X", method, *options, url)
        self.assertEqual(ran.status, 0)
        told = json.loads(ran.out)
        self.assertEqual(told["upstream"]["request_line"], received["request_line"])
        explained = [[one["name"], one["value"]] for one in told["fields"] if one["action"] != "drop"]
        framing = ("host", "connection", "content-length", "transfer-encoding")
        arrived = [[name, value] for name, value in received["fields"] if name.lower() not in framing]
        self.assertEqual([name for name, _ in explained], [name for name, _ in arrived], (method, path))
        for (name, said), (_, came) in zip(explained, arrived, strict=True):
            if name != "X-Request-Id":
                self.assertIn(said, (came, "[redacted]"), name)
        self.assertEqual([["Host", told["upstream"]["host"]]], [pair for pair in received["fields"] if pair[0] == "Host"])

    def test_what_is_explained_is_what_arrives(self) -> None:
        """Every field in its order with its value, request line and Host, for one who is logged in."""

        async def test(running: Running) -> None:
            cookie = self.log_in()
            for method, path, fields in REQUESTS:
                self.compare(cookie, method, path, fields)

        return run_with(self.running, test)  # type: ignore[return-value]

    def test_what_is_asked_of_the_running_one(self) -> None:
        """A failed request by its id, the sessions there are, the end of one of them."""

        async def test(running: Running) -> None:
            cookie = self.log_in()
            answer, _ = self.fetch("GET", "/gone/x?code=hush", [("Cookie", cookie), ("X-Forwarded-User", "root"), JSON])
            self.assertEqual(answer.status, 502)
            status, told = await in_thread(self.command, "explain", "--request-id", str(answer.getheader("X-Request-Id")))
            self.assertEqual((status, told["verdict"], told["diagnosis"]["answered_by"]), (4, "forward", "nobody"))
            self.assertNotIn("hush", json.dumps(told))
            page, content = self.fetch("GET", "/_meshproxy/inspector?failed=1", [("Cookie", cookie), JSON])
            self.assertEqual((page.status, len(json.loads(content)["requests"])), (200, 1))
            status, listed = await in_thread(self.command, "sessions", "list")
            self.assertEqual((status, [one["subject"] for one in listed["sessions"]]), (0, ["alice"]))
            status, told = await in_thread(self.command, "sessions", "revoke", listed["sessions"][0]["id"])
            self.assertEqual((status, told), (0, {"revoked": 1}))
            answer, _ = self.fetch("GET", "/one", [("Cookie", cookie), JSON])
            self.assertEqual(answer.status, 401)

        return run_with(self.running, test)  # type: ignore[return-value]


def in_thread(function: Any, *arguments: str) -> Deferred[Any]:
    from twisted.internet.threads import deferToThread

    return deferToThread(function, *arguments)
