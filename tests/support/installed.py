"""How do tests get programs that we did not write? They install them once, each into a folder of its own, and find them there again.

The folders lie in ``$MESHPROXY_TEST_CACHE`` (default: ``tests/.cache``), named after what was asked for: another version is another
folder, and one that was not finished is none.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SERVICES = Path(__file__).parent.parent / "services"
_INSTALLED_WITHIN = 300.0


def python_environment(name: str) -> Path:
    """The folder of a virtual environment with the packages of ``services/NAME/requirements.txt``."""
    wanted = SERVICES / name / "requirements.txt"

    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", str(folder)], folder)
        _run([str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(wanted)], folder)

    return _once(name, wanted.read_bytes() + sys.version.encode(), install)


def node_packages(name: str) -> Path:
    """The folder whose ``node_modules`` has what the lock file in ``services/NAME`` names."""
    sources = [SERVICES / name / file for file in ("package.json", "package-lock.json")]

    def install(folder: Path) -> None:
        for source in sources:
            shutil.copy(source, folder)
        _run(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], folder)

    return _once(name, b"".join(source.read_bytes() for source in sources), install)


def why_not(*commands: str, packages: Callable[[], Path] | None = None) -> str | None:
    """Why a program cannot run here, for ``skip``; ``None`` when it can.

    :param commands: what must be on the path.
    :param packages: installs the rest, if it must.
    """
    for command in commands:
        if shutil.which(command) is None:
            return f"{command} is not installed"
    try:
        if packages is not None:
            packages()
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", None) or b""
        return " ".join(f"the packages cannot be installed: {error} {told.decode('utf-8', 'replace')[-300:]}".split())
    return None


def _once(name: str, content: bytes, install: Callable[[Path], None]) -> Path:
    cache = Path(os.environ.get("MESHPROXY_TEST_CACHE") or Path(__file__).parent.parent / ".cache")
    cache.mkdir(parents=True, exist_ok=True)
    (cache / ".gitignore").write_text("*\n")
    folder = cache.resolve() / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            install(folder)
            (folder / ".complete").touch()
    return folder


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=_INSTALLED_WITHIN)
