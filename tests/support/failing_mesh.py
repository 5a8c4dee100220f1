"""A mesh in which every service fails in its own way, on loopback, with a real Envoy: what the doctor is measured in."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.task import deferLater

from ..mesh.envoy_config import Workload
from ..mesh.failing_config import CLIENT_ID, Service, failing_config, id_of, name_of, typed
from .certificates import Authority
from .mesh import envoy_path
from .odd_services import OddServices, answer, answering, http2_alone, silent, then
from .ports import free_ports
from .raw_http import RawClient

_FREE = 0  # a port that nobody has yet: of a sidecar, or of nobody
OK = answer(body=b"at your service")
_RBAC = "extensions.filters.http.rbac.v3.RBAC"


class FailingMesh:
    """The services by name; each is reached at ``ports[name]`` with Host ``name_of(name)``.

    :ivar admin: the port of our own sidecar's admin.
    """

    def __init__(self, reactor: Any, directory: Path) -> None:
        self._reactor = reactor
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.odd = OddServices(reactor)
        self.ports: dict[str, int] = {}
        self.admin = 0

    async def start(self) -> None:
        """Make certificates and services, start Envoy."""
        self._directory.mkdir(parents=True, exist_ok=True)
        services = self._services()
        # All at once, when everybody else listens already: nobody gets a port that another was given.
        self.admin, *ports = free_ports(1 + 2 * len(services))
        self.ports = {case: ports.pop() for case in services}
        services = {case: replace(one, endpoint=ports.pop()) if one.endpoint == _FREE else one for case, one in services.items()}
        config = self._directory / "envoy.json"
        config.write_text(json.dumps(failing_config(self.admin, services, self.ports), indent=1), "utf-8")
        path = envoy_path()
        assert path is not None
        with open(self._directory / "envoy.log", "wb") as output:
            self._process = subprocess.Popen(
                [path, "-c", str(config), "--disable-hot-restart", "--concurrency", "1", "-l", "warn"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )
        await self._ready()

    async def stop(self) -> None:
        """End Envoy and the services."""
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
        await self.odd.stop()

    def conf(self, directory: Path, *, admin: bool) -> Path:
        """A conf directory with all of them."""
        (directory / "services").mkdir(parents=True)
        sidecar = f"http://127.0.0.1:{self.admin}" if admin else ""
        (directory / "meshproxy.toml").write_text(f'public_url = "http://localhost:8080"\nsidecar_admin = "{sidecar}"\n', "utf-8")
        for case, port in self.ports.items():
            host = "shop.example.com" if case.startswith("nohost") else name_of(case)
            (directory / "services" / f"{case}.toml").write_text(
                f'upstream = "http://127.0.0.1:{port}"\n[route]\npath = "/{case}"\nstrip_path = true\n[access]\npublic = true\n'
                f'[request]\nhost = "{host}"\n', "utf-8")
        return directory

    def _services(self) -> dict[str, Service]:
        mesh, stranger = Authority(self._directory / "mesh", "acme root"), Authority(self._directory / "stranger", "another root")

        def workload(authority: Authority, *names: str, **more: Any) -> Workload:
            return Workload(*authority.issue(*names, **more), authority.ca_file)

        ours = workload(mesh, CLIENT_ID)
        theirs = workload(mesh, id_of("store"))
        listen = self.odd.listen
        good = listen(answering(OK))

        def strict(container: int = good, sidecar: Workload = theirs, mtls: Workload | None = ours, **more: Any) -> Service:
            return Service(_FREE, container, mtls, sidecar=sidecar, **more)

        rbac = typed("envoy.filters.http.rbac", _RBAC, rules={"action": "ALLOW", "policies": {}})
        fault = typed("envoy.filters.http.fault", "extensions.filters.http.fault.v3.HTTPFault",
                      abort={"http_status": 555, "percentage": {"numerator": 100}})
        tcp_rbac = typed("envoy.filters.network.rbac", "extensions.filters.network.rbac.v3.RBAC", stat_prefix="tcp",
                         rules={"action": "ALLOW", "policies": {}})
        return {
            "fine": strict(),
            "refused": Service(_FREE, mtls=ours),
            "refusedplain": Service(_FREE),
            "wrongname": strict(sidecar=workload(mesh, id_of("somebody-else"))),
            "wrongca": strict(sidecar=Workload(*stranger.issue(id_of("store")), mesh.ca_file)),
            "theyexpired": strict(sidecar=workload(mesh, id_of("store"), days=(-20, -2))),
            "weexpired": strict(mtls=workload(mesh, CLIENT_ID, days=(-20, -2))),
            "nocert": strict(sends_certificate=False),
            "stranger": strict(mtls=Workload(*stranger.issue(CLIENT_ID), mesh.ca_file)),
            "nosidecar": Service(good, mtls=ours),
            "nosidecarbad": Service(listen(answering(answer("400 Bad Request", b"what is that"))), mtls=ours),
            "plaintostrict": strict(mtls=None),
            "closes": Service(listen(then("close"))),
            "resets": Service(listen(then("reset"))),
            "peercloses": strict(listen(then("close"))),
            "peerrefused": strict(1),
            "http2port": Service(listen(http2_alone)),
            "http2told": Service(listen(then("close", answer("400 Bad Request"))), http2=True),
            "garbage": strict(listen(then("close", b"\x00\x01nonsense"))),
            "noendpoints": Service(None, mtls=ours),
            "nocluster": Service(good, action={"route": {"cluster": "outbound|80|v2|nowhere"}}),
            "noroute": Service(good, action={"match": {"prefix": "/never"}, "route": {"cluster": "outbound|80||x"}}),
            "nohost": strict(mtls=None),
            "nohostregistry": strict(registry_only=True),
            "slow": strict(listen(silent), route={"timeout": "1s"}),
            "denied": strict(filters=(rbac,)),
            "deniedtcp": strict(tcp_filters=(tcp_rbac,)),
            "fault": strict(filters=(fault,)),
            "own503": strict(listen(answering(answer("503 Nope", b'{"why": "no healthy upstream"}', "content-type: application/json")))),
            "quotes": strict(listen(answering(answer("503 Nope", b"no healthy upstream", "content-type: text/plain; charset=utf-8")))),
            "bare404": strict(listen(answering(answer("404 Not Found")))),
        }

    async def _ready(self) -> None:
        deadline = self._reactor.seconds() + 30.0
        while True:
            assert self._process is not None
            if self._process.poll() is not None or self._reactor.seconds() > deadline:
                raise AssertionError("Envoy does not start:\n" + (self._directory / "envoy.log").read_text("utf-8", "replace")[-3000:])
            try:
                client = await connectProtocol(TCP4ClientEndpoint(self._reactor, "127.0.0.1", self.admin, timeout=5), RawClient())
                client.write(b"GET /ready HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
                await client.closed
                if b"LIVE" in client.take():
                    return
            except ConnectError:
                pass
            await deferLater(self._reactor, 0.05)
