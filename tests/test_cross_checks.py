"""What no file can know alone."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from .support.conf_dirs import SERVICE, ConfDir


class CrossCheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)

    def test_two_services_on_one_route(self) -> None:
        """The same host and path, however they are written; other paths and hosts are others."""
        self.conf.service("a", SERVICE + "[route]\nhost = 'APPS.example.com.'\npath = '/x/'")
        self.conf.service("b", SERVICE + "[route]\npath = '/x'")
        self.conf.service("c", SERVICE + "[route]\npath = '/x/y'")
        self.conf.service("d", SERVICE + "[route]\nhost = 'd.example.com'\npath = '/x'")
        self.assertEqual(self.conf.problems(), ["services/b.toml: route.path: apps.example.com/x is the route of services/a.toml already"])

    def test_two_services_without_a_route(self) -> None:
        """Both want the public host's root."""
        self.conf.service("a", SERVICE)
        self.assertEqual(self.conf.problems(), ["services/orders.toml: route: apps.example.com/ is the route of services/a.toml already"])

    def test_nobody_can_log_in(self) -> None:
        """A rule about people needs a provider; a public service does not."""
        self.conf.main(identity="")
        self.assertEqual(
            self.conf.problems(), ["services/orders.toml: access: nobody can log in: meshproxy.toml has no [identity.NAME] table"]
        )
        self.conf.service("orders", "upstream = 'http://a.b'\n[access]\npublic = true")
        self.assertEqual(self.conf.problems(), [])

    def test_providers_that_do_not_exist(self) -> None:
        """In [access] and in [operators], with a guess."""
        self.conf.main(tables="[operators]\nproviders = ['lokal']")
        self.conf.service("orders", SERVICE + "providers = ['local', 'corp']")
        self.assertEqual(
            self.conf.problems(),
            [
                "meshproxy.toml: operators.providers: there is no [identity.lokal] table (did you mean 'local'?)",
                "services/orders.toml: access.providers: there is no [identity.corp] table",
            ],
        )

    def test_groups_of_any_of_several_providers(self) -> None:
        """Two providers may both have a group called admins."""
        self.conf.main(tables="[identity.corp]\ntype = 'github'\n[operators]\ngroups = ['sre']")
        self.assertEqual([warning.split(": ")[1] for warning in self.conf.warnings()], ["operators.groups", "access.groups"])
        self.conf.main(tables="[identity.corp]\ntype = 'github'\n[operators]\ngroups = ['sre']\nproviders = ['corp']")
        self.conf.service("orders", SERVICE + "providers = ['local']")
        self.assertEqual(self.conf.warnings(), [])

    def test_what_must_hold_once(self) -> None:
        """Several hosts or back-channel logout with the cookie store warn, until something remembers."""
        oidc = "[identity.corp]\ntype = 'oidc'\nissuer = 'https://a.example'\n"
        self.conf.service("orders", SERVICE + "providers = ['local']\n[route]\nhost = 'orders.example.com'")
        self.assertIn("several hosts", self.conf.warnings()[0])
        self.conf.main('state_dir = "state"')
        self.assertEqual(self.conf.warnings(), [])
        self.conf.service("orders", SERVICE + "providers = ['local']")
        self.conf.main(tables=oidc)
        self.assertIn("meshproxy.toml: session.store: providers end sessions by back-channel logout", self.conf.warnings()[0])
        session = "[session]\nsecret = '" + "A" * 43 + "'\n"
        for remembers in ("redis_url = 'redis://a'", "store = 'memory'"):
            with self.subTest(remembers):
                self.conf.main(identity=f"{session}{remembers}\n[identity.local]\ntype = 'users'\n", tables=oidc)
                self.assertEqual(self.conf.warnings(), [])

    def test_hosts_in_the_clear(self) -> None:
        """An http:// public_url serves other hosts in the clear as well: said, but allowed for trying out."""
        self.conf.main('state_dir = "s"', base='public_url = "http://localhost"\n')
        self.conf.service("orders", SERVICE + "[route]\nhost = 'orders.example.com'")
        self.conf.service("more", SERVICE + "[route]\nhost = 'more.localhost'")
        self.assertEqual([warning.split(": ")[0] for warning in self.conf.warnings()], ["services/orders.toml"])
