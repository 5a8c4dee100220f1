"""The Istio resources of a conf directory: :mod:`meshproxy.mesh_policy`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.places import Origin, Upstream
from meshproxy.core.policy import AccessSettings, RouteSettings
from meshproxy.mesh_policy import Workload, in_cluster, resources
from meshproxy.settings import PluginTable, ServiceSettings, Settings


def table(use: str, name: str = "", **options: object) -> PluginTable:
    return PluginTable(use, name or use, options, Path("x.toml"), "x")


def service(name: str, upstream: Upstream, *rewrite: PluginTable) -> ServiceSettings:
    return ServiceSettings(
        name, name, upstream, RouteSettings("apps.example.com", f"/{name}"), AccessSettings(authenticated=True), rewrite=rewrite
    )


GRAFANA = Upstream("http", "grafana.monitoring.svc.cluster.local", 3000)
CORP = table("oidc", "corp", issuer="https://corp.example:8443/x", client_id="meshproxy")


class MeshPolicy(SynchronousTestCase):
    def made(self, *services: ServiceSettings, workload: Workload | None = None, **settings: Any) -> dict[tuple[str, str, str], Any]:
        found = resources(Settings(Path("conf"), Origin("https", "apps.example.com", 443), services, **settings), workload or Workload())
        return {(one.body["kind"], one.body["metadata"]["namespace"], one.body["metadata"]["name"]): one.body for one in found}

    def test_a_service_admits_meshproxy_alone(self) -> None:
        """Mutual TLS on its pods, and one policy that allows meshproxy's identity; once for each Kubernetes Service."""
        made = self.made(service("a", GRAFANA), service("b", GRAFANA), workload=Workload("edge", "proxy", "acme.internal", "k8s-app"))
        name = "grafana-behind-meshproxy"
        policy = made["AuthorizationPolicy", "monitoring", name]["spec"]
        self.assertEqual(
            policy,
            {
                "selector": {"matchLabels": {"k8s-app": "grafana"}},
                "action": "ALLOW",
                "rules": [{"from": [{"source": {"principals": ["acme.internal/ns/edge/sa/proxy"]}}]}],
            },
        )
        self.assertEqual(made["PeerAuthentication", "monitoring", name]["spec"]["mtls"], {"mode": "STRICT"})
        self.assertEqual(
            set(made),
            {
                ("PeerAuthentication", "edge", "meshproxy"),
                ("PeerAuthentication", "monitoring", name),
                ("AuthorizationPolicy", "monitoring", name),
            },
        )

    def test_meshproxy_itself(self) -> None:
        """Where trusted_peers names gateways, only they reach the public port; the admin port stays open to the mesh."""
        made = self.made(
            trusted_spiffe_ids=("spiffe://cluster.local/ns/istio-system/sa/gw",), listen=("tcp:8080", "tls:8443"), admin_listen="tcp:9901"
        )
        rules = made["AuthorizationPolicy", "meshproxy", "meshproxy"]["spec"]["rules"]
        self.assertEqual(
            rules,
            [
                {
                    "from": [{"source": {"principals": ["cluster.local/ns/istio-system/sa/gw"]}}],
                    "to": [{"operation": {"ports": ["8080", "8443"]}}],
                },
                {"to": [{"operation": {"ports": ["9901"]}}]},
            ],
        )

    def test_tokens_that_are_handed_on(self) -> None:
        """A RequestAuthentication knows the issuers whose tokens the service's rewriters inject; no other service gets one."""
        made = self.made(
            service("kiali", Upstream("http", "kiali.istio-system.svc", 20001), table("bearer"), table("jwt-assertion")),
            service("grafana", GRAFANA, table("bearer", token="access")),
            identity=(CORP, table("users", "local")),
        )
        [key] = [key for key in made if key[0] == "RequestAuthentication"]
        self.assertEqual(key[1], "istio-system")
        self.assertEqual(
            made[key]["spec"]["jwtRules"],
            [
                {
                    "issuer": "https://apps.example.com",
                    "audiences": ["kiali"],
                    "jwksUri": "https://apps.example.com/_meshproxy/jwks.json",
                    "forwardOriginalToken": True,
                    "fromHeaders": [{"name": "X-JWT-Assertion"}],
                },
                {"issuer": "https://corp.example:8443/x", "forwardOriginalToken": True, "audiences": ["meshproxy"]},
            ],
        )

    def test_what_lies_outside(self) -> None:
        """A ServiceEntry for each host and port that is no Service: upstreams, identity providers; addresses are static."""
        made = self.made(
            service("wiki", Upstream("https", "wiki.example.org", 443)),
            service("box", Upstream("http", "192.0.2.7", 8080)),
            service("here", Upstream("http", "127.0.0.1", 80)),
            service("sock", Upstream("unix", "localhost", 0, "/run/x")),
            identity=(CORP, table("github", "hub")),
        )
        entries = {key[2]: body["spec"] for key, body in made.items() if key[0] == "ServiceEntry"}
        self.assertEqual(
            set(entries),
            {
                "outside-wiki-example-org-443",
                "outside-192-0-2-7-8080",
                "outside-corp-example-8443",
                "outside-github-com-443",
                "outside-api-github-com-443",
            },
        )
        wiki, box = entries["outside-wiki-example-org-443"], entries["outside-192-0-2-7-8080"]
        self.assertEqual(
            (wiki["hosts"], wiki["resolution"], wiki["ports"]),
            (["wiki.example.org"], "DNS", [{"number": 443, "name": "tls-443", "protocol": "TLS"}]),
        )
        self.assertEqual((box["addresses"], box["resolution"], box["endpoints"]), (["192.0.2.7"], "STATIC", [{"address": "192.0.2.7"}]))

    def test_without_auto_mtls(self) -> None:
        """A DestinationRule says what the mesh would otherwise do by itself."""
        made = self.made(service("a", GRAFANA), workload=Workload(auto_mtls=False))
        rule = made["DestinationRule", "meshproxy", "grafana-behind-meshproxy"]["spec"]
        self.assertEqual((rule["host"], rule["trafficPolicy"]), (GRAFANA.host, {"tls": {"mode": "ISTIO_MUTUAL"}}))

    def test_what_is_a_service_of_the_cluster(self) -> None:
        """Names of Kubernetes; not addresses, not this machine, not the world."""
        for host, expected in (
            ("grafana", ("grafana", "us")),
            ("grafana.mon", ("grafana", "mon")),
            ("grafana.mon.svc", ("grafana", "mon")),
            ("grafana.mon.svc.acme.local", ("grafana", "mon")),
            ("wiki.example.org", None),
            ("10.0.0.1", None),
            ("localhost", None),
        ):
            self.assertEqual(in_cluster(Upstream("http", host, 80), "us"), expected, host)
        self.assertIsNone(in_cluster(Upstream("https", "example.org", 443), "us"))
