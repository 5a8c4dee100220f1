"""The models of meshproxy.toml agree with the settings that are made of them."""

from __future__ import annotations

from dataclasses import fields

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.config.complaints import keys_of
from meshproxy.config.main_model import AuditTable, LimitsTable, LogTable, MainFile, OperatorsTable, ProviderTable, SessionTable
from meshproxy.settings import LimitSettings, LogSettings, OperatorSettings, SessionSettings


class MainModelTests(SynchronousTestCase):
    def test_defaults_are_those_of_the_settings(self) -> None:
        """What a file leaves out is what code that makes settings by hand gets."""
        self.assertEqual(LimitSettings(**LimitsTable().model_dump()), LimitSettings())
        self.assertEqual(LogSettings(**LogTable().model_dump()), LogSettings())
        said, session = SessionTable(), SessionSettings()
        for name in ("store", "lifetime", "idle_timeout", "recheck", "cookie_domain"):
            self.assertEqual(getattr(said, name), getattr(session, name), name)

    def test_every_limit_and_log_setting_has_a_key(self) -> None:
        """A setting that no file can change would be a promise that nobody can use."""
        for table, settings in ((LimitsTable, LimitSettings), (LogTable, LogSettings), (OperatorsTable, OperatorSettings)):
            self.assertEqual(set(table.model_fields), {field.name for field in fields(settings)})

    def test_every_key_is_described(self) -> None:
        """Editors show the description of a key beside it."""
        for table in (MainFile, LogTable, OperatorsTable, SessionTable, ProviderTable, LimitsTable, AuditTable):
            for name, info in table.model_fields.items():
                self.assertTrue((info.description or "").endswith("."), f"{table.__name__}.{name}")

    def test_the_contracts_keys_are_there(self) -> None:
        """Keys that operators have been promised, table by table."""
        promised = """public_url listen admin_listen control state_dir trusted_peers mesh sidecar_peers sidecar_admin samples log.level
            log.access log.file operators.groups operators.emails operators.providers session.store session.secret_file session.lifetime
            session.idle_timeout session.recheck session.cookie_domain session.redis_url identity.type limits.connections
            limits.connections_per_peer limits.head_bytes limits.target_bytes limits.fields limits.head limits.keep_alive limits.body_idle
            limits.body_rate limits.stalled limits.body_bytes audit.type audit.required tls.cert_file tls.key_file tls.client_ca_file
            tls.client_cert tls.more.cert_file tls.more.key_file"""
        self.assertEqual(set(promised.split()) - set(keys_of(MainFile)), set())
