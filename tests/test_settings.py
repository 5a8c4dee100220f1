from pathlib import Path

from twisted.trial import unittest

from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.settings import LimitSettings, ServiceSettings, SessionSettings, Settings


def service(name: str, host: str) -> ServiceSettings:
    return ServiceSettings(name, name, Upstream("http", name, 80), RouteSettings(host), AccessSettings())


class SettingsTests(unittest.SynchronousTestCase):
    def test_hosts(self) -> None:
        """Every host that is answered stands once, that of ``public_url`` first."""
        settings = Settings(
            Path("conf"), Origin("https", "apps.example", 443),
            services=(service("a", "a.example"), service("b", "apps.example"), service("c", "a.example")),
        )
        self.assertEqual(("apps.example", "a.example"), settings.hosts)

    def test_no_key_in_a_repr(self) -> None:
        """Neither session keys nor a password in a Redis URL stand in a repr, of the session's settings or of the whole."""
        session = SessionSettings(keys=(b"s3cret" * 6,), redis_url="redis://:s3cret@redis/0")
        for value in (session, Settings(Path("conf"), Origin("http", "localhost", 80), session=session)):
            self.assertNotIn("s3cret", f"{value!r}")

    def test_trusting_is_nobodys_default(self) -> None:
        """Without a word in the conf file no peer is trusted and there is no operator; everything has a limit but bodies."""
        settings = Settings(Path("conf"), Origin("http", "localhost", 80))
        self.assertEqual(((), ()), (settings.trusted_networks, settings.trusted_spiffe_ids))
        self.assertEqual(((), (), ()), (settings.operators.groups, settings.operators.emails, settings.operators.providers))
        limits = LimitSettings()
        self.assertEqual({"connections_per_peer", "body_bytes"}, {name for name in limits.__slots__ if not getattr(limits, name)})
