"""Which tables belong to plugins? Each as its plugin gets it: the known keys read, the rest as it stands.

The rule: what a plugin's own keys mean is the plugin's affair and checked by the plugin host; here is noted only which files change it.
A table that does not say which plugin it is for is nobody's, and left out.
"""

from __future__ import annotations

from ..settings import PluginTable
from .drafts import Draft
from .intake import Intake
from .main_model import MainFile
from .service_model import ServiceFile


def provider_tables(intake: Intake, main: Draft[MainFile]) -> tuple[PluginTable, ...]:
    """``[identity.NAME]``."""
    file = intake.path(main.file)
    found = tuple(
        PluginTable(said.type, name, dict(said.model_extra or {}), file, f"identity.{name}")
        for name, said in main.said.identity.items()
        if not main.flawed(f"identity.{name}.type")
    )
    for table in found:
        _note_files(intake, table)
    return found


def audit_tables(intake: Intake, main: Draft[MainFile]) -> tuple[PluginTable, ...]:
    """``[audit.NAME]``. Files that it names are written, not read: nobody watches them."""
    file = intake.path(main.file)
    return tuple(
        PluginTable(said.type, name, dict(said.model_extra or {}), file, f"audit.{name}", said.required)
        for name, said in main.said.audit.items()
        if not main.flawed(f"audit.{name}.type")
    )


def rewrite_tables(intake: Intake, draft: Draft[ServiceFile]) -> tuple[PluginTable, ...]:
    """``[[rewrite]]``, in order."""
    file = intake.path(draft.file)
    found = tuple(
        PluginTable(said.use, said.use, dict(said.model_extra or {}), file, f"rewrite.{number}")
        for number, said in enumerate(draft.said.rewrite)
        if not draft.flawed(f"rewrite.{number}.use")
    )
    for table in found:
        _note_files(intake, table)
    return found


def _note_files(intake: Intake, table: PluginTable) -> None:
    """Files that the table names (``file``, ``X_file``) belong to the directory; whether they can be used, their plugin says."""
    for name, value in table.options.items():
        if isinstance(value, str) and value and (name == "file" or name.endswith("_file")):
            intake.files.add(intake.path(value))
