"""[session]"""

from __future__ import annotations

import base64

from twisted.trial.unittest import SynchronousTestCase

from .support.conf_dirs import KEY, ConfDir
from .test_certificates import make_pair


class SessionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)

    def session(self, lines: str) -> None:
        self.conf.main(identity="[identity.local]\ntype = 'users'\n", tables=f"[session]\n{lines}\n")

    def problems(self, lines: str) -> list[str]:
        self.session(lines)
        return self.conf.problems()

    def test_keys_from_a_file(self) -> None:
        """One a line, newest first; the file is known, and a change of it is one of the configuration."""
        old, new = bytes(32), bytes(range(32))
        self.conf.write("session.key", "".join(base64.urlsafe_b64encode(key).decode() + "\n" for key in (new, old)))
        self.session("secret_file = 'session.key'")
        settings = self.conf.settings()
        self.assertEqual(settings.session.keys, (new, old))
        self.assertIn(self.conf.path / "session.key", settings.files)

    def test_keys_from_the_environment(self) -> None:
        """For platforms that give secrets so."""
        self.conf.environ["SESSION_KEY"] = KEY
        self.session("secret_env = 'SESSION_KEY'")
        self.assertEqual(self.conf.settings().session.keys, (bytes(32),))

    def test_no_key(self) -> None:
        """Works, and says that sessions end with the run."""
        self.session("")
        self.assertEqual(self.conf.settings().session.keys, ())
        self.assertIn("session.secret_file: no session key", self.conf.warnings()[0])

    def test_bad_keys(self) -> None:
        """File, key and line; never the content."""
        self.conf.write("session.key", "hunter2!\n")
        self.assertEqual(
            self.problems("secret_file = 'session.key'"),
            ["meshproxy.toml: session.secret_file: session.key: line 1: is not base64url (`meshproxy new-key` prints a key)"],
        )
        self.assertIn("no such file", self.problems("secret_file = 'none.key'")[0])

    def test_secrets_are_in_no_repr(self) -> None:
        """Settings end up in logs and tracebacks."""
        self.session(f"secret = '{KEY}'\nredis_url = 'redis://:hunter2@a'")
        self.assertNotIn("hunter2", repr(self.conf.settings()))
        self.assertNotIn(repr(bytes(32)), repr(self.conf.settings()))

    def test_unknown_keys_of_our_stores(self) -> None:
        """Nobody would read them."""
        for store in ("cookie", "memory"):
            with self.subTest(store):
                self.assertEqual(
                    self.problems(f"store = '{store}'\nlifetme = '1h'"),
                    ["meshproxy.toml: session.lifetme: unknown key (did you mean 'lifetime'?)"],
                )

    def test_keys_of_a_plugins_store(self) -> None:
        """They are its own, and go to it as they stand."""
        self.session("store = 'etcd'\nendpoints = ['a', 'b']\nlifetime = '1h'")
        session = self.conf.settings().session
        self.assertEqual((session.store, session.options, session.lifetime), ("etcd", {"endpoints": ["a", "b"]}, 3600.0))

    def test_redis_needs_an_address(self) -> None:
        """And gets it with user and password from wherever they are."""
        self.assertEqual(self.problems("store = 'redis'"), ['meshproxy.toml: session.redis_url: required, and missing: store = "redis"'])
        self.conf.write("redis.pw", "p w\n")
        self.conf.write("ca.crt", make_pair()[0])
        self.session(
            "store = 'redis'\nredis_url = 'rediss://cache'\nredis_username = 'me'\nredis_password_file = 'redis.pw'\n"
            "redis_ca_file = 'ca.crt'"
        )
        session = self.conf.settings().session
        self.assertEqual((session.redis_url, session.redis_ca_file), ("rediss://me:p%20w@cache:6379/0", self.conf.path / "ca.crt"))
        self.assertEqual(self.problems("redis_url = 'http://a'")[0].partition(":")[2].split(":")[0], " session.redis_url")

    def test_redis_keys_without_an_address(self) -> None:
        """A password for nothing is a mistake."""
        self.assertEqual(
            self.problems("redis_password = 'x'"),
            ["meshproxy.toml: session.redis_password: means nothing without redis_url"],
        )

    def test_cookie_domain(self) -> None:
        """It must hold the host of public_url, and needs https."""
        self.session("cookie_domain = '.Example.com'")
        self.assertEqual(self.conf.settings().session.cookie_domain, "example.com")
        self.assertIn("is not in 'example.org'", self.problems("cookie_domain = 'example.org'")[0])
        self.assertIn("is not in 'ample.com'", self.problems("cookie_domain = 'ample.com'")[0])
        self.assertIn("browsers keep a cookie", self.problems("cookie_domain = 'localhost'")[0])

    def test_idle_longer_than_life(self) -> None:
        """Harmless, but not what was meant."""
        self.session(f"secret = '{KEY}'\nlifetime = '1h'\nidle_timeout = '2h'")
        self.assertIn("session.idle_timeout: is longer than lifetime", self.conf.warnings()[0])
