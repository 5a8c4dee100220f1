"""Is the package complete? Wheel and sdist are built, and each is installed into an empty environment and asked.

Needs the package index (or a cache of pip's) and `build`; the rest of the tests need neither.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from twisted.trial import unittest

from .support.ports import free_ports

ROOT = Path(__file__).resolve().parents[1]
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv", ".tox", "build", "dist", "*.egg-info", "__pycache__", "node_modules", "_trial_temp*", "dropin.cache", "*.key"
)
CACHE_WARNING = "plugin cache"


def run(*command: str | Path, cwd: Path, **options) -> str:
    """What the command printed; fails the test with it when it exits with anything but 0."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=600, check=False, **options,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} exited with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def environment(directory: Path) -> Path:
    """An empty virtual environment; returns its ``bin``."""
    run(sys.executable, "-m", "venv", directory, cwd=directory.parent)
    return directory / "bin"


def until_ready(command: Sequence[str | Path], cwd: Path, admin: int) -> str:
    """What a server printed until it was ready, then it is ended; it must exit 0."""
    printed = []
    with subprocess.Popen(
        [str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            printed.append(line)
            if "meshproxy is ready" in line:
                urllib.request.urlopen(f"http://127.0.0.1:{admin}/readyz", timeout=10).close()
                process.terminate()
    if process.returncode != 0:
        raise AssertionError(f"exited with {process.returncode}:\n{''.join(printed)}")
    return "".join(printed)


@cache
def built() -> Path:
    """A folder with a copy of the sources, ``dist`` made of it, and ``elsewhere`` that has nothing of ours."""
    base = Path(tempfile.mkdtemp(prefix="meshproxy-package-"))
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    base.chmod(0o755)
    shutil.copytree(ROOT, base / "source", ignore=NOT_SOURCE)
    (base / "elsewhere").mkdir()
    run(sys.executable, "-m", "build", "--outdir", base / "dist", base / "source", cwd=base)
    return base


class PackageTests(unittest.SynchronousTestCase):
    """Each test asks the same build: it takes its time."""

    timeout = 900

    def setUp(self) -> None:
        """The copied sources, and what was built of them."""
        self.base = built()
        self.source, self.elsewhere = self.base / "source", self.base / "elsewhere"
        (self.wheel,) = (self.base / "dist").glob("*.whl")
        (self.sdist,) = (self.base / "dist").glob("*.tar.gz")

    def sources(self, folder: str) -> set[str]:
        """Every file below a folder of the copied sources, relative to it."""
        top = self.source / folder
        return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}

    def test_wheel_holds_every_file(self) -> None:
        """The wheel carries every file of the package, the embedded default, and the plugin without an ``__init__.py`` beside it."""
        names = set(zipfile.ZipFile(self.wheel).namelist())
        self.assertEqual(set(), {f"meshproxy/{name}" for name in self.sources("meshproxy")} - names)
        self.assertEqual(set(), {f"meshproxy/demo/{name}" for name in self.sources("conf")} - names)
        self.assertIn("meshproxy/demo/meshproxy.toml", names)
        self.assertIn("meshproxy/py.typed", names)
        self.assertEqual(["twisted/plugins/meshproxy_plugin.py"], sorted(name for name in names if name.startswith("twisted/")))
        self.assertEqual({"meshproxy", "twisted"}, {name.split("/")[0] for name in names if ".dist-info" not in name})

    def test_sdist_holds_every_file(self) -> None:
        """The sdist carries sources, tests, docs, the conf directory and what builds and checks them."""
        with tarfile.open(self.sdist) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        for folder in ("meshproxy", "conf", "tests", "docs", "twisted", "newsfragments"):
            self.assertEqual(set(), {f"{folder}/{name}" for name in self.sources(folder)} - names)
        for name in ("setup.py", "pyproject.toml", "tox.ini", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", ".ci/run"):
            self.assertIn(name, names)
        self.assertNotIn("twisted/plugins/__init__.py", names)

    def check_installation(self, bin_: Path) -> None:
        """What must hold wherever it is installed, asked from a folder that has nothing of ours."""
        run(bin_ / "pip", "check", cwd=self.elsewhere)
        listing = run(bin_ / "twistd", "--help", cwd=self.elsewhere)
        self.assertRegex(listing, r"(?m)^\s+meshproxy\s+authenticating reverse proxy")
        self.assertNotIn(CACHE_WARNING, listing)
        usage = run(bin_ / "twistd", "meshproxy", "--help", cwd=self.elsewhere)
        for option in ("--conf", "--demo", "--workers"):
            self.assertIn(option, usage)
        self.assertNotIn(CACHE_WARNING, usage)
        self.assertIn("explain", run(bin_ / "meshproxy", "--help", cwd=self.elsewhere))

    def test_installed_from_the_wheel(self) -> None:
        """From the wheel, twistd lists meshproxy and explains it without a plugin-cache warning, and finds the embedded default."""
        bin_ = environment(self.base / "from-wheel")
        run(bin_ / "pip", "install", "-q", self.wheel, cwd=self.elsewhere)
        self.check_installation(bin_)
        found = run(bin_ / "python", "-c", "from meshproxy.config import demo_conf_dir; print(demo_conf_dir())", cwd=self.elsewhere)
        self.assertIn(str(self.base / "from-wheel"), found)
        run(bin_ / "meshproxy", "check", "--conf", found.strip(), cwd=self.elsewhere)
        self.check_read_only(bin_)

    def check_read_only(self, bin_: Path) -> None:
        """Who may not write there gets no plugin-cache warning either: the cache stands since twistd ran for the first time."""
        (plugins,) = (bin_.parent / "lib").glob("python*/site-packages/twisted/plugins")
        self.assertTrue((plugins / "dropin.cache").exists())
        conf = shutil.copytree(self.source / "conf", self.base / "conf")
        public, admin = free_ports(2)
        main = (conf / "meshproxy.toml").read_text("utf-8").replace(":8080", f":{public}").replace(":9901", f":{admin}")
        (conf / "meshproxy.toml").write_text(re.sub(r"(?m)^\[log\]$", '[log]\nlevel = "debug"', main), "utf-8")
        # root may write anywhere unless it gives that up
        unprivileged = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
        plugins.chmod(0o555)
        try:
            printed = until_ready([*unprivileged, bin_ / "twistd", "-n", "--pidfile=", "meshproxy", "--conf", conf], self.elsewhere, admin)
        finally:
            plugins.chmod(0o755)
        self.assertNotIn(CACHE_WARNING, printed)

    def test_installed_from_the_sdist(self) -> None:
        """The sdist alone, in an empty environment, gives the same installation."""
        bin_ = environment(self.base / "from-sdist")
        run(bin_ / "pip", "install", "-q", self.sdist, cwd=self.elsewhere)
        self.check_installation(bin_)

    def test_editable_installation(self) -> None:
        """Installed as CONTRIBUTING.md says, twistd sees the plugin from any folder, and the sources are what runs."""
        bin_ = environment(self.base / "editable")
        checkout = shutil.copytree(self.source, self.base / "checkout")
        run(bin_ / "pip", "install", "-q", "-e", checkout, "--config-settings", "editable_mode=compat", cwd=self.elsewhere)
        self.assertRegex(run(bin_ / "twistd", "--help", cwd=self.elsewhere), r"(?m)^\s+meshproxy\s+authenticating reverse proxy")
        where = run(bin_ / "python", "-c", "import meshproxy; print(meshproxy.__file__)", cwd=self.elsewhere)
        self.assertIn(str(checkout / "meshproxy"), where)
