"""The parent half: start, reload, drain and end, in this process and over real sockets."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.protocol import Factory
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from meshproxy.configured import read
from meshproxy.service import MeshproxyService

from .support.ports import free_ports

MAIN = """
public_url = "http://localhost:{port}"
listen = ["tcp:{port}:interface=127.0.0.1"]
admin_listen = "tcp:{admin}:interface=127.0.0.1"
control = "{control}"
mesh = false
[log]
access = "off"
[identity.local]
type = "users"
file = "users.toml"
"""
USERS = '[alice]\npassword = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$1qeXPBwLQyzaHEs0EYaHJGGmzVKwX7MYHAEdxz2Dx8w"\n'
SERVICE = 'upstream = "sample:"\n[route]\npath = "/{0}"\n[access]\npublic = true\n'


def fetch(url: str) -> tuple[int, str]:
    try:
        with urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


class ServiceTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.port, self.admin = free_ports(2)
        self.runtime = tempfile.mkdtemp(prefix="mp-")  # a socket's path has little room
        self.addCleanup(shutil.rmtree, self.runtime)
        self.write("meshproxy.toml", self.main(self.port))
        self.write("users.toml", USERS)
        self.write("services/app.toml", SERVICE.format("app"))
        self.service = MeshproxyService(reactor, read(self.folder))
        self.addCleanup(self.service.stopService)
        self.exits: list[int] = []
        self.patch(self.service, "_exit", self.exits.append)
        self.patch(self.service, "_take_signals", lambda: None)  # this process's own stay
        self.said: list[str] = []
        globalLogPublisher.addObserver(self.listen)
        self.addCleanup(globalLogPublisher.removeObserver, self.listen)

    def listen(self, event: Any) -> None:
        if str(event.get("log_namespace", "")).startswith("meshproxy."):
            self.said.append(str(event.get("log_format", "")).format(**event))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def main(self, port: int) -> str:
        return MAIN.format(port=port, admin=self.admin, control=f"{self.runtime}/control")

    def start(self) -> Any:
        self.service.startService()
        return self.service.started

    def get(self, path: str, port: int = 0) -> Any:
        return deferToThread(fetch, f"http://127.0.0.1:{port or self.port}{path}".replace("127.0.0.1", "localhost"))

    @inlineCallbacks
    def test_life(self) -> Any:
        """It serves and says that it is ready; a reload is in force at once, a bad one changes nothing; draining ends with 0."""
        yield self.start()
        self.assertEqual(self.exits, [])
        self.assertIn(f"meshproxy is ready at http://localhost:{self.port}", self.said)
        status, _ = yield self.get("/app/")
        self.assertEqual(status, 200)
        status, body = yield self.get("/readyz", self.admin)
        self.assertEqual((status, json.loads(body)["ready"]), (200, True))
        self.write("services/more.toml", SERVICE.format("more"))
        yield self.service.reload()
        status, _ = yield self.get("/more/")
        self.assertEqual(status, 200)
        self.write("services/more.toml", SERVICE.format("more") + "nonsense = 1\n")
        yield self.service.reload()
        self.assertTrue(any("not reloaded: services/more.toml" in line and "nonsense" in line for line in self.said), self.said)
        status, _ = yield self.get("/more/")
        self.assertEqual(status, 200)
        self.write("services/more.toml", SERVICE.format("more"))
        self.write("meshproxy.toml", self.main(self.port + 1))
        yield self.service.reload()
        self.assertTrue(any(line.startswith("listen has changed") for line in self.said), self.said)
        self.service._terminate()
        yield self.service._stopping
        self.assertEqual(self.exits, [0])
        status, body = yield self.get("/readyz", self.admin)
        self.assertEqual((status, json.loads(body)["reasons"]), (503, ["draining"]))

    @inlineCallbacks
    def test_port_taken(self) -> Any:
        """A socket that cannot be had ends the program with 1, and says why."""
        other = reactor.listenTCP(self.port, Factory(), interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(other.stopListening)
        yield self.start()
        self.assertEqual(self.exits, [1])
        self.assertTrue(any("cannot start" in line and str(self.port) in line for line in self.said), self.said)

