"""Who is logged in: ``meshproxy sessions``, asked of a running meshproxy."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.cli.shell import Broken
from tests.support.command_line import DEMO, MemoryShell, run

SESSION = {"id": "ab12", "issuer": "users:local", "subject": "alice", "email": "alice@example.com", "name": "Alice", "provider": "local",
           "started_at": 1_800_000_000.5, "seen_at": 1_800_000_060.0, "expires_at": 1_800_003_600.0, "address": "192.0.2.7", "device": "x"}


class Listing(SynchronousTestCase):
    def test_text_and_json(self) -> None:
        """A line a session; JSON as the running meshproxy says it."""
        shell = MemoryShell({"sessions.list": {"sessions": [SESSION]}})
        ran = run("sessions", "list", "--subject", "alice", shell=shell)
        self.assertEqual((ran.status, shell.asked), (0, [("sessions.list", {"subject": "alice"})]))
        self.assertIn("ab12  alice@example.com  local     2027-01-15T08:00:00Z  2027-01-15T08:01:00Z  192.0.2.7", ran.out)
        self.assertEqual(json.loads(run("sessions", "list", "--json", shell=shell).out), {"sessions": [SESSION]})

    def test_nobody(self) -> None:
        """Is said in words."""
        self.assertEqual(run("sessions", "list", shell=MemoryShell({"sessions.list": {"sessions": []}})).out, "There is no session.\n")

    def test_no_meshproxy_runs(self) -> None:
        """One sentence that names the socket, exit 1."""
        shell = MemoryShell({"sessions.list": Broken("no meshproxy runs with /etc/meshproxy: …")})
        ran = run("sessions", "list", "--conf", DEMO, shell=shell)
        self.assertEqual((ran.status, ran.out, ran.err), (1, "", "meshproxy: no meshproxy runs with /etc/meshproxy: …\n"))


class Revoking(SynchronousTestCase):
    def test_one_some_or_all(self) -> None:
        """By ID, by subject, or everybody's; how many ended is said."""
        for arguments, question, said in (
            (("ab12",), {"id": "ab12", "subject": "", "all": False}, "1 session ended\n"),
            (("--subject", "alice"), {"id": "", "subject": "alice", "all": False}, "3 sessions ended\n"),
            (("--all",), {"id": "", "subject": "", "all": True}, "0 sessions ended\n"),
        ):
            shell = MemoryShell({"sessions.revoke": {"revoked": int(said[0])}})
            ran = run("sessions", "revoke", *arguments, shell=shell)
            self.assertEqual((ran.status, ran.out, shell.asked), (0, said, [("sessions.revoke", question)]))

    def test_exactly_one_of_them(self) -> None:
        """Neither nothing nor two at once."""
        for arguments in ((), ("ab12", "--all"), ("--subject", "a", "--all")):
            self.assertEqual(run("sessions", "revoke", *arguments, shell=MemoryShell({})).status, 1, arguments)

    def test_an_id_that_nobody_knows(self) -> None:
        """Exit 1, with a sentence."""
        ran = run("sessions", "revoke", "ab12", shell=MemoryShell({"sessions.revoke": {"revoked": 0}}))
        self.assertEqual(ran.status, 1)
        self.assertIn("ab12", ran.err)
