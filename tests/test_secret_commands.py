"""Keys and password hashes: ``meshproxy new-key`` and ``hash-password``."""

from __future__ import annotations

import base64

from argon2 import PasswordHasher
from twisted.trial.unittest import SynchronousTestCase

from tests.support.command_line import run
from tests.support.conf_dirs import ConfDir


class NewKey(SynchronousTestCase):
    def test_a_key_that_a_conf_directory_takes(self) -> None:
        """32 random bytes, base64url, one line; another one each time."""
        first, second = run("new-key"), run("new-key")
        self.assertEqual((first.status, first.err), (0, ""))
        self.assertNotEqual(first.out, second.out)
        self.assertEqual(len(base64.urlsafe_b64decode(first.out.strip() + "=")), 32)
        conf = ConfDir(self)
        conf.main(identity='[session]\nsecret_file = "key"\n[identity.local]\ntype = "users"\nfile = "u"\n')
        conf.write("key", first.out)
        self.assertEqual(len(conf.settings().session.keys), 1)


class HashPassword(SynchronousTestCase):
    def test_one_line_of_standard_input(self) -> None:
        """Its argon2id hash alone on standard output; the line's end is no part of the password, blanks are."""
        for given, password in (("geheim\n", "geheim"), (" p w \r\n", " p w "), ("ohne Ende", "ohne Ende"), ("日本語\n", "日本語")):
            ran = run("hash-password", stdin=given)
            self.assertEqual((ran.status, ran.err), (0, ""))
            self.assertTrue(ran.out.startswith("$argon2id$"))
            self.assertTrue(PasswordHasher().verify(ran.out.strip(), password))

    def test_what_is_no_password(self) -> None:
        """Nothing, several lines, one that no login form would take: exit 1, and the password is in no message."""
        for given in ("", "\n", "one-secret\ntwo-secret\n", "secret" * 300):
            ran = run("hash-password", stdin=given)
            self.assertEqual((ran.status, ran.out), (1, ""), given[:10])
            self.assertTrue(ran.err)
            self.assertNotIn("secret", ran.err)
