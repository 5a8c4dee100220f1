"""The rest of meshproxy.toml."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.settings import LimitSettings, LogSettings, OperatorSettings

from .support.conf_dirs import ConfDir


class MainFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)

    def test_defaults(self) -> None:
        """A file with a public_url and a provider is enough."""
        settings = self.conf.settings()
        self.assertEqual((settings.limits, settings.log, settings.operators), (LimitSettings(), LogSettings(), OperatorSettings()))
        self.assertEqual((settings.control, settings.state_dir, settings.samples, settings.mesh), ("", None, False, True))
        self.assertEqual((settings.trusted_networks, settings.trusted_spiffe_ids), ((), ()))

    def test_in_a_mesh_the_sidecar_is_where_istio_puts_it(self) -> None:
        """And nowhere outside of one, unless somebody says so."""
        for top, networks, admin in (
            ("", (ip_network("127.0.0.6/32"),), "http://127.0.0.1:15000"),
            ("mesh = false", (), ""),
            ('sidecar_peers = []\nsidecar_admin = ""', (), ""),
            (
                'mesh = false\nsidecar_peers = ["10.0.0.0/8"]\nsidecar_admin = "http://localhost:1"',
                (ip_network("10.0.0.0/8"),),
                "http://localhost:1",
            ),
        ):
            with self.subTest(top):
                self.conf.main(top)
                settings = self.conf.settings()
                self.assertEqual((settings.sidecar_networks, settings.sidecar_admin), (networks, admin))

    def test_trusted_peers(self) -> None:
        """Networks and SPIFFE ids are told apart."""
        self.conf.main('trusted_peers = ["10.0.0.0/8", "spiffe://td/ns/gw", "fd00::1"]')
        settings = self.conf.settings()
        self.assertEqual(settings.trusted_networks, (ip_network("10.0.0.0/8"), ip_network("fd00::1/128")))
        self.assertEqual(settings.trusted_spiffe_ids, ("spiffe://td/ns/gw",))

    def test_paths_are_absolute(self) -> None:
        """Relative ones stand in the conf directory."""
        self.conf.main(
            'control = "run/control.sock"\nstate_dir = "state"', tables="[log]\nfile = 'access.log'\nlevel = 'debug'\naccess = 'text'"
        )
        settings = self.conf.settings()
        self.assertEqual((settings.control, settings.state_dir), (str(self.conf.path / "run/control.sock"), self.conf.path / "state"))
        self.assertEqual(settings.log, LogSettings("debug", "text", self.conf.path / "access.log"))
        self.conf.main('state_dir = "/var/lib/meshproxy"')
        self.assertEqual(self.conf.settings().state_dir, Path("/var/lib/meshproxy"))

    def test_a_state_dir_that_is_a_file(self) -> None:
        """Nothing could be kept there."""
        self.conf.write("state")
        self.conf.main('state_dir = "state"')
        self.assertEqual(self.conf.problems(), ["meshproxy.toml: state_dir: state is not a directory"])

    def test_limits_and_operators(self) -> None:
        """What the file says arrives, in seconds and bytes."""
        self.conf.main(
            tables="[limits]\nhead = '500ms'\nhead_bytes = '1MiB'\nbody_bytes = 7\nconnections = 0\n"
            "[operators]\ngroups = ['sre']\nemails = ['a@b']"
        )
        settings = self.conf.settings()
        self.assertEqual(
            (settings.limits.head, settings.limits.head_bytes, settings.limits.body_bytes, settings.limits.connections),
            (0.5, 1048576, 7, 0),
        )
        self.assertEqual(settings.operators, OperatorSettings(("sre",), ("a@b",), ()))
