"""What does a conf directory say? All its files, read once, as one value, or all that is wrong with them.

The rule: settings exist only without problems. Reading has no effect on anything: ``check``, a start and a reload are the same call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..problems import ConfError, Problem
from ..settings import Settings
from . import cross_checks, listen_section, main_file, session_section
from .drafts import Draft, read_draft
from .intake import Intake
from .kinds import parse_name
from .main_model import MainFile
from .plugin_tables import audit_tables, provider_tables
from .service_file import build_service
from .service_model import ServiceFile
from .wrong import Wrong

MAIN = "meshproxy.toml"
SERVICES = "services"


@dataclass(frozen=True, slots=True)
class Survey:
    """A conf directory as far as it can be read.

    :ivar settings: to be run only without problems; what is wrong has its default in them, or is left out, so that what plugins
        read of the rest can be checked nevertheless.
    """

    settings: Settings
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A conf directory that can be used, and what about it will surprise."""

    settings: Settings
    warnings: tuple[Problem, ...]


def load(conf_dir: Path, *, environ: Mapping[str, str] = os.environ) -> Loaded:
    """Read a conf directory.

    What belongs to plugins (``type``, ``use``, the keys that they read) is checked by the plugin host afterwards.

    :param environ: where the ``X_env`` keys look.
    :raises ConfError: with every problem of every file, those of ``meshproxy.toml`` first.
    """
    surveyed = survey(conf_dir, environ=environ)
    if surveyed.problems:
        raise ConfError(surveyed.problems, surveyed.settings.files)
    return Loaded(surveyed.settings, surveyed.warnings)


def survey(conf_dir: Path, *, environ: Mapping[str, str] = os.environ) -> Survey:
    """The same for who has more to check: problems are returned, with the settings as far as they go.

    :raises ConfError: there is no such directory.
    """
    intake = Intake(conf_dir.absolute(), environ)
    if not intake.conf_dir.is_dir():
        raise ConfError([Problem(str(conf_dir), "", "no such directory")])
    main = read_draft(intake, MAIN, MainFile)
    settings = _build(intake, main, _read_services(intake))
    return Survey(settings, _ordered(intake.problems), _ordered(intake.warnings))


def _read_services(intake: Intake) -> list[tuple[str, Draft[ServiceFile]]]:
    """Every ``services/NAME.toml`` with its name; what an editor or the kubelet leaves beside them (dot files) does not count."""
    try:
        found = sorted(path for path in intake.path(SERVICES).iterdir() if path.suffix == ".toml" and not path.name.startswith("."))
    except FileNotFoundError:
        found = []
    except OSError as error:
        intake.complain(SERVICES, "", f"cannot be read: {error.strerror}")
        found = []
    drafts = []
    for path in found:
        file = f"{SERVICES}/{path.name}"
        try:
            parse_name(path.stem)
        except Wrong as refusal:
            intake.complain(file, "", f"the file's name is the service's: {refusal}", refusal.hint)
        drafts.append((path.stem, read_draft(intake, file, ServiceFile)))
    if not drafts:
        intake.warn(SERVICES, "", "there is no service: services/NAME.toml makes one")
    return drafts


def _build(intake: Intake, main: Draft[MainFile], drafts: list[tuple[str, Draft[ServiceFile]]]) -> Settings:
    said = main.said
    networks, spiffe_ids = main_file.trusted(main)
    sidecar_networks, sidecar_admin = main_file.sidecar(main)
    listen = listen_section.listeners(intake, main)
    tls = listen_section.listen_tls(intake, main)
    session = session_section.session(intake, main)
    identity = provider_tables(intake, main)
    services = [(draft, build_service(intake, draft, name, main)) for name, draft in drafts]
    cross_checks.check_routes(intake, services)
    cross_checks.check_hosts(intake, main, services)
    cross_checks.check_providers(intake, main, services)
    cross_checks.check_memory(intake, main, services)
    return Settings(
        conf_dir=intake.conf_dir,
        public_url=said.public_url,
        services=tuple(service for _, service in services),
        identity=identity,
        audit=audit_tables(intake, main),
        listen=listen,
        admin_listen=listen_section.admin_listener(intake, main),
        control=main_file.control(intake, main),
        state_dir=main_file.state_dir(intake, main),
        trusted_networks=networks,
        trusted_spiffe_ids=spiffe_ids,
        mesh=said.mesh,
        sidecar_networks=sidecar_networks,
        sidecar_admin=sidecar_admin,
        samples=said.samples,
        log=main_file.log(intake, main),
        operators=main_file.operators(main),
        session=session,
        limits=main_file.limits(main),
        tls=tls,
        files=frozenset(intake.files),
    )


def _ordered(findings: list[Problem]) -> tuple[Problem, ...]:
    """By file, ``meshproxy.toml`` first; within a file as they were found; none twice."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: (finding.file != MAIN, str(finding.file))))
