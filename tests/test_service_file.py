"""services/NAME.toml"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.policy import AccessSettings, RequestSettings, ResponseSettings, RouteSettings
from meshproxy.settings import PoolSettings, TimeoutSettings, UpstreamTls

from .support.conf_dirs import ConfDir
from .test_certificates import make_pair

ACCESS = "\n[access]\ngroups = ['a']\n"
FULL = """
title = "Grafana"
description = "Dashboards"
icon = "grafana.svg"
upstream = "https://grafana.monitoring.svc.cluster.local:3000/base"
[route]
host = "Grafana.example.com"
path = "/g/"
strip_path = true
[access]
groups = ["sre"]
emails = ["a@b.example"]
domains = ["Example.com"]
claims = { department = ["x", "y"], "realm.role" = "z" }
providers = ["local"]
show = "always"
preflight = "forward"
[request]
host = "grafana.internal:81"
origin = "keep"
allowed_origins = ["https://Other.example"]
authorization = "drop"
strip = ["X-Debug"]
body_bytes = "10MiB"
via = true
[response]
locations = "keep"
strip = ["Server"]
[timeouts]
connect = "1s"
response = "2s"
idle = "3s"
tunnel_idle = "4s"
[pool]
active = 1
queue = 2
queue_for = "3s"
tunnels = 4
per_principal = 5
idle = "6s"
[tls]
server_name = "grafana.internal"
min_version = "1.3"
"""


class ServiceFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.conf = ConfDir(self)

    def problems(self, text: str, main: str = "") -> list[str]:
        self.conf.main(main)
        self.conf.service("orders", text)
        return self.conf.problems()

    def warnings(self, text: str) -> list[str]:
        self.conf.service("orders", text)
        return self.conf.warnings()

    def test_everything(self) -> None:
        """Every key arrives where it belongs, normalised."""
        self.conf.write("grafana.svg", "<svg/>")
        self.conf.service("orders", FULL)
        service = self.conf.only_service()
        self.assertEqual((service.name, service.title, service.description), ("orders", "Grafana", "Dashboards"))
        self.assertEqual((Path(service.icon), service.file), (self.conf.path / "grafana.svg", self.conf.path / "services/orders.toml"))
        self.assertEqual((service.upstream.authority, service.upstream.path), ("grafana.monitoring.svc.cluster.local:3000", "/base"))
        self.assertEqual(service.route, RouteSettings("grafana.example.com", "/g", True))
        self.assertEqual(
            service.access,
            AccessSettings(
                groups=("sre",),
                emails=("a@b.example",),
                domains=("example.com",),
                claims={"department": ("x", "y"), "realm.role": ("z",)},
                providers=("local",),
                show="always",
                preflight="forward",
            ),
        )
        self.assertEqual(
            service.request,
            RequestSettings("grafana.internal:81", "keep", ("https://other.example",), "drop", ("X-Debug",), 10 * 1024**2, True),
        )
        self.assertEqual(service.response, ResponseSettings("keep", ("Server",)))
        self.assertEqual(service.timeouts, TimeoutSettings(1, 2, 3, 4))
        self.assertEqual(service.pool, PoolSettings(1, 2, 3, 4, 5, 6))
        self.assertEqual(service.tls, UpstreamTls(server_name="grafana.internal", min_version="1.3"))

    def test_defaults(self) -> None:
        """An upstream and a rule are enough: the title is the name, the host that of public_url."""
        service = self.conf.only_service()
        self.assertEqual(
            (service.title, service.route, service.tls, service.icon), ("orders", RouteSettings("apps.example.com", "/"), None, "")
        )
        self.assertEqual((service.request, service.response), (RequestSettings(), ResponseSettings()))
        self.assertEqual((service.timeouts, service.pool), (TimeoutSettings(), PoolSettings()))

    def test_nobody_may_enter(self) -> None:
        """No table, an empty one, rules that are all off: an error, not an open door."""
        for table in (
            "",
            "[access]",
            "[access]\nauthenticated = false\npublic = false",
            "[access]\ngroups = []",
            "[access]\nproviders = ['local']",
        ):
            with self.subTest(table):
                (problem,) = self.problems("upstream = 'http://a.b'\n" + table)
                self.assertTrue(problem.startswith("services/orders.toml: access: nobody may enter"), problem)

    def test_a_misspelt_rule_is_one_problem(self) -> None:
        """The hint says what to do; that nobody may enter follows from it."""
        self.assertEqual(
            self.problems("upstream = 'http://a.b'\n[access]\ngrups = ['a']"),
            ["services/orders.toml: access.grups: unknown key (did you mean 'groups'?)"],
        )

    def test_upstream_is_required(self) -> None:
        """Nothing is guessed."""
        self.assertEqual(self.problems(ACCESS), ["services/orders.toml: upstream: required, and missing"])

    def test_rules_without_effect(self) -> None:
        """Public beside groups, authenticated beside groups: they work, and say less than they seem to."""
        for lines, key in (
            ("public = true\ngroups = ['a']", "access.public"),
            ("authenticated = true\nemails = ['a@b']", "access.authenticated"),
        ):
            with self.subTest(lines):
                self.assertTrue(any(f"orders.toml: {key}:" in one for one in self.warnings(f"upstream = 'http://a.b'\n[access]\n{lines}")))

    def test_preserve_in_a_mesh(self) -> None:
        """Refused for plain http, where a sidecar routes by Host; allowed where it cannot choose a destination."""
        for upstream, main, good in (
            ("http://a.b", "", False),
            ("http://a.b", "mesh = false", True),
            ("https://a.b", "", True),
            ("unix:/a", "", True),
        ):
            with self.subTest(f"{upstream} {main}"):
                problems = self.problems(f"upstream = '{upstream}'{ACCESS}[request]\nhost = 'preserve'", main)
                self.assertEqual(problems == [], good, problems)
                if not good:
                    self.assertTrue(problems[0].startswith("services/orders.toml: request.host: 'preserve'"), problems)

    def test_samples(self) -> None:
        """On this machine, or where somebody wants them."""
        self.assertIn("services/orders.toml: upstream: sample: shows", self.problems("upstream = 'sample:'" + ACCESS)[0])
        self.assertEqual(self.problems("upstream = 'sample:'" + ACCESS, "samples = true"), [])
        self.conf.main(base='public_url = "http://localhost:8080"\n')
        self.assertEqual(self.conf.problems(), [])

    def test_a_wrong_public_url_is_one_problem(self) -> None:
        """Whether samples are allowed is not known then, and not complained about."""
        self.conf.service("orders", "upstream = 'sample:'" + ACCESS)
        self.conf.main(base='public_url = "apps.example.com"\n')
        self.assertEqual([problem.split(": ")[1] for problem in self.conf.problems()], ["public_url"])

    def test_sockets(self) -> None:
        """Relative to the conf directory; not longer than the system allows."""
        self.conf.service("orders", "upstream = 'unix:run/a.sock'" + ACCESS)
        self.assertEqual(self.conf.only_service().upstream.path, str(self.conf.path / "run/a.sock"))
        self.assertIn("too long for a socket", self.problems(f"upstream = 'unix:/{'a' * 120}'{ACCESS}")[0])

    def test_advice_for_a_mesh(self) -> None:
        """Short names and pods' addresses warn in a mesh, and nowhere else."""
        self.assertIn("names no namespace", self.warnings("upstream = 'http://orders:80'" + ACCESS)[0])
        self.conf.main("mesh = false")
        self.assertEqual(self.conf.warnings(), [])

    def test_icons(self) -> None:
        """A missing picture stops nobody; another kind of file is a mistake."""
        self.assertIn(
            "services/orders.toml: icon: no.svg: no such file", self.warnings("upstream = 'http://a.b'\nicon = 'no.svg'" + ACCESS)[0]
        )
        self.assertEqual(self.conf.only_service().icon, "")
        self.conf.write("icons/no.svg", "<svg/>")
        self.assertEqual((self.conf.only_service().icon, self.conf.warnings()), (str(self.conf.path / "icons/no.svg"), []))
        self.assertIn("services/orders.toml: icon:", self.problems("upstream = 'http://a.b'\nicon = 'a.exe'" + ACCESS)[0])

    def test_tls(self) -> None:
        """Files absolute and known; https has the defaults without a table."""
        certificate, key = make_pair()
        self.conf.write("ca.crt", certificate)
        self.conf.write("c.crt", certificate)
        self.conf.write("c.key", key)
        self.conf.service(
            "orders",
            "upstream = 'https://a.b'" + ACCESS + "[tls]\nca_file='ca.crt'\nspiffe_id='spiffe://td/a'\ncert_file='c.crt'\nkey_file='c.key'",
        )
        settings, here = self.conf.settings(), self.conf.path
        self.assertEqual(settings.services[0].tls, UpstreamTls(here / "ca.crt", None, "spiffe://td/a", here / "c.crt", here / "c.key"))
        self.assertTrue({here / "ca.crt", here / "c.crt", here / "c.key"} <= settings.files)
        self.conf.service("orders", "upstream = 'https://a.b'" + ACCESS)
        self.assertEqual(self.conf.only_service().tls, UpstreamTls())

    def test_tls_mistakes(self) -> None:
        """Without https, a SPIFFE id without a CA, half a pair; no check at all is a warning."""
        for upstream, lines, key in (
            ("http://a.b", "min_version = '1.3'", "tls"),
            ("unix:/a", "verify = true", "tls"),
            ("https://a.b", "spiffe_id = 'spiffe://td/a'", "tls.ca_file"),
            ("https://a.b", "min_version = '1.1'", "tls.min_version"),
            ("https://a.b", "ca_file = 'no'", "tls.ca_file"),
        ):
            with self.subTest(f"{upstream} {lines}"):
                self.assertEqual(
                    [problem.split(": ")[1] for problem in self.problems(f"upstream = '{upstream}'{ACCESS}[tls]\n{lines}")], [key]
                )
        self.conf.write("c.crt", make_pair()[0])
        self.assertIn("tls.key_file: required", self.problems(f"upstream = 'https://a.b'{ACCESS}[tls]\ncert_file = 'c.crt'")[0])
        self.assertIn("orders.toml: tls.verify: false", self.warnings(f"upstream = 'https://a.b'{ACCESS}[tls]\nverify = false")[0])
