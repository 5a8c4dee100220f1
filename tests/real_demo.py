"""The embedded default as its first user meets it: ``twistd``, a login, a service, a signal; by bytes and in a real Chromium."""

from __future__ import annotations

import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from unittest import SkipTest

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial import unittest

from .support.browser import ENTER, Chrome, log_in_by_keyboard, missing
from .support.running import Running, run_with
from .support.visitor import Visitor


class DemoTests(unittest.TestCase):
    """By bytes."""

    timeout = 120

    def demo(self, test: Callable[[Running], Awaitable[None]]) -> Deferred[None]:
        return run_with(Running.demo(reactor, Path(self.mktemp())), test)

    def test_log_in_and_open_a_service(self) -> Deferred[None]:
        """A person logs in, comes back to the URL they wanted, and the service sees who they are and nothing they made up."""
        return self.demo(self.log_in_and_open)

    async def log_in_and_open(self, running: Running) -> None:
        alice = Visitor(running)
        seen = await alice.log_in("/headers/some/page?q=1", "alice", "alice-demo")
        self.assertEqual((200, f"{running.url}/headers/some/page?q=1"), (seen.status, seen.url))
        self.assertIn("What this service received", seen.text)
        forged = ("X-Forwarded-User: root", "x_forwarded_groups: admins", "X.Forwarded.Email: root@example.com", "X-WEBAUTH-ROLE: Admin")
        shown = json.loads((await alice.ask("/headers/", *forged, accept="application/json")).body)
        fields = [(name.lower(), value) for name, value in shown["fields"]]
        self.assertEqual("GET / HTTP/1.1", shown["request_line"])
        self.assertEqual(["alice@example.com"], [value for name, value in fields if name.replace("_", "-") == "x-forwarded-email"])
        self.assertEqual([], [value for _, value in fields if "root" in value])
        self.assertEqual([], [name for name, _ in fields if name in ("cookie", "x-webauth-role") or "." in name])
        self.assertEqual([("host", "localhost")], [field for field in fields if field[0] == "host"])
        (record, *_) = await running.records_with(log="access", service="headers", status=200)
        self.assertEqual(("alice", "service"), (record["principal"]["subject"], record["answered_by"]))

    def test_access(self) -> Deferred[None]:
        """Who is in no admitted group is told which would do; nobody at all is sent to log in, a program gets 401."""
        return self.demo(self.access)

    async def access(self, running: Running) -> None:
        bob = Visitor(running)
        refused = await bob.log_in("/admin/", "bob", "bob-demo")
        self.assertEqual(403, refused.status)
        self.assertIn("admins", refused.text)
        self.assertEqual(200, (await bob.go("/headers/")).status)
        self.assertEqual(200, (await Visitor(running).log_in("/admin/", "alice", "alice-demo")).status)
        nobody = Visitor(running)
        self.assertEqual(302, (await nobody.ask("/headers/")).status)
        self.assertEqual(401, (await nobody.ask("/headers/", accept="application/json")).status)
        wrong = await nobody.log_in("/headers/", "alice", "bob-demo")
        self.assertIn("/_meshproxy/login", wrong.url)
        self.assertEqual(302, (await nobody.ask("/headers/")).status)

    def test_reload(self) -> Deferred[None]:
        """SIGHUP takes what changed; a bad file keeps what runs and says so; nobody is logged out."""
        return self.demo(self.reload)

    async def reload(self, running: Running) -> None:
        bob = Visitor(running)
        await bob.log_in("/headers/", "bob", "bob-demo")
        admin = (running.conf_dir / "services" / "admin.toml").read_text("utf-8")
        running.write("services/admin.toml", admin.replace('groups = ["admins"]', 'groups = ["devs"]'))
        running.signal(signal.SIGHUP)
        await running.log_says("reloaded")
        self.assertEqual(200, (await bob.ask("/admin/")).status)
        running.write("services/admin.toml", admin.replace("[access]", "[acess]"))
        running.signal(signal.SIGHUP)
        await running.log_says("not reloaded: services/admin.toml: ")
        self.assertEqual(200, (await bob.ask("/admin/")).status)
        self.assertIn(b'meshproxy_reloads_total{outcome="succeeded"}', await running.admin("/metrics"))
        self.assertIn(b'meshproxy_reloads_total{outcome="failed"}', await running.admin("/metrics"))

    def test_drains(self) -> Deferred[None]:
        """SIGTERM lets what is under way finish, says on the admin listener that it is not ready, and exits 0."""
        return self.demo(self.drains)

    async def drains(self, running: Running) -> None:
        alice = Visitor(running)
        await alice.log_in("/headers/", "alice", "alice-demo")
        cookie = "; ".join(f"{name}={value}" for name, value in alice.cookies.items())
        slow = await running.connect()
        slow.write(f"POST /headers/upload HTTP/1.1\r\nHost: localhost:{running.port}\r\nCookie: {cookie}\r\n".encode())
        slow.write(b"Content-Length: 6\r\nSec-Fetch-Site: same-origin\r\n\r\nabc")
        await running.admin("/healthz")
        running.signal(signal.SIGTERM)
        await running.log_says("draining")
        self.assertIn(b" 503 ", (await running.admin("/readyz")).partition(b"\r\n")[0])
        slow.write(b"def")
        self.assertIn(b'"bytes": 6', await slow.until(b'"sha256"'))
        await slow.closed


class DemoInABrowserTests(unittest.TestCase):
    """In a real Chromium."""

    timeout = 180

    def setUp(self) -> None:
        if why := missing():
            raise SkipTest(why)

    def test_the_sample_page(self) -> Deferred[None]:
        """By keyboard alone: log in, see the services, open one; its WebSocket, its stream and its upload work under the route's prefix."""
        return run_with(Running.demo(reactor, Path(self.mktemp())), self.the_sample_page)

    async def the_sample_page(self, running: Running) -> None:
        await deferToThread(self.drive, running)

    def drive(self, running: Running) -> None:
        with Chrome() as chrome:
            log_in_by_keyboard(chrome, f"{running.url}/", "bob", "bob-demo")
            self.assertIn("What a service sees", chrome.text("main"))
            chrome.go(f"{running.url}/headers")
            self.assertIn("bob@example.com", chrome.text("table"))
            chrome.until(lambda one: one.text("#echoed") == "connected", "the WebSocket's opening")
            chrome.tab_to("message", by=lambda focused: focused.startswith("Say something"))
            chrome.press(", world", ENTER)
            chrome.until(lambda one: "world" in one.text("#echoed"), "the echo")
            first = chrome.text("#time")
            chrome.until(lambda one: one.text("#time") not in (first, "waiting"), "the clock's next tick")
            chrome.script(
                "const files = new DataTransfer(); files.items.add(new File([new Uint8Array(300000)], 'f'));"
                "document.getElementById('file').files = files.files; document.querySelector('#upload button').click()"
            )
            chrome.until(lambda one: '"bytes":300000' in one.text("#uploaded"), "the upload's receipt")
            self.assertEqual([], [line for line in chrome.console() if "violates" in line or "Refused" in line])
            chrome.go(f"{running.url}/admin")
            self.assertIn("admins", chrome.text("main"))
