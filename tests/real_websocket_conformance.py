"""W11: the Autobahn cases, driven by kosoku, against an echo service directly and through meshproxy: the same results, case by case."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from .support.echo_service import EchoFactory
from .support.running import Running, run_with

KOSOKU = shutil.which("kosoku", path=str(Path(sys.executable).parent)) or shutil.which("kosoku")
SERVICE = 'title = "Echo"\nupstream = "http://127.0.0.1:{0}"\n[route]\npath = "/"\n[access]\npublic = true\n'
# Left out are the longest of the performance cases (9) and of compression (12, 13), of which the shortest tell the same.
CASES = (
    *(f"{group}.*" for group in (1, 2, 3, 4, 5, 6, 7, 10)), "9.1.*", "9.2.*", "9.3.*", "9.5.*", "9.7.*",
    *(f"12.{kind}.1" for kind in range(1, 6)), *(f"13.{kind}.1" for kind in range(1, 8)),
)


class ConformanceTests(TestCase):
    timeout = 120
    if KOSOKU is None:
        skip = "kosoku is not installed (pip install kosoku)"

    async def results(self, port: int, name: str) -> dict[str, tuple[str, str]]:
        """What the suite found out, by case: its verdict, and the one on how the connection was closed."""
        directory = Path(self.mktemp()).resolve()
        includes = [argument for case in CASES for argument in ("--include", case)]
        arguments = [*includes, "--parallelism", "4", "--outdir", str(directory), f"localhost:{port}"]
        out, err, _ = await getProcessOutputAndValue(str(KOSOKU), arguments, env=None, reactor=reactor)
        index = directory / "index.json"
        self.assertTrue(index.exists(), (name, out[-1000:], err[-1000:]))
        (agent,) = json.loads(index.read_text("utf-8")).values()
        return {case: (result["behavior"], result["behaviorClose"]) for case, result in agent.items()}

    def test_same_results(self) -> Deferred[None]:
        """Nothing that a WebSocket can do is done differently because meshproxy is between."""

        async def compare(running: Running) -> None:
            direct = await self.results(echo_port, "direct")
            through = await self.results(running.port, "through meshproxy")
            self.assertGreater(len(direct), 280)
            self.assertEqual({verdict for verdict, _ in direct.values()}, {"OK", "INFORMATIONAL"})
            different = {case: (direct[case], through.get(case)) for case in direct if through.get(case) != direct[case]}
            self.assertEqual(different, {})
            self.assertEqual(len(through), len(direct))

        listening: Any = reactor.listenTCP(0, EchoFactory(), interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(listening.stopListening)
        echo_port = listening.getHost().port
        running = Running(reactor, Path(self.mktemp()), services={"echo": SERVICE.format(echo_port)}, main="mesh = false\n")
        return run_with(running, compare)
