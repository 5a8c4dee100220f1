"""How plugins say no."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import LoginFailed, ProviderDown, Refused, Rejected, SessionOver, StoreDown, TokenNeeded


class ErrorTests(SynchronousTestCase):
    """The errors that mean something."""

    def test_login_failed(self) -> None:
        """The reason is the operator's, the message the person's; an outage is a failed login of its own kind."""
        error = LoginFailed("invalid_grant", "Please try again.")
        self.assertEqual((str(error), error.reason, error.message), ("invalid_grant", "invalid_grant", "Please try again."))
        self.assertEqual(LoginFailed("x").message, "")
        self.assertIsInstance(ProviderDown("x"), LoginFailed)

    def test_apart(self) -> None:
        """None of the others is taken for another one."""
        errors = (Refused, Rejected, SessionOver, StoreDown, TokenNeeded, LoginFailed)
        self.assertEqual([(a, b) for a in errors for b in errors if a is not b and issubclass(a, b)], [])
