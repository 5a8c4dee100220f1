"""What the mesh must be told: ``meshproxy mesh-policy``."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.support.command_line import run
from tests.support.conf_dirs import ConfDir


class PolicyCommand(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)
        self.conf.write("users.toml", '[alice]\npassword = "$argon2id$v=19$m=65536,t=3,p=4$W40PBJgVGEgh6M/NnmoQig$'
                                      'TPboZvNGKXDvzgy+rvUa8ivfDU7u8rdJvdSAA9pSFNw"\n')

    def test_yaml(self) -> None:
        """One document a resource, with comments above it, and exit 0."""
        ran = run("mesh-policy", "--conf", str(self.conf.path), "--namespace", "edge")
        self.assertEqual((ran.status, ran.err), (0, ""))
        documents = ran.out.split("---\n")[1:]
        self.assertEqual([line for document in documents for line in document.splitlines() if line.startswith("kind:")],
                         ["kind: PeerAuthentication", "kind: PeerAuthentication", "kind: AuthorizationPolicy"])
        self.assertIn("              - cluster.local/ns/edge/sa/meshproxy\n", ran.out)
        self.assertTrue(all(document.startswith("# ") for document in documents))

    def test_json(self) -> None:
        """The same resources."""
        found = json.loads(run("mesh-policy", "--conf", str(self.conf.path), "--json", "--service-account", "proxy").out)["resources"]
        self.assertEqual({one["metadata"]["namespace"] for one in found}, {"meshproxy", "shop"})

    def test_without_a_mesh(self) -> None:
        """It says that the conf directory is for none."""
        self.conf.main("mesh = false\n")
        self.assertTrue(run("mesh-policy", "--conf", str(self.conf.path)).out.startswith("# mesh = false"))
