"""The token endpoint's answers: success, refusal, and everything else, which is an outage."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ProviderDown
from meshproxy.identity.oidc.tokens import TokenAnswer, TokenRefused, read_token_answer

GOOD = {"access_token": "a", "token_type": "Bearer", "id_token": "i", "refresh_token": "r", "expires_in": 300, "scope": "openid"}


class TokenAnswerTests(SynchronousTestCase):
    def test_success(self) -> None:
        """Everything, and the least."""
        self.assertEqual(read_token_answer(200, GOOD), TokenAnswer("a", "i", "r", 300.0, "openid"))
        self.assertEqual(read_token_answer(200, {"access_token": "a", "token_type": "bearer"}), TokenAnswer("a"))

    def test_lifetime(self) -> None:
        """A number, or a number as text; what is neither was not said."""
        table: list[tuple[Any, float | None]] = [
            (300, 300.0),
            ("300", 300.0),
            (0, 0.0),
            (1.5, 1.5),
            (-1, None),
            ("soon", None),
            (True, None),
            (10**12, None),
            (None, None),
            ([300], None),
            ("٣", None),
        ]
        for value, seconds in table:
            self.assertEqual(read_token_answer(200, {**GOOD, "expires_in": value}).lifetime, seconds, value)

    def test_malformed_members(self) -> None:
        """Members of another kind count as missing."""
        found = read_token_answer(200, {**GOOD, "id_token": 7, "refresh_token": "", "scope": ["a"]})
        self.assertEqual((found.id, found.refresh, found.scope), (None, None, None))

    def test_refused(self) -> None:
        """A proper error, whatever the status (GitHub says 200), with its words cleaned."""
        for status in (400, 401, 200):
            error = self.assertRaises(TokenRefused, read_token_answer, status, {"error": "invalid_grant", "error_description": "no\nway"})
            self.assertEqual((error.code, error.description), ("invalid_grant", "no way"))

    def test_outage(self) -> None:
        """Errors of the server, bodies that are nothing, tokens of a kind that we cannot use."""
        for status, body in (
            (500, b"oops"),
            (503, {"error": "server_error"}),
            (400, {"error": "temporarily_unavailable"}),
            (429, {"error": "slow_down"}),
            (429, {"error": "rate_limited"}),
            (400, b"<html>"),
            (400, {"error": 7}),
            (200, {}),
            (200, []),
            (200, {**GOOD, "token_type": "DPoP"}),
            (200, {**GOOD, "token_type": None}),
            (200, {**GOOD, "access_token": ""}),
            (201, GOOD),
        ):
            self.assertRaises(ProviderDown, read_token_answer, status, body)

    def test_repr(self) -> None:
        """A repr has no token."""
        self.assertNotIn("s3cret", repr(TokenAnswer("s3cret", "s3cret", "s3cret")))
