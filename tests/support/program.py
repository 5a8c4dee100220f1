"""A program that we did not write, as a process of its own for a test: started, waited for until it answers, ended."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

_STARTS_WITHIN = 40.0
_ENDS_WITHIN = 10.0


class Program:
    """One running program that speaks HTTP on loopback.

    :param command: with its arguments; its output goes to ``output`` in the directory.
    :param directory: where it runs; its home as well, so that it neither finds nor leaves anything of the person's who tests. It is
        removed in the end.
    :param path: asked until it answers with a status below 400.
    :param environ: further environment.
    """

    def __init__(self, command: list[str], directory: Path, port: int, path: str = "/", environ: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._name = Path(command[0]).name
        around = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with open(self.directory / "output", "wb") as output:
            self._process = subprocess.Popen(
                command, cwd=self.directory, env={**around, "HOME": str(self.directory), **(environ or {})},
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait(path)
        except BaseException:
            self.stop()
            raise

    def _wait(self, path: str) -> None:
        deadline = time.monotonic() + _STARTS_WITHIN
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._answers(path):
                return
            time.sleep(0.05)
        raise AssertionError(f"{self._name} does not answer (exit {self._process.poll()}):\n{self.output()[-4000:]}")

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def output(self) -> str:
        """What it wrote so far."""
        return (self.directory / "output").read_text("utf-8", "replace")

    def stop(self) -> None:
        """End it, wait for its end, and remove its directory."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
