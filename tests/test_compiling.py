"""What settings become: :mod:`meshproxy.compiling`."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.compiling import protect, public_origin, route_table, trust_of
from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.core.routing import Match
from meshproxy.rewriting import Rewriting
from meshproxy.settings import ServiceSettings, Settings


class Legacy:
    name = "legacy"
    managed_fields = (b"X-Legacy-User",)

    def identity_fields(self, principal: object) -> list[tuple[bytes, bytes]]:
        return []


def service(name: str) -> ServiceSettings:
    return ServiceSettings(name, name, Upstream("http", name, 80, "", f"http://{name}"), RouteSettings("apps.example.com", f"/{name}"),
                           AccessSettings(public=True))


class Compiling(SynchronousTestCase):
    settings = Settings(Path("conf"), Origin("https", "apps.example.com", 8443), (service("one"), service("two")),
                        trusted_networks=(ip_network("10.0.0.0/8"),))

    def test_routes_and_trust(self) -> None:
        """As the settings say; a host's public origin has scheme and port of ``public_url``."""
        match = route_table(self.settings).find("apps.example.com", b"/two/x")
        assert isinstance(match, Match)
        self.assertEqual(match.service, "two")
        self.assertTrue(trust_of(self.settings).peer("10.1.2.3", 1).trusted)
        self.assertFalse(trust_of(self.settings).peer("192.0.2.1", 1).trusted)
        self.assertEqual(str(public_origin(self.settings, "x.example.com")), "https://x.example.com:8443")

    def test_what_one_service_is_told_is_stripped_for_all(self) -> None:
        """The names that one service's rewriters set are managed in every service's plan."""
        rewritings = {"one": Rewriting([Legacy()]), "two": Rewriting([])}
        asked: list[str] = []

        def pool_for(service: ServiceSettings) -> object:
            asked.append(service.name)
            return object()

        services = protect(self.settings, rewritings, pool_for, b"__Host-meshproxy")  # type: ignore[arg-type]
        self.assertEqual((list(services), asked), (["one", "two"], ["one", "two"]))
        from meshproxy.core.inspection import inspect

        fields = [(b"Host", b"apps.example.com"), (b"X_Legacy.User", b"root"), (b"A", b"1")]
        facts = inspect(b"GET", b"/two", "1.1", fields)
        kept = services["two"].forwarding.kept(facts, fields, cookie=b"")
        self.assertEqual(kept, [(b"A", b"1")])
