"""Where the shared Redis is."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.redis_address import parse_redis_url
from meshproxy.config.wrong import Wrong


class RedisAddressTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """Port, database and host are filled in."""
        for text, url in (
            ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
            ("redis://cache.example", "redis://cache.example:6379/0"),
            ("rediss://cache.example:6380/3", "rediss://cache.example:6380/3"),
            ("redis://:pw@a/1", "redis://:pw@a:6379/1"),
            ("redis://u:p%40w@[::1]:1/", "redis://u:p%40w@[::1]:1/0"),
            ("unix:/run/redis.sock", "unix:///run/redis.sock"),
            ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"),
            ("redis://", "redis://localhost:6379/0"),
        ):
            with self.subTest(text):
                self.assertEqual(parse_redis_url(text), url)

    def test_user_and_password_beside_it(self) -> None:
        """They are put into the URL, encoded, so that a ``/`` or ``@`` in a password harms nothing."""
        self.assertEqual(parse_redis_url("redis://a", "me", "p/w@x"), "redis://me:p%2Fw%40x@a:6379/0")
        self.assertEqual(parse_redis_url("redis://a", None, "pw"), "redis://:pw@a:6379/0")
        self.assertEqual(parse_redis_url("unix:///r.sock", None, "pw"), "unix://:pw@/r.sock")

    def test_refused(self) -> None:
        """Other schemes, queries, bad ports; a user without a password; a password in two places."""
        for arguments in (
            ("http://a",),
            ("a:6379",),
            ("",),
            ("redis://a/x",),
            ("redis://a?db=1",),
            ("redis://a#f",),
            ("redis://a:0",),
            ("unix:run/r.sock",),
            ("unix:",),
            ("redis://a", "me", None),
            ("redis://u:p@a", None, "p"),
        ):
            with self.subTest(arguments):
                self.assertRaises(Wrong, parse_redis_url, *arguments)

    def test_no_password_is_repeated(self) -> None:
        """A URL that cannot be read may still hold one."""
        refusal = self.assertRaises(Wrong, parse_redis_url, "reddis://:hunter2@a")
        self.assertNotIn("hunter2", str(refusal))
        self.assertEqual(refusal.hint, "did you mean 'redis'?")
