"""A real JupyterLab behind meshproxy, as docs/services/jupyter.md shows it: Host rewritten, kernels over its WebSocket."""

from __future__ import annotations

import atexit
import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest

from .support.behind import behind, cookie_line, logged_in
from .support.installed import python_environment, why_not
from .support.ports import free_ports
from .support.program import Program
from .support.running import Running, run_with
from .support.visitor import Seen, Visitor
from .support.websocket_client import Refused, WebSocket

MISSING = why_not(packages=lambda: python_environment("jupyter"))
SERVICE_NAME = "jupyter.team.svc.cluster.local"
TOKEN = "0123456789abcdef"
_started: dict[str, Program] = {}


def jupyter(token: str = "") -> Program:
    """The JupyterLab of this module with that token: under /jupyter/, and known under a service name as well."""
    if token not in _started:
        directory, (port,) = Path(tempfile.mkdtemp()), free_ports(1)
        options = {
            "ServerApp.ip": "127.0.0.1", "ServerApp.port": str(port), "ServerApp.port_retries": "0", "ServerApp.base_url": "/jupyter/",
            "ServerApp.local_hostnames": f'["localhost", "{SERVICE_NAME}"]', "ServerApp.open_browser": "False",
            "IdentityProvider.token": token, "ServerApp.allow_root": "True", "ServerApp.root_dir": str(directory),
        }  # fmt: skip
        python = python_environment("jupyter") / "bin" / "python"
        command = [str(python), "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
        _started[token] = Program(command, directory, port, "/jupyter/api")
        atexit.register(_started[token].stop)
    return _started[token]


def service(host: str = "upstream", origin: str = "rewrite", token: str = "", more: str = "") -> str:
    """``services/jupyter.toml``."""
    return f"""
        title = "JupyterLab"
        upstream = "http://127.0.0.1:{jupyter(token).port}"
        [route]
        path = "/jupyter"
        [access]
        groups = ["devs"]
        [request]
        host = "{host}"
        origin = "{origin}"
        {more}
    """


class JupyterTests(unittest.TestCase):
    """What people do in it."""

    timeout = 90
    skip = MISSING

    def run_behind(self, test: Any, **request: str) -> Deferred[None]:
        return run_with(behind(reactor, self.mktemp(), {"jupyter": service(**request)}), test)

    async def make_kernel(self, running: Running, visitor: Visitor) -> Seen:
        """A new kernel, made as the page makes it: a POST with the page's Origin and the token of Jupyter's cookie."""
        return await visitor.ask(
            "/jupyter/api/kernels", f"Origin: {running.url}", f"X-XSRFToken: {visitor.cookies['_xsrf']}",
            "Content-Type: application/json", "Sec-Fetch-Site: same-origin",
            method="POST", body=b'{"name": "python3"}', accept="application/json",
        )  # fmt: skip

    async def evaluate(self, socket: WebSocket, code: str) -> str:
        """What the kernel says an expression is."""
        sent = uuid.uuid4().hex
        socket.send({
            "channel": "shell", "parent_header": {}, "metadata": {}, "buffers": [],
            "header": {"msg_id": sent, "msg_type": "execute_request", "username": "", "session": sent, "version": "5.3",
                       "date": "2026-01-01T00:00:00Z"},
            "content": {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False},
        })  # fmt: skip
        while True:
            message = await socket.receive_json()
            if message["parent_header"].get("msg_id") == sent and message["msg_type"] in ("execute_result", "error"):
                return str(message["content"].get("data", message["content"]).get("text/plain"))

    async def evaluates(self, running: Running) -> None:
        alice = await logged_in(running, "/jupyter/lab")
        made = await self.make_kernel(running, alice)
        self.assertEqual(201, made.status, made.text)
        channel = f"/jupyter/api/kernels/{json.loads(made.body)['id']}/channels"
        socket = await WebSocket.open(running, channel, cookie_line(alice))
        self.assertEqual("2", await self.evaluate(socket, "1+1"))
        self.assertEqual("1000002", await self.evaluate(socket, "len(repr('x' * 1000000))"))
        long = await self.evaluate(socket, "'x' * 200_000")
        self.assertEqual((200_002, "'x"), (len(long), long[:2]))
        (record, *_) = await running.records_with(log="access", service="jupyter", status=201)
        self.assertEqual("alice", record["principal"]["subject"])
        with self.assertRaises(Refused) as refused:
            await WebSocket.open(running, channel, cookie_line(alice), origin="https://evil.example")
        self.assertEqual(403, refused.exception.status)
        with self.assertRaises(Refused) as refused:
            await WebSocket.open(running, channel)
        self.assertEqual(401, refused.exception.status)

    def test_a_kernel(self) -> Deferred[None]:
        """With nothing set: ``1+1`` is 2, long answers arrive whole; another site's page and an anonymous person get no kernel."""
        return self.run_behind(self.evaluates)

    def test_a_kernel_under_a_service_name(self) -> Deferred[None]:
        """The same where Jupyter sees the name of a Kubernetes service as Host, which its ``local_hostnames`` lists."""
        return self.run_behind(self.evaluates, host=f"{SERVICE_NAME}:8888")

    def test_a_literal_host(self) -> Deferred[None]:
        """The same where nothing is set in Jupyter: ``host`` is a name that it knows by itself."""
        return self.run_behind(self.evaluates, host="localhost:8888")

    def test_a_kernel_with_a_token(self) -> Deferred[None]:
        """The same where Jupyter wants a token: meshproxy sends it, and no browser sees it."""
        rewrite = f'[[rewrite]]\nuse = "fields"\nset = {{ "Authorization" = "token {TOKEN}" }}'
        return self.run_behind(self.evaluates, token=TOKEN, more=rewrite)

    def test_pages_under_their_path(self) -> Deferred[None]:
        """Redirects stay under the public name; Jupyter's cookies keep their path and live beside ours, which it never sees."""
        return self.run_behind(self.pages)

    async def pages(self, running: Running) -> None:
        alice = await logged_in(running, "/jupyter/lab")
        at_root = await alice.ask("/jupyter/")
        self.assertEqual((302, ["/jupyter/lab?"]), (at_root.status, at_root.values("location")))
        page = await alice.ask("/jupyter/lab")
        self.assertEqual(200, page.status)
        set_by_jupyter = [value for value in page.values("set-cookie") if not value.startswith("meshproxy")]
        self.assertTrue(all("Path=/jupyter/" in value and "Domain" not in value for value in set_by_jupyter), set_by_jupyter)
        self.assertTrue({"_xsrf", "meshproxy"} <= set(alice.cookies), alice.cookies)
        self.assertIn('"baseUrl": "/jupyter/"', page.text)

    def test_an_unknown_host(self) -> Deferred[None]:
        """A Host that Jupyter does not know: its own 403, untouched; the reason stands in its log alone."""
        return self.run_behind(self.unknown_host, host="elsewhere.team.svc.cluster.local")

    async def unknown_host(self, running: Running) -> None:
        alice = Visitor(running)
        refused = await alice.log_in("/jupyter/lab", "alice", "alice-demo")
        self.assertEqual((403, []), (refused.status, refused.values("x-meshproxy-source")))
        self.assertIn("403", refused.text)
        self.assertIn("Blocking request with non-local 'Host' elsewhere.team.svc.cluster.local", jupyter().output())

    def test_the_origin_kept(self) -> Deferred[None]:
        """What goes wrong with ``origin = "keep"``: Jupyter compares with the Host that it sees and opens no kernel."""
        return self.run_behind(self.origin_kept, origin="keep")

    async def origin_kept(self, running: Running) -> None:
        alice = await logged_in(running, "/jupyter/lab")
        refused = await self.make_kernel(running, alice)
        self.assertEqual((404, []), (refused.status, refused.values("x-meshproxy-source")))
