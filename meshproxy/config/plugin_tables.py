"""Which tables belong to plugins? Each as its plugin gets it: the known keys read, the rest as it stands.

The rule: what a plugin's own keys mean is the plugin's affair and checked by the plugin host; here is judged only what holds for
every plugin: which files change it, and that an issuer which decides who people are is not asked in the clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..settings import PluginTable
from .hosts import LOOPBACK_HOSTS, parse_url
from .intake import Intake
from .main_model import AuditTable, ProviderTable
from .service_model import RewriteTable
from .wrong import Wrong

#: The provider types of ours whose ``issuer`` is a URL that we call.
ISSUER_TYPES = ("oidc", "bearer")
#: Names of keys whose file holds a secret; a service-account token is one too, but its mode is the kubelet's affair.
SECRET_FILES = ("secret_file", "password_file", "key_file")


def provider_tables(intake: Intake, file: str, tables: Mapping[str, ProviderTable]) -> tuple[PluginTable, ...]:
    """``[identity.NAME]``."""
    found = tuple(
        PluginTable(said.type, name, dict(said.model_extra or {}), intake.path(file), f"identity.{name}") for name, said in tables.items()
    )
    for table in found:
        _check_issuer(intake, file, table)
        _note_files(intake, file, table)
    return found


def audit_tables(intake: Intake, file: str, tables: Mapping[str, AuditTable]) -> tuple[PluginTable, ...]:
    """``[audit.NAME]``. Files that it names are written, not read: nobody watches them."""
    return tuple(
        PluginTable(said.type, name, dict(said.model_extra or {}), intake.path(file), f"audit.{name}", said.required)
        for name, said in tables.items()
    )


def rewrite_tables(intake: Intake, file: str, tables: Iterable[RewriteTable]) -> tuple[PluginTable, ...]:
    """``[[rewrite]]``, in order."""
    found = tuple(
        PluginTable(said.use, said.use, dict(said.model_extra or {}), intake.path(file), f"rewrite.{number}")
        for number, said in enumerate(tables)
    )
    for table in found:
        _note_files(intake, file, table)
    return found


def _check_issuer(intake: Intake, file: str, table: PluginTable) -> None:
    issuer = table.options.get("issuer")
    if table.use not in ISSUER_TYPES or not isinstance(issuer, str):
        return  # a missing one is judged with the rest of the table: a preset may bring it
    key = f"{table.key}.issuer"
    try:
        url = parse_url(issuer, "http", "https")
    except Wrong as refusal:
        intake.complain(file, key, str(refusal), refusal.hint)
        return
    if url.scheme == "http" and url.host not in LOOPBACK_HOSTS:
        intake.complain(file, key, f"http:// works only on loopback, not for {url.host!r}", f"did you mean 'https://{url.host}{url.path}'?")


def _note_files(intake: Intake, file: str, table: PluginTable) -> None:
    """Files that the table names (``file``, ``X_file``) belong to the directory; secrets among them must not be open."""
    for name, value in table.options.items():
        if isinstance(value, str) and value and (name == "file" or name.endswith("_file")):
            intake.files.add(intake.path(value))
            if name.endswith(SECRET_FILES):
                intake.warn_if_open(file, f"{table.key}.{name}", value)
