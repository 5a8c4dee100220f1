"""A real Node-RED behind meshproxy, as docs/services/node-red.md shows it: people by a field, the editor's WebSocket, flows."""

from __future__ import annotations

import atexit
import json
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial import unittest

from .support.behind import behind, cookie_line, logged_in
from .support.installed import node_packages, why_not
from .support.ports import free_ports
from .support.program import Program
from .support.running import Running, run_with
from .support.visitor import Seen, Visitor
from .support.websocket_client import Refused, WebSocket

SETTINGS = """
module.exports = {
    uiHost: "127.0.0.1", uiPort: %d, flowFile: "flows.json", credentialSecret: "of no importance",
    httpAdminRoot: "/node-red/edit", httpNodeRoot: "/node-red/flow",
    adminAuth: {
        type: "credentials", users: [],
        tokenHeader: "x-forwarded-user",
        tokens: async (name) => ({ username: name, permissions: "*" }),
    },
    functionTimeout: 5,
};
"""
_PLACED: dict[str, Any] = {"z": "tab", "x": 100, "y": 100}  # a node without a place is a configuration, not a step
FLOWS = [
    {"id": "tab", "type": "tab", "label": "Echo"},
    {"id": "get", "type": "http in", **_PLACED, "url": "/echo", "method": "get", "wires": [["tell"]]},
    {"id": "post", "type": "http in", **_PLACED, "url": "/echo", "method": "post", "wires": [["tell"]]},
    {"id": "tell", "type": "function", **_PLACED, "outputs": 1, "wires": [["answer"]],
     "func": "const {rawHeaders: fields, originalUrl: target, method} = msg.req;\n"
             "msg.payload = {fields, target, method, body: msg.payload}; return msg;"},
    {"id": "answer", "type": "http response", **_PLACED, "wires": []},
    {"id": "listener", "type": "websocket-listener", "path": "/socket", "wholemsg": "false"},
    {"id": "hear", "type": "websocket in", **_PLACED, "server": "listener", "wires": [["say"]]},
    {"id": "say", "type": "websocket out", **_PLACED, "server": "listener", "wires": []},
]  # fmt: skip
_started: list[Program] = []


def node_red() -> Program:
    """The one Node-RED of this module."""
    if not _started:
        directory, (port,) = Path(tempfile.mkdtemp()), free_ports(1)
        (directory / "settings.js").write_text(SETTINGS % port)
        (directory / "flows.json").write_text(json.dumps(FLOWS))
        (directory / "package.json").write_text('{"name": "test", "private": true, "type": "commonjs"}')  # else one further up counts
        program = node_packages("node_red") / "node_modules" / "node-red" / "red.js"
        command = ["node", str(program), "--userDir", str(directory), "--settings", str(directory / "settings.js")]
        _started.append(Program(command, directory, port, "/node-red/flow/echo"))
        atexit.register(_started[0].stop)
    return _started[0]


def service(more: str = "") -> str:
    """``services/node-red.toml``."""
    return f"""
        title = "Node-RED"
        upstream = "http://127.0.0.1:{node_red().port}"
        [route]
        path = "/node-red"
        [access]
        groups = ["devs"]
        [[rewrite]]
        use = "forwarded-user"
        {more}
    """


