"""``bearer``."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import TokenNeeded
from meshproxy.api.testing import context, make, request_head, run_request, run_rewriter, signed_in
from meshproxy.builtin.bearer_token import BearerToken
from meshproxy.fences import RewriterFailed
from meshproxy.rewriting import Rewriting

LOGIN = signed_in(id_token="the.id.token", access_token="opaque", expires_at=100.0, id_expires_at=50.0)


class BearerTests(SynchronousTestCase):
    """Authorization: Bearer."""

    def test_which_token(self) -> None:
        """The ID token unless the access token is asked for; each holds until its own end."""
        self.assertEqual(run_rewriter(BearerToken, {}, LOGIN), [(b"Authorization", b"Bearer the.id.token")])
        self.assertEqual(run_rewriter(BearerToken, {"token": "access"}, LOGIN), [(b"Authorization", b"Bearer opaque")])
        self.assertEqual(Rewriting([make(BearerToken)]).identity(LOGIN).valid_until, 50.0)
        self.assertEqual(Rewriting([make(BearerToken, {"token": "access"})]).identity(LOGIN).valid_until, 100.0)

    def test_no_token(self) -> None:
        """A login without that token sends none, and the browser's own Authorization does not go in its place."""
        self.assertEqual(run_rewriter(BearerToken, {}, signed_in(access_token="x")), [])
        head = run_request(BearerToken, {}, signed_in(), request_head(fields={"Authorization": "Bearer forged"}))
        self.assertNotIn(b"Authorization", dict(head.fields))

    def test_ended(self) -> None:
        """A token that has ended asks for a new login; without a known end it is used."""
        clock = Clock()
        clock.advance(50)
        rewriter = make(BearerToken, given=context(reactor=clock))
        with self.assertRaises(TokenNeeded) as caught:
            rewriter.token_fields(LOGIN)
        self.assertNotIn("the.id", str(caught.exception))
        self.assertIsNone(rewriter.token_fields(signed_in(id_token="x")).valid_until)

    def test_no_field(self) -> None:
        """A token that would not be one field goes nowhere and is not repeated."""
        with self.assertRaises(RewriterFailed) as caught:
            run_rewriter(BearerToken, {}, signed_in(id_token="secret\r\nX-Admin: 1"))
        self.assertNotIn("secret", str(caught.exception))
