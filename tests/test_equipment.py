"""What is made for an examination?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import TestCase

from meshproxy.configured import read
from meshproxy.doctor.equipment import Equipment

from .support.examined import Surgery


class EquipmentTests(TestCase):
    """The real things, with bounded timers."""

    @inlineCallbacks
    def test_pools(self) -> Any:
        """Timers are cut to the longest; every question gets a fresh connection; names are looked up in threads of their own."""
        surgery = Surgery(reactor, Path(self.mktemp()))
        surgery.service("a", 1, more='[timeouts]\nconnect = "1s"\nresponse = "90s"')
        equipment = Equipment(reactor, read(surgery.directory), 8.0)
        pool: Any = equipment.services["a"].pool
        self.assertEqual((1.0, 8.0, 0.0), (pool.timeouts.connect, pool.timeouts.response, pool.settings.idle))
        self.assertIs(equipment.lookups, pool.lookups)
        yield equipment.stop()
        self.assertEqual([], [call for call in reactor.getDelayedCalls() if call.active()])  # type: ignore[attr-defined]

    @inlineCallbacks
    def test_people(self) -> Any:
        """The providers that know their users by name, for --as."""
        surgery = Surgery(reactor, Path(self.mktemp()), top='[identity.local]\ntype = "users"\nfile = "users.toml"')
        password = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$" + "A" * 43
        (surgery.directory / "users.toml").write_text(f'[alice]\npassword = "{password}"\n', "utf-8")
        (surgery.directory / "users.toml").chmod(0o600)
        surgery.service("a", 1)
        equipment = Equipment(reactor, read(surgery.directory), 8.0)
        self.assertEqual("alice", equipment.people()["local"].find("alice").subject)
        yield equipment.stop()