class NodeRedTests(unittest.TestCase):
    """Its editor, and the flows that people make with it."""

    timeout = 60
    skip = why_not("node", "npm", packages=lambda: node_packages("node_red"))

    def run_behind(self, test: Any, more: str = "") -> Deferred[None]:
        return run_with(behind(reactor, self.mktemp(), {"node-red": service(more)}), test)

    async def deploy(self, running: Running, visitor: Visitor) -> Seen:
        """What the button does; nothing has changed, so that nothing is started anew."""
        fields = ("Content-Type: application/json", f"Origin: {running.url}", "Node-RED-API-Version: v1", "Node-RED-Deployment-Type: nodes")
        body = json.dumps(FLOWS).encode()
        return await visitor.ask("/node-red/edit/flows", *fields, method="POST", body=body, accept="application/json")

    def test_the_editor(self) -> Deferred[None]:
        """Its page and parts; who logged in at meshproxy is who Node-RED knows, whatever the browser says."""
        return self.run_behind(self.editor)

    async def editor(self, running: Running) -> None:
        alice = await logged_in(running, "/node-red/edit/")
        self.assertIn("<title>Node-RED</title>", (await alice.ask("/node-red/edit/")).text)
        self.assertEqual(200, (await alice.ask("/node-red/edit/red/red.min.js", accept="*/*")).status)
        self.assertEqual(f"{running.url}/node-red/edit/", (await alice.go("/node-red/edit")).url)
        forged = ("X-Forwarded-User: mallory@example.com", "X_Forwarded_User: mallory@example.com")
        settings = json.loads((await alice.ask("/node-red/edit/settings", *forged, accept="application/json")).body)
        self.assertEqual("alice@example.com", settings["user"]["username"])

    def test_deploying(self) -> Deferred[None]:
        """The editor's WebSocket tells a person at once what another deploys; one of another site's page is refused."""
        return self.run_behind(self.deploying)

    async def deploying(self, running: Running) -> None:
        alice, bob = await logged_in(running, "/node-red/edit/"), await logged_in(running, "/node-red/edit/", "bob")
        socket = await WebSocket.open(running, "/node-red/edit/comms", cookie_line(bob))
        socket.send({"subscribe": "notification/#"})
        deployed = await self.deploy(running, alice)
        self.assertEqual(204, deployed.status, deployed.text)
        topics: list[str] = []
        while "notification/runtime-deploy" not in topics:
            topics += [message["topic"] for message in await socket.receive_json()]
        with self.assertRaises(Refused) as refused:
            await WebSocket.open(running, "/node-red/edit/comms", cookie_line(bob), origin="https://evil.example")
        self.assertEqual(403, refused.exception.status)
        with self.assertRaises(Refused) as refused:
            await WebSocket.open(running, "/node-red/edit/comms")
        self.assertEqual(401, refused.exception.status)

    def test_what_a_flow_receives(self) -> Deferred[None]:
        """Exactly these fields, with their case and order: the browser's end-to-end ones, then what meshproxy says."""
        return self.run_behind(self.receives)

    async def receives(self, running: Running) -> None:
        alice = await logged_in(running, "/node-red/edit/")
        page, authority = f"{running.url}/node-red/flow/page?q=1", f"127.0.0.1:{node_red().port}"
        answer = await alice.ask(
            "/node-red/flow/echo?a=b%2Fc&d", "X-Custom: 1", "x-custom: 2", f"Referer: {page}", f"Origin: {running.url}",
            "Cookie: theme=dark", "X-Forwarded-For: 8.8.8.8", "X-Forwarded-Host: evil.example", "X-Forwarded-Groups: admins",
            "X.Forwarded.Email: root@example.com", "X-WEBAUTH-USER: root", "Impersonate-User: root", "Keep-Alive: timeout=5",
            "X-Hop: 1", "Connection: X-Hop", "Content-Type: application/json", "Authorization: Basic b3duOnB3",
            method="POST", body=b'{"x": "\xc3\xa9"}', accept="application/json",
        )  # fmt: skip
        self.assertEqual(200, answer.status, answer.text)
        told = json.loads(answer.body)
        self.assertEqual(("POST", "/node-red/flow/echo?a=b%2Fc&d", {"x": "é"}), (told["method"], told["target"], told["body"]))
        fields = list(zip(told["fields"][::2], told["fields"][1::2], strict=True))
        (request_id,) = answer.values("x-request-id")
        expected = [
            ("Accept", "application/json"), ("X-Custom", "1"), ("x-custom", "2"),
            ("Referer", f"http://{authority}/node-red/flow/page?q=1"), ("Origin", f"http://{authority}"), ("Cookie", "theme=dark"),
            ("Content-Type", "application/json"), ("Authorization", "Basic b3duOnB3"),
            ("Host", authority), ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", running.url.partition("//")[2]),
            ("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", str(running.port)), ("X-Request-Id", request_id),
            ("X-Forwarded-User", "alice@example.com"), ("X-Forwarded-Email", "alice@example.com"), ("X-Forwarded-Groups", "admins,devs"),
            ("X-Forwarded-Preferred-Username", "alice"), ("Content-Length", "11"),
        ]  # fmt: skip
        self.assertEqual(sorted(expected), sorted(fields))
        self.assertEqual(expected[:8], [field for field in fields if field in expected[:8]])

    def test_a_socket_of_a_flow(self) -> Deferred[None]:
        """Messages of every length go through a flow and come back as they were."""
        return self.run_behind(self.flow_socket)

    async def flow_socket(self, running: Running) -> None:
        alice = await logged_in(running, "/node-red/edit/")
        socket = await WebSocket.open(running, "/node-red/flow/socket", cookie_line(alice))
        for message in ("é", "x" * 125, "x" * 126, "x" * 65_535, "x" * 65_536, "y" * 1_000_000):
            socket.send(message)
            self.assertEqual(message, await socket.receive())
        for number in range(500):
            socket.send(str(number))
        self.assertEqual([str(number) for number in range(500)], [await socket.receive() for _ in range(500)])
        socket.close()
        with self.assertRaises(ConnectionError):
            await socket.receive()

    def test_a_socket_of_no_flow(self) -> Deferred[None]:
        """To a WebSocket that no flow serves Node-RED says nothing at all; meshproxy does, when its time is up."""
        return self.run_behind(self.no_flow, '[timeouts]\nresponse = "1s"')

    async def no_flow(self, running: Running) -> None:
        alice = await logged_in(running, "/node-red/edit/")
        with self.assertRaises(Refused) as refused:
            await WebSocket.open(running, "/node-red/flow/nothing", cookie_line(alice))
        self.assertEqual(504, refused.exception.status)
        self.assertIn(b"X-Meshproxy-Source: meshproxy", refused.exception.answer)
