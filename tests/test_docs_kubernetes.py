"""docs/kubernetes.md: the conf directory that it shows loads as the kubelet would mount it."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config import Watcher, load

from .support.conf_dirs import KEY, ConfDir

TEXT = (Path(__file__).resolve().parent.parent / "docs/kubernetes.md").read_text("utf-8")
FILES = dict(re.findall(r"^```toml\n# (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
SECRETS = {"secrets/session.key": KEY, "secrets/okta": "secret"}


class KubernetesDocsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.mount = ConfDir(self).path / "mount"
        self.mount.mkdir()
        self.publish("..2026_1", FILES)
        for name in ("meshproxy.toml", "services", "secrets"):
            (self.mount / name).symlink_to(f"..data/{name}")

    def publish(self, version: str, files: dict[str, str]) -> None:
        """What the kubelet does: a new directory, and one link that is swapped."""
        for name, text in (files | SECRETS).items():
            path = self.mount / version / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o400)
        (self.mount / "..tmp").symlink_to(version)
        (self.mount / "..tmp").rename(self.mount / "..data")

    def test_it_loads(self) -> None:
        """Without a problem and without a warning."""
        loaded = load(self.mount, environ={})
        self.assertEqual((loaded.warnings, [service.name for service in loaded.settings.services]), ((), ["grafana", "prometheus"]))

    def test_the_volume_has_every_file(self) -> None:
        """The paths in the deployment are those of the files above it."""
        paths = set(re.findall(r"^ *- \{ key: \S+, path: (\S+) \}$", TEXT, re.MULTILINE))
        self.assertEqual(paths, set(FILES) | set(SECRETS))

    def test_a_swap_is_a_change(self) -> None:
        """Of every file at once, told once; a new service among them."""
        settings, told, clock = load(self.mount, environ={}).settings, [], Clock()
        watcher = Watcher(clock, lambda: settings.files, [self.mount, self.mount / "services"], told.append)
        watcher.start()
        self.addCleanup(watcher.stop)
        self.publish("..2026_2", FILES | {"services/new.toml": FILES["services/prometheus.toml"].replace("prometheus.", "new.")})
        clock.pump([1.0] * 5)
        self.assertEqual(len(told), 1)
        self.assertTrue(settings.files <= told[0])
        self.assertEqual(len(load(self.mount, environ={}).settings.services), 3)
