"""What plugins are given."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import Attempt
from meshproxy.api.testing import context


class ContextTests(SynchronousTestCase):
    """The context of an instance."""

    def test_path(self) -> None:
        """Paths are relative to the conf directory; whole ones stay."""
        given = context(conf_dir=Path("/etc/meshproxy"))
        self.assertEqual(given.path("secrets/key"), Path("/etc/meshproxy/secrets/key"))
        self.assertEqual(given.path(Path("/run/token")), Path("/run/token"))

    def test_frozen(self) -> None:
        """Neither a context nor an attempt can be changed by a plugin; invalidate may always be called."""
        given = context()
        with self.assertRaises(FrozenInstanceError):
            given.name = "other"  # type: ignore[misc]
        with self.assertRaises(FrozenInstanceError):
            Attempt("u", "s", "n", "v").state = "other"  # type: ignore[misc]
        self.assertIsNone(given.invalidate())
