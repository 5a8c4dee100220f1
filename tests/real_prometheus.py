"""A real Prometheus behind meshproxy, under a path, in the three ways of docs/services/prometheus.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest

from .support.behind import behind, logged_in
from .support.installed import why_not
from .support.ports import free_ports
from .support.program import Program
from .support.running import Running, run_with
from .support.visitor import Seen, Visitor

WITH_STRIP = "strip_path = true"
ADMINISTRATION = """
    title = "Prometheus, administration"
    upstream = "http://127.0.0.1:{port}"
    [route]
    path = "/prometheus/-"
    [access]
    groups = ["admins"]
    show = "never"
"""
SERVICE = """
    title = "Prometheus"
    upstream = "http://127.0.0.1:{port}"
    [route]
    path = "/prometheus"
    {more}
    [access]
    groups = ["devs"]
"""


class PrometheusTests(unittest.TestCase):
    """Its pages, its API and its administration."""

    timeout = 90
    skip = why_not("prometheus")

    def run_behind(self, test: Any, *options: str, route: str = "", external: bool = True) -> Deferred[None]:
        """Prometheus on a port of its own, and a meshproxy before it."""
        (port,) = free_ports(1)
        services = {"prometheus": SERVICE.format(port=port, more=route), "prometheus-admin": ADMINISTRATION.format(port=port)}
        running = behind(reactor, self.mktemp(), services)
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "prometheus.yml").write_text("global: {}\n")
        if external:
            options = (f"--web.external-url={running.url}/prometheus", *options)
        address = f"127.0.0.1:{port}"
        options = (f"--web.listen-address={address}", f"--web.cors.origin=http://{re.escape(address)}", "--web.enable-lifecycle", *options)
        program = Program(["prometheus", "--config.file=prometheus.yml", *options], directory, port)
        self.addCleanup(program.stop)
        return run_with(running, test)

    async def is_two(self, running: Running, alice: Visitor) -> None:
        """``1+1`` by GET, and as its page asks: a form by POST, with the page's Origin (which it sees, and names, as its own)."""
        for answer in (
            await alice.ask("/prometheus/api/v1/query?query=1%2B1", accept="application/json"),
            await alice.ask(
                "/prometheus/api/v1/query", "Content-Type: application/x-www-form-urlencoded", f"Origin: {running.url}",
                method="POST", body=b"query=1%2B1", accept="application/json",
            ),
        ):  # fmt: skip
            self.assertEqual((200, "2"), (answer.status, json.loads(answer.body)["data"]["result"][1]))
        self.assertEqual([running.url], answer.values("access-control-allow-origin"))

    async def page_is_whole(self, running: Running, page: Seen, visitor: Visitor) -> None:
        """The page stands where its redirects led, and everything that it loads is there."""
        self.assertEqual((200, True), (page.status, page.url.startswith(f"{running.url}/prometheus/")), page.url)
        parts = sorted({part for part in re.findall(r'(?:href|src)="([^"#]+)"', page.text) if re.search(r"\.(js|css|ico)\b", part)})
        self.assertGreater(len(parts), 3)
        self.assertEqual([], [part for part in parts if (await visitor.ask(part, accept="*/*")).status != 200])

    async def whole(self, running: Running) -> None:
        alice = await logged_in(running, "/prometheus/")
        for entrance in ("/prometheus", "/prometheus/", "/prometheus/graph"):
            await self.page_is_whole(running, await alice.go(entrance), alice)
        await self.is_two(running, alice)

    def test_under_its_path(self) -> Deferred[None]:
        """``--web.external-url`` with the path, which goes on as it came: pages, what they load, and the API."""
        return self.run_behind(self.whole)

    def test_path_stripped(self) -> Deferred[None]:
        """``strip_path`` and ``--web.route-prefix=/``: its redirects name the path already, and do not get it twice."""
        return self.run_behind(self.whole, "--web.route-prefix=/", route=WITH_STRIP)

    def test_nothing_set_there(self) -> Deferred[None]:
        """What goes wrong without ``--web.external-url``: API and redirects work, its pages look for their parts at the root."""
        return self.run_behind(self.nothing_set, route=WITH_STRIP, external=False)

    async def nothing_set(self, running: Running) -> None:
        alice = await logged_in(running, "/prometheus/")
        await self.is_two(running, alice)
        page = await alice.go("/prometheus/")
        self.assertTrue(page.url.startswith(f"{running.url}/prometheus/"), page.url)
        (script, *_) = re.findall(r'src="([^"]+\.js)', page.text)
        self.assertFalse(script.startswith("/prometheus"))
        self.assertNotEqual(200, (await alice.ask(script, accept="*/*")).status)

    def test_administration(self) -> Deferred[None]:
        """A second service on the longer path narrows who may reload: bob reads and does not reload, alice does."""
        return self.run_behind(self.administration)

    async def administration(self, running: Running) -> None:
        statuses = {}
        for name in ("alice", "bob"):
            visitor = await logged_in(running, "/prometheus/", name)
            reload = await visitor.ask("/prometheus/-/reload", f"Origin: {running.url}", method="POST", accept="*/*")
            query = await visitor.ask("/prometheus/api/v1/query?query=1", accept="*/*")
            around = [await visitor.ask(running.url + path, method="POST", accept="*/*") for path in (
                "/prometheus/x/../-/reload", "/prometheus//-/reload", "/prometheus/%2D/reload",
            )]  # fmt: skip
            statuses[name] = (reload.status, query.status)
            if name == "bob":
                self.assertNotIn(200, [seen.status for seen in around])
        self.assertEqual({"alice": (200, 200), "bob": (403, 200)}, statuses)
        cross = await visitor.ask("/prometheus/api/v1/query", "Origin: https://evil.example", method="POST", body=b"query=1", accept="*/*")
        self.assertEqual((403, ["meshproxy"]), (cross.status, cross.values("x-meshproxy-source")))
