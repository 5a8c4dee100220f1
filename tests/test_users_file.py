"""A users file: what it may say, and everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.identity.users_file import UsersFile
from meshproxy.problems import ConfError

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
DEARER = PasswordHasher(time_cost=2, memory_cost=128, parallelism=1, salt_len=24, hash_len=40)
HASH = CHEAP.hash("alice-secret")


class UsersFileTests(SynchronousTestCase):
    """Reading."""

    def read(self, text: str | bytes) -> UsersFile:
        self.path = Path(self.mktemp())
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return UsersFile(self.path)

    def problems(self, text: str | bytes) -> list[tuple[str, str]]:
        with self.assertRaises(ConfError) as caught:
            self.read(text)
        self.assertNotIn(HASH, str(caught.exception))
        return [(problem.key, problem.message) for problem in caught.exception.problems]

    def test_users(self) -> None:
        """A table a user; everything but the password may be missing; names may be quoted."""
        users = self.read(f"""
            [alice]
            password = "{HASH}"
            email = "alice@example.com"
            name = "Alice"
            groups = ["devs"]
            ["bob@example.com"]
            password = "{HASH}"
        """).users
        self.assertEqual(list(users), ["alice", "bob@example.com"])
        self.assertEqual((users["alice"].email, users["alice"].name, users["alice"].groups), ("alice@example.com", "Alice", ["devs"]))
        self.assertEqual((users["bob@example.com"].email, users["bob@example.com"].groups), (None, []))

    def test_all_problems(self) -> None:
        """Every problem of every user at once, each with its key, none with a hash."""
        found = self.problems(f"""
            nobody = 3
            [a]
            [b]
            password = "plain"
            [c]
            password = "{HASH}"
            email = "no address"
            pasword = "x"
            [d]
            password = "{HASH}"
            groups = "devs"
            [e]
            password = "{HASH}"
            groups = [" devs"]
            [" f"]
            password = "{HASH}"
        """)
        self.assertEqual(
            [key for key, _ in found],
            ["nobody", "a.password", "b.password", "c.email", "c.pasword", "d.groups", "e.groups", "' f'"],
        )
        self.assertIn(("c.pasword", "unknown key"), found)

    def test_only_argon2id(self) -> None:
        """Other hashes, broken ones, and hashes that would stop the machine are refused."""
        dear = HASH.replace("m=64", "m=4194304")
        slow = HASH.replace("t=1", "t=1000")
        for bad in ("", "hunter2", "$2b$12$abcdefghijklmnopqrstuv", HASH.replace("argon2id", "argon2i"), HASH[:-30],
                    HASH.replace("m=64", "m=x"),
                    HASH[:-1] + "!", dear, slow, HASH.rsplit("$", 1)[0] + "$"):
            self.assertEqual([key for key, _ in self.problems(f"[a]\npassword = '{bad}'")], ["a.password"], bad)

    def test_no_file(self) -> None:
        """Absent, not TOML, not text, empty: one problem for the file."""
        for text in ("", "[a", b"\xff\xfe"):
            self.assertEqual([key for key, _ in self.problems(text)], [""])
        with self.assertRaises(ConfError) as caught:
            UsersFile(Path(self.mktemp()))
        self.assertIn("No such file", str(caught.exception))

    def test_dummy_hash(self) -> None:
        """Who is not in the file costs what some user costs, always the same one for the same name, and matches nothing."""
        hashes = [HASH, DEARER.hash("x")]
        users = self.read("".join(f"[u{number}]\npassword = '{each}'\n" for number, each in enumerate(hashes)))
        seen = set()
        for number in range(64):
            dummies = {self._cost(users.dummy_hash(f"nobody{number}")) for _ in range(4)}
            self.assertEqual(len(dummies), 1)
            seen |= dummies
        self.assertEqual(seen, {self._cost(each) for each in hashes})
        self.assertRaises(VerifyMismatchError, CHEAP.verify, users.dummy_hash("nobody"), "")

    def _cost(self, hashed: str) -> tuple[object, ...]:
        parameters = extract_parameters(hashed)
        return (parameters.time_cost, parameters.memory_cost, parameters.parallelism, parameters.salt_len, parameters.hash_len)
