"""Conf directories for tests: written piece by piece, read by the real loader."""

from __future__ import annotations

import tempfile
from pathlib import Path
from shutil import rmtree

from hypothesis import HealthCheck, settings
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config import Loaded, load
from meshproxy.problems import ConfError
from meshproxy.settings import ServiceSettings, Settings

#: Property tests that say the same on every machine, however busy it is.
properties = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])

MAIN = """
public_url = "https://apps.example.com"
"""
KEY = "A" * 43
IDENTITY = f"""
[session]
secret = "{KEY}"
[identity.local]
type = "users"
file = "users.toml"
"""
SERVICE = """
upstream = "http://orders.shop.svc.cluster.local:8080"
[access]
groups = ["shop"]
"""


class ConfDir:
    """A conf directory in a temporary place that goes with the test; it has a good ``meshproxy.toml`` and a good service ``orders``."""

    def __init__(self, test: SynchronousTestCase) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="conf-")).resolve()
        test.addCleanup(rmtree, self.path, ignore_errors=True)
        self.environ: dict[str, str] = {}
        self.main()
        self.service("orders", SERVICE)

    def write(self, name: str, content: str | bytes = "", mode: int = 0o600) -> Path:
        """Any file of the directory."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    def main(self, top: str = "", tables: str = "", base: str = MAIN, identity: str = IDENTITY) -> Path:
        """``meshproxy.toml``: lines above the first table, further tables."""
        return self.write("meshproxy.toml", base + top + "\n" + identity + tables)

    def service(self, name: str, text: str) -> Path:
        """``services/NAME.toml``"""
        return self.write(f"services/{name}.toml", text)

    def load(self) -> Loaded:
        """What the directory says; a test fails where it has problems."""
        return load(self.path, environ=self.environ)

    def settings(self) -> Settings:
        """Without the warnings."""
        return self.load().settings

    def only_service(self) -> ServiceSettings:
        """The one service that is there."""
        (service,) = self.settings().services
        return service

    def problems(self) -> list[str]:
        """All problems as they are printed; empty when there are none."""
        try:
            self.load()
        except ConfError as error:
            return [str(problem) for problem in error.problems]
        return []

    def warnings(self) -> list[str]:
        """All warnings as they are printed."""
        return [str(warning) for warning in self.load().warnings]
