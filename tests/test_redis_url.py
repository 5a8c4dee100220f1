"""meshproxy.sessions.redis_url"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.redis_address import parse_redis_url
from meshproxy.sessions.redis_url import RedisAddress, _certificates

from .support.certificates import Authority


class RedisUrlTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """Host, port, database, user and password, decoded; as the conf writes them down too."""
        for url, address in (
            ("redis://cache.example", RedisAddress("cache.example", 6379, "", False, "", "", 0)),
            ("redis://:p%40w@[::1]:1/2", RedisAddress("::1", 1, "", False, "", "p@w", 2)),
            ("rediss://me:p%2Fw@a:6380/", RedisAddress("a", 6380, "", True, "me", "p/w", 0)),
            ("redis://", RedisAddress("localhost", 6379, "", False, "", "", 0)),
            ("unix:///run/r.sock?db=2", RedisAddress("", 6379, "/run/r.sock", False, "", "", 2)),
            ("unix:/run/r.sock", RedisAddress("", 6379, "/run/r.sock", False, "", "", 0)),
            ("unix://:pw@/run/r.sock", RedisAddress("", 6379, "/run/r.sock", False, "", "pw", 0)),
        ):
            self.assertEqual(RedisAddress.of(url), address, url)
            self.assertEqual(RedisAddress.of(parse_redis_url(url)), address, url)

    def test_refused(self) -> None:
        """What is none is an error that does not repeat it."""
        for url in ("", "http://a", "redis:a", "redis://a/x", "redis://a:b", "redis://:hunter2@a?x", "unix:a"):
            self.assertNotIn("hunter2", str(self.assertRaises(ValueError, RedisAddress.of, url)))

    def test_nothing_secret_is_shown(self) -> None:
        """Neither user nor password stand in what people see."""
        address = RedisAddress.of("redis://me:hunter2@a:1/2")
        self.assertEqual((str(address), repr(address)), ("a:1", "<RedisAddress a:1>"))
        self.assertEqual(str(RedisAddress.of("unix:///r.sock")), "unix:/r.sock")

    def test_greetings(self) -> None:
        """Password, or user and password; the database if it is another than the first; always a sign of life."""
        for url, commands in (
            ("redis://a", [("PING",)]),
            ("redis://:pw@a", [("AUTH", "pw"), ("PING",)]),
            ("redis://me:pw@a/3", [("AUTH", "me", "pw"), ("SELECT", 3), ("PING",)]),
        ):
            self.assertEqual(RedisAddress.of(url).greeting(), commands)

    def test_endpoints(self) -> None:
        """A socket for unix, TCP for the others, TLS around it for ``rediss``."""
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        ca_file = Authority(directory).ca_file
        self.assertIsInstance(RedisAddress.of("unix:///r.sock").endpoint(Clock()), UNIXClientEndpoint)
        self.assertIsInstance(RedisAddress.of("redis://a").endpoint(Clock()), HostnameEndpoint)
        self.assertNotIsInstance(RedisAddress.of("rediss://a").endpoint(Clock(), ca_file), HostnameEndpoint)

    def test_a_bundle(self) -> None:
        """Every certificate of a CA file is trusted, not the first alone."""
        directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, directory)
        bundle = directory / "bundle.pem"
        bundle.write_bytes(b"".join(Authority(directory / name).ca_file.read_bytes() for name in ("one", "two")))
        self.assertEqual(len(_certificates(bundle)), 2)
