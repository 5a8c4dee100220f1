"""Conf directories for the doctor: services that are odd on purpose, on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from meshproxy.configured import read
from meshproxy.doctor import Report, ServiceReport, run

from .odd_services import OddServices


class Surgery:
    """Odd services, and a doctor for them."""

    def __init__(self, reactor: Any, directory: Path, *, mesh: bool = False, top: str = "") -> None:
        self.reactor = reactor
        self.odd = OddServices(reactor)
        self.directory = directory.absolute()
        (self.directory / "services").mkdir(parents=True)
        (self.directory / "meshproxy.toml").write_text(
            f'public_url = "http://localhost:8080"\nmesh = {str(mesh).lower()}\nsidecar_admin = ""\n{top}\n', "utf-8")

    def service(self, name: str, port: int, *, scheme: str = "http", host: str = "127.0.0.1", more: str = "") -> None:
        """A service at a port."""
        route = f'[route]\npath = "/{name}"\nstrip_path = true'
        text = f'upstream = "{scheme}://{host}:{port}"\n{route}\n[access]\npublic = true\n{more}\n'
        (self.directory / "services" / f"{name}.toml").write_text(text, "utf-8")

    def examined(self, *names: str, **more: Any) -> Deferred[Report]:
        """The report."""
        return Deferred.fromCoroutine(run(self.reactor, read(self.directory), names, **more))

    def one(self, **more: Any) -> Deferred[ServiceReport]:
        """That of the only service."""
        return self.examined(**more).addCallback(lambda report: report.services[0])
