"""The models of services/*.toml agree with the settings that are made of them."""

from __future__ import annotations

from dataclasses import fields

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.complaints import keys_of
from meshproxy.config.service_model import (
    AccessTable,
    PoolTable,
    RequestTable,
    ResponseTable,
    RouteTable,
    ServiceFile,
    TimeoutsTable,
    UpstreamTlsTable,
)
from meshproxy.core.policy import AccessSettings, RequestSettings, ResponseSettings, RouteSettings
from meshproxy.settings import PoolSettings, TimeoutSettings, UpstreamTls

PAIRS = (
    (TimeoutsTable, TimeoutSettings),
    (PoolTable, PoolSettings),
    (UpstreamTlsTable, UpstreamTls),
    (AccessTable, AccessSettings),
    (RequestTable, RequestSettings),
    (ResponseTable, ResponseSettings),
    (RouteTable, RouteSettings),
)


class ServiceModelTests(SynchronousTestCase):
    def test_every_setting_has_a_key(self) -> None:
        """What code can set, a file can."""
        for table, settings in PAIRS:
            self.assertEqual(set(table.model_fields), {field.name for field in fields(settings)}, table.__name__)

    def test_defaults_are_those_of_the_settings(self) -> None:
        """What a file leaves out is what code that makes settings by hand gets."""
        for table, settings in PAIRS[:3]:
            self.assertEqual(settings(**table().model_dump()), settings())
        for table, default in ((AccessTable, AccessSettings()), (RequestTable, RequestSettings()), (ResponseTable, ResponseSettings())):
            for name, value in table().model_dump().items():
                self.assertEqual(tuple(value) if isinstance(value, list) else value, getattr(default, name), name)

    def test_every_key_is_described(self) -> None:
        """Editors show the description of a key beside it."""
        for table, _ in PAIRS:
            for name, info in table.model_fields.items():
                self.assertTrue((info.description or "").endswith("."), f"{table.__name__}.{name}")

    def test_the_contracts_keys_are_there(self) -> None:
        """Keys that operators have been promised, table by table."""
        promised = """title description icon upstream route.host route.path route.strip_path access.groups access.emails access.domains
            access.claims access.authenticated access.public access.providers access.show access.preflight request.host request.origin
            request.allowed_origins request.authorization request.strip request.body_bytes response.locations response.strip rewrite.use
            timeouts.connect timeouts.response timeouts.idle timeouts.tunnel_idle pool.active pool.tunnels pool.per_principal pool.idle
            tls.ca_file tls.server_name tls.spiffe_id tls.cert_file tls.key_file tls.min_version tls.verify"""
        self.assertEqual(set(promised.split()) - set(keys_of(ServiceFile)), set())
