"""``users``: who is in the file, at what cost, and how many at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any
from unittest.mock import patch

from argon2 import PasswordHasher
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from meshproxy.api import ConfError, Principal, ProviderDown
from meshproxy.api.testing import context, make, run_form
from meshproxy.builtin import users
from meshproxy.builtin.users import Users

HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("pässword")
FILE = f"""
[alice]
password = "{HASH}"
email = "alice@example.com"
name = "Alice"
groups = ["devs", "admins"]
[bob]
password = "{HASH}"
"""
ALICE = Principal(
    "users:local", "alice", "alice@example.com", "Alice", "alice", ("devs", "admins"), provider="local", email_verified=True,
)


class UsersTests(TestCase):
    """With real threads."""

    def setUp(self) -> None:
        self.conf_dir = Path(self.mktemp())
        self.conf_dir.mkdir()
        (self.conf_dir / "users.toml").write_text(FILE)
        self.given = context("local", conf_dir=self.conf_dir, reactor=reactor)
        self.provider = make(Users, {"file": "users.toml"}, given=self.given)
        self.addCleanup(lambda: self.provider.stop())

    async def test_right_and_wrong(self) -> None:
        """The right password gives the principal, verified address and all; everything else gives None."""
        self.assertEqual(await run_form(self.provider, "alice", "pässword"), ALICE)
        for username, password in (("alice", "wrong"), ("alice", ""), ("Alice", "pässword"), ("mallory", "pässword"), ("", ""),
                                   ("alice\0", "pässword"), ("alice", "pässword" + "x" * 2000), ("alice", "\ud800"), ("\ud800", "x")):
            self.assertIsNone(await run_form(self.provider, username, password), (username, password))

    async def test_the_unknown_cost_the_same(self) -> None:
        """One hash is verified for every attempt, with the same parameters, whoever it is."""
        verified: list[str] = []
        real = users._verify

        def counting(hashed: str, password: str) -> bool:
            verified.append(hashed.rsplit("$", 2)[0])
            return real(hashed, password)

        with patch.object(users, "_verify", counting):
            for username, password in (("alice", "wrong"), ("mallory", "wrong"), ("alice", "x" * 5000)):
                await run_form(self.provider, username, password)
        self.assertEqual(verified, [HASH.rsplit("$", 2)[0]] * 3)

    async def test_too_many_at_once(self) -> None:
        """Over the bound an attempt is turned away at once, as an outage; afterwards it works again."""
        attempts = [Deferred.fromCoroutine(run_form(self.provider, "alice", "wrong")) for _ in range(34)]
        with self.assertRaises(ProviderDown):
            await run_form(self.provider, "alice", "pässword")
        self.assertEqual(await gatherResults(attempts), [None] * 34)
        self.assertEqual(await run_form(self.provider, "alice", "pässword"), ALICE)

    async def test_stop(self) -> None:
        """Its threads end with it, and leave nothing for the reactor's shutdown."""
        await run_form(self.provider, "alice", "wrong")
        pool = self.provider._hashes._pool
        assert pool is not None
        self.provider.stop()
        self.assertFalse([thread for thread in pool.threads if thread.is_alive()])
        self.provider.stop()

    def test_by_name(self) -> None:
        """Everybody in the file can be found without a password."""
        self.assertEqual(self.provider.find("alice"), ALICE)
        self.assertIsNone(self.provider.find("mallory"))
        self.assertEqual([principal.subject for principal in self.provider.principals()], ["alice", "bob"])
        bob: Any = self.provider.find("bob")
        self.assertIsNone(bob.trusted_email)

    def test_who_is_still_there(self) -> None:
        """A session's principal as the file has them now: with the groups of now, or gone."""
        before = dataclasses.replace(ALICE, groups=("once",), name="Before")
        self.assertEqual(self.provider.current(before), ALICE)
        self.assertIsNone(self.provider.current(dataclasses.replace(ALICE, subject="mallory")))

    def test_problems_of_the_file(self) -> None:
        """What is wrong in the file is found with the tables, under the file's own name."""
        (self.conf_dir / "users.toml").write_text("[alice]\n[bob]\npassword = 'x'\n")
        with self.assertRaises(ConfError) as caught:
            make(Users, {"file": "users.toml"}, given=self.given)
        self.assertEqual([(problem.file, problem.key) for problem in caught.exception.problems],
                         [("users.toml", "alice.password"), ("users.toml", "bob.password")])
        for options in ({}, {"file": "absent.toml"}, {"file": 3}, {"fil": "users.toml"}):
            self.assertRaises(ConfError, make, Users, options, given=self.given)
