"""meshproxy.sessions.sharing"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.sessions.redis_shared import RedisState
from meshproxy.sessions.shared_state import LocalState
from meshproxy.sessions.sharing import shared_state

from .support.sessions import Deployment


class SharingTests(SynchronousTestCase):
    def conf(self, state_dir: Path | None = None, **session: Any) -> Any:
        settings = Deployment().settings
        return replace(settings, state_dir=state_dir, session=replace(settings.session, **session))

    def test_in_this_process(self) -> None:
        """Without Redis it is kept here; with a ``state_dir`` on disk too."""
        self.assertIsInstance(shared_state(Clock(), self.conf()), LocalState)
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        state = shared_state(Clock(), self.conf(directory / "state"))
        self.addCleanup(state.stop)
        self.assertTrue((directory / "state" / "sessions.journal").exists())

    def test_in_redis(self) -> None:
        """With a ``redis_url`` it is kept there, whatever the store."""

        class Reactor(Clock):
            """A clock that never connects."""

            def connectUNIX(self, *_: Any) -> None:
                """Nobody is there."""

        state = shared_state(Reactor(), self.conf(redis_url="unix:///nowhere.sock"))
        self.addCleanup(state.stop)
        self.assertIsInstance(state, RedisState)

    def test_without_the_library(self) -> None:
        """What is missing, and how it comes, is said."""
        with patch.dict(sys.modules, {"meshproxy.sessions.redis_client": None}):
            error = self.assertRaises(RuntimeError, shared_state, Clock(), self.conf(redis_url="redis://a"))
        self.assertIn("pip install", str(error))
