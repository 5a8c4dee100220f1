from dataclasses import FrozenInstanceError

from twisted.trial import unittest

from meshproxy.core.principal import Authenticated, Principal, SignedIn, Tokens


class PrincipalTests(unittest.SynchronousTestCase):
    def test_an_unverified_address_is_missing(self) -> None:
        """Only an address that the provider vouches for counts; an empty one never does."""
        for email, verified, trusted in (
            ("a@example.com", True, "a@example.com"), ("a@example.com", False, None), (None, True, None), ("", True, None),
        ):
            self.assertEqual(trusted, Principal("i", "s", email=email, email_verified=verified).trusted_email)

    def test_a_value(self) -> None:
        """A principal is equal to one with the same values, and nothing on the way can change it."""
        principal = Principal("i", "s", groups=("a",))
        self.assertEqual(Principal("i", "s", groups=("a",)), principal)
        with self.assertRaises(FrozenInstanceError):
            principal.subject = "root"  # type: ignore[misc]

    def test_claims_are_not_shared(self) -> None:
        """Two principals without claims do not share a dict."""
        self.assertIsNot(Principal("i", "a").claims, Principal("i", "b").claims)


class TokensTests(unittest.SynchronousTestCase):
    def test_no_token_in_a_repr(self) -> None:
        """A repr names which tokens are there and never shows one, nor does that of what holds them."""
        tokens = Tokens(access="s3cret-a", id="s3cret-i", refresh="s3cret-r", expires_at=5.0)
        principal = Principal("i", "s")
        for value in (tokens, SignedIn(principal, tokens), Authenticated(principal, None, tokens)):
            self.assertNotIn("s3cret", f"{value!r} {value}")
        self.assertEqual("<Tokens access id refresh expires_at=5.0>", repr(tokens))
        self.assertEqual("<Tokens none expires_at=None>", repr(Tokens()))
