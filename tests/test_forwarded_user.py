"""``forwarded-user``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api.testing import principal, request_head, run_request, run_rewriter
from meshproxy.builtin.forwarded_user import ForwardedUser


class ForwardedUserTests(SynchronousTestCase):
    """X-Forwarded-User and its relatives."""

    def test_fields(self) -> None:
        """Four fields, named as oauth2-proxy names them; User is the e-mail address unless set otherwise."""
        expected = [
            (b"X-Forwarded-User", b"alice@example.com"), (b"X-Forwarded-Email", b"alice@example.com"), (b"X-Forwarded-Groups", b"devs,sre"),
            (b"X-Forwarded-Preferred-Username", b"alice"),
        ]
        self.assertEqual(run_rewriter(ForwardedUser), expected)
        self.assertEqual(run_rewriter(ForwardedUser, {"user": "{subject}"})[0], (b"X-Forwarded-User", b"alice"))

    def test_missing(self) -> None:
        """Without a verified address neither User nor Email is sent, rather than an unverified one."""
        found = run_rewriter(ForwardedUser, {}, principal(email="root@example.com", email_verified=False, groups=()))
        self.assertEqual(found, [(b"X-Forwarded-Preferred-Username", b"alice")])

    def test_the_browser_says_nothing(self) -> None:
        """What the browser sends under these names, in any spelling, never reaches the service."""
        head = run_request(ForwardedUser, {}, principal(username=None), request_head(fields={
            "X-Forwarded-User": "root", "x_forwarded_email": "root@x", "X.Forwarded.Groups": "admin",
            "X-FORWARDED-PREFERRED-USERNAME": "root",
        }))
        self.assertEqual([value for name, value in head.fields if b"root" in value or b"admin" in value], [])
        self.assertIn((b"X-Forwarded-Groups", b"devs,sre"), head.fields)

    def test_encoding_and_separator(self) -> None:
        """Both are settings."""
        found = dict(run_rewriter(ForwardedUser, {"encoding": "rfc2047", "separator": "|", "user": "{name}"}, principal(name="Jörg")))
        self.assertEqual(found[b"X-Forwarded-User"], b"=?utf-8?B?SsO2cmc=?=")
        self.assertEqual(found[b"X-Forwarded-Groups"], b"devs|sre")
