"""Which conf directory is meant."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.locations import default_conf_dir, demo_conf_dir
from meshproxy.problems import ConfError


class LocationTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.dir = Path(self.mktemp()).absolute()
        self.dir.mkdir()

    def test_the_one_that_is_named(self) -> None:
        """Absolute afterwards, since twistd changes its directory; missing: an error that names it."""
        relative = os.path.relpath(self.dir)
        self.assertEqual(default_conf_dir(relative), self.dir)
        self.assertIn("none: no such directory", str(self.assertRaises(ConfError, default_conf_dir, "none")))

    def test_the_first_default_that_is_there(self) -> None:
        """./conf before /etc/meshproxy."""
        here, system = self.dir / "conf", self.dir / "etc"
        system.mkdir()
        self.assertEqual(default_conf_dir(None, candidates=(here, system)), system)
        here.mkdir()
        self.assertEqual(default_conf_dir(None, candidates=(here, system)), here)

    def test_neither(self) -> None:
        """The error names both places."""
        message = str(self.assertRaises(ConfError, default_conf_dir, None, candidates=(Path("no-conf"), Path("/etc/no-meshproxy"))))
        self.assertIn("there is neither ./no-conf nor /etc/no-meshproxy", message)

    def test_the_embedded_default(self) -> None:
        """demo/ of an installed package first, else conf/ of the checkout beside it, else the installation is incomplete."""
        package = self.dir / "meshproxy"
        self.assertRaises(ConfError, demo_conf_dir, package=package)
        for place in (self.dir / "conf", package / "demo"):
            place.mkdir(parents=True)
            (place / "meshproxy.toml").touch()
            self.assertEqual(demo_conf_dir(package=package), place)

    def test_it_is_there(self) -> None:
        """Where these tests run, --demo has something to run."""
        self.assertTrue((demo_conf_dir() / "services").is_dir())
