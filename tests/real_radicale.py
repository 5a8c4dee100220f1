"""A real Radicale behind meshproxy, as docs/services/radicale.md shows it: WebDAV with URLs in fields, HTTP/1.0, a prefix by a field."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest

from .support.behind import behind, logged_in
from .support.installed import python_environment, why_not
from .support.ports import free_ports
from .support.program import Program
from .support.running import Running, run_with
from .support.visitor import Seen, Visitor

CONFIG = """
[server]
hosts = 127.0.0.1:{port}
[auth]
type = http_x_remote_user
[storage]
filesystem_folder = {folder}
"""
SERVICE = """
    title = "Radicale"
    upstream = "http://127.0.0.1:{port}"
    [route]
    path = "/radicale"
    strip_path = true
    [access]
    groups = ["devs"]
    [request]
    origin = "{origin}"
    [[rewrite]]
    use = "fields"
    set = {{ "X-Remote-User" = "{{username}}" }}
"""
EVENT = b"\r\n".join((
    b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:-//test//EN", b"BEGIN:VEVENT", b"UID:tea", b"DTSTAMP:20260101T000000Z",
    b"DTSTART:20260102T150000Z", b"SUMMARY:Tea", b"END:VEVENT", b"END:VCALENDAR", b"",
))  # fmt: skip


class RadicaleTests(unittest.TestCase):
    """Calendars of alice and bob."""

    timeout = 60
    skip = why_not(packages=lambda: python_environment("radicale"))

    def run_behind(self, test: Any, origin: str = "keep") -> Deferred[None]:
        (port,), directory = free_ports(1), Path(self.mktemp()).resolve()
        directory.mkdir()
        (directory / "config").write_text(CONFIG.format(port=port, folder=directory / "collections"))
        program = Program([str(python_environment("radicale") / "bin" / "radicale"), "--config", "config"], directory, port, "/.web/")
        self.addCleanup(program.stop)
        return run_with(behind(reactor, self.mktemp(), {"radicale": SERVICE.format(port=port, origin=origin)}), test)

    async def dav(self, visitor: Visitor, method: str, path: str, *fields: str, body: bytes = b"") -> Seen:
        return await visitor.ask(path, *fields, method=method, body=body, accept="*/*")

    async def with_event(self, running: Running) -> Visitor:
        """alice with two calendars and an event in the first."""
        alice = await logged_in(running, "/radicale/.web/")
        for name in ("work", "home"):
            self.assertEqual(201, (await self.dav(alice, "MKCALENDAR", f"/radicale/alice/{name}/")).status)
        put = await self.dav(alice, "PUT", "/radicale/alice/work/tea.ics", "Content-Type: text/calendar", body=EVENT)
        self.assertEqual(201, put.status, put.text)
        return alice

    async def move(self, running: Running, visitor: Visitor, to: str) -> int:
        return (await self.dav(visitor, "MOVE", "/radicale/alice/work/tea.ics", f"Destination: {to}")).status

    def test_moving(self) -> Deferred[None]:
        """``Destination`` and ``X-Forwarded-Host`` name one server, and Radicale moves; one elsewhere is refused by Radicale itself."""
        return self.run_behind(self.moving)

    async def moving(self, running: Running) -> None:
        alice = await self.with_event(running)
        self.assertEqual(502, await self.move(running, alice, "https://elsewhere.example/radicale/alice/home/tea.ics"))
        self.assertEqual(201, await self.move(running, alice, f"{running.url}/radicale/alice/home/tea.ics"))
        self.assertEqual(404, (await self.dav(alice, "GET", "/radicale/alice/work/tea.ics")).status)
        moved = await self.dav(alice, "GET", "/radicale/alice/home/tea.ics")
        self.assertEqual((200, True), (moved.status, b"SUMMARY:Tea" in moved.body))

    def test_the_prefix(self) -> Deferred[None]:
        """``X-Script-Name`` tells Radicale its prefix: every URL in its answers has it, redirects have it once."""
        return self.run_behind(self.prefix)

    async def prefix(self, running: Running) -> None:
        alice = await self.with_event(running)
        listed = await self.dav(alice, "PROPFIND", "/radicale/alice/work/", "Depth: 1")
        hrefs = re.findall(r"<href>([^<]+)</href>", listed.text)
        self.assertEqual(207, listed.status)
        self.assertLessEqual({"/radicale/alice/work/", "/radicale/alice/work/tea.ics"}, set(hrefs))
        self.assertEqual([], [href for href in hrefs if href.startswith("/") and not href.startswith("/radicale/")])
        self.assertEqual(["/radicale/.web"], (await alice.ask("/radicale/")).values("location"))
        self.assertEqual(f"{running.url}/radicale/.web/", (await alice.go("/radicale/")).url)

    def test_whose_calendar(self) -> Deferred[None]:
        """Radicale takes ``X_Remote_User`` for ``X-Remote-User``: neither comes through from a browser, so bob stays bob."""
        return self.run_behind(self.whose)

    async def whose(self, running: Running) -> None:
        await self.with_event(running)
        bob = await logged_in(running, "/radicale/.web/", "bob")
        for forged in ("X-Remote-User: alice", "X_Remote_User: alice", "x.remote.user: alice", "X-Script-Name: /elsewhere"):
            self.assertEqual(403, (await self.dav(bob, "GET", "/radicale/alice/work/tea.ics", forged)).status, forged)
        self.assertEqual(207, (await self.dav(bob, "PROPFIND", "/radicale/bob/", "X_Remote_User: alice")).status)

    def test_the_destination_rewritten(self) -> Deferred[None]:
        """What goes wrong with ``origin = "rewrite"``: Radicale knows itself by ``X-Forwarded-Host``, not by Host. 502, its own."""
        return self.run_behind(self.rewritten, origin="rewrite")

    async def rewritten(self, running: Running) -> None:
        alice = await self.with_event(running)
        self.assertEqual(502, await self.move(running, alice, f"{running.url}/radicale/alice/home/tea.ics"))
        self.assertEqual(200, (await self.dav(alice, "GET", "/radicale/alice/work/tea.ics")).status)
