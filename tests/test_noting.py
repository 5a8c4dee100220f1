"""What a login's report says of each question to the provider: :mod:`meshproxy.identity.oidc.noting`."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from meshproxy.api import LoginFailed, ProviderDown
from meshproxy.identity.oidc.noting import Noting
from tests.support.contexts import attempt
from tests.support.nasty_provider import SECRET
from tests.support.rp_flow import FlowTestCase


class NotingTests(FlowTestCase):
    """A whole login, its notes kept."""

    def setUp(self) -> None:
        super().setUp()
        self.notes: list[str] = []
        self.ticket = attempt(note=self.notes.append)

    def log_in_noted(self, **settings: Any) -> Deferred[Any]:
        client = self.client(**settings)
        parameters = self.idp.authorize(self.result(client.begin(self.ticket)))
        parameters.pop("state")
        return client.finish(self.ticket, parameters)

    def words(self, what: str) -> str:
        return next(note for note in self.notes if note.startswith(what + ":"))

    def test_a_login(self) -> None:
        """Every question in its order, what came back by its kind and names, how long it took; no value, no secret."""
        self.result(self.log_in_noted(userinfo="always"))
        self.assertEqual(
            [note.partition(":")[0] for note in self.notes],
            ["discovery", "authorization request", "discovery", "token endpoint", "ID token", "userinfo", "principal"],
        )
        self.assertIn("gave access token, ID token, refresh token, for 300 s (0 ms)", self.words("token endpoint"))
        self.assertIn("nonce", self.words("ID token"))
        self.assertIn("s ago by our clock", self.words("ID token"))
        for secret in (SECRET, "access-1", "refresh-0", "eyJ", "alice@example.com", self.ticket.nonce, self.ticket.code_verifier):
            self.assertNotIn(secret, " ".join(self.notes))

    def test_refused(self) -> None:
        """The last step is the one that failed, with the provider's own words."""
        self.idp.raw["/token"] = (400, {}, b'{"error": "invalid_grant", "error_description": "the code\\nis stale"}')
        self.failure(LoginFailed, self.log_in_noted())
        self.assertEqual(self.notes[-1], "token endpoint: invalid_grant: the code is stale (0 ms)")

    def test_a_check_that_fails(self) -> None:
        """A token that does not hold is told by the check."""
        self.idp.id_claims = {"aud": "somebody-else"}
        self.failure(LoginFailed, self.log_in_noted())
        self.assertIn("ID token: ID token: aud:", self.notes[-1])

    def test_no_answer(self) -> None:
        """Which question hung, and for how long."""
        self.idp.hanging.add("/token")
        pending = self.log_in_noted()
        self.settle()
        self.clock.advance(5)
        self.failureResultOf(pending, ProviderDown)
        self.assertIn("token endpoint: ", self.notes[-1])
        self.assertRegex(self.notes[-1], r"\([45]000 ms\)$")

    def test_a_fault(self) -> None:
        """An error that is nobody's answer is told by its kind alone: its words may be anything."""

        async def broken() -> str:
            raise KeyError("a secret")

        self.failure(KeyError, Noting(self.notes.append, self.clock).step("groups", broken(), str))
        self.assertEqual(self.notes, ["groups: broke (KeyError) (0 ms)"])
