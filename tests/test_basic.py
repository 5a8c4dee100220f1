"""``basic``."""

from __future__ import annotations

import base64
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.api import ConfError, Refused
from meshproxy.api.testing import context, make, principal, run_rewriter
from meshproxy.builtin.basic import Basic


def decoded(options: dict[str, object], **changes: object) -> str:
    ((name, value),) = run_rewriter(Basic, options, principal(**changes))  # type: ignore[arg-type]
    assert name == b"Authorization"
    return base64.b64decode(value.removeprefix(b"Basic "), validate=True).decode()


class BasicTests(SynchronousTestCase):
    """Authorization: Basic."""

    def test_user_and_password(self) -> None:
        """UTF-8, base64 (RFC 7617); the user is a template or fixed text; a password may have colons."""
        self.assertEqual(decoded({"password": "pä:ss"}), "alice@example.com:pä:ss")
        self.assertEqual(decoded({"user": "reader", "password": "x"}), "reader:x")
        self.assertEqual(run_rewriter(Basic, {"password": "x"}, principal(email=None)), [])

    def test_colon(self) -> None:
        """A user name with a colon would move text into the password: refused."""
        self.assertRaises(Refused, run_rewriter, Basic, {"password": "x", "user": "{subject}"}, principal("a:b"))

    def test_password_is_required(self) -> None:
        """By value, file or environment, exactly one of them; never in a message or a repr."""
        for options in ({}, {"password": "hunter2", "password_env": "X"}, {"password_file": "absent"}, {"password": 7}):
            with self.assertRaises(ConfError) as caught:
                make(Basic, options)
            self.assertIn("password", str(caught.exception))
            self.assertNotIn("hunter2", str(caught.exception))
        self.assertNotIn("hunter2", repr(Basic.Settings(password="hunter2")))

    def test_password_file(self) -> None:
        """The file lies in the conf directory; white space around the secret does not count."""
        conf_dir = Path(self.mktemp())
        conf_dir.mkdir()
        (conf_dir / "pw").write_text("from-file\n")
        found = run_rewriter(Basic, {"user": "u", "password_file": "pw"}, given=context(conf_dir=conf_dir))
        self.assertEqual(found, [(b"Authorization", b"Basic " + base64.b64encode(b"u:from-file"))])
