"""What else does ``meshproxy.toml`` decide? Small tables and single keys, as settings.

The rule: paths become absolute here, so that nothing later asks where it was started.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from ..settings import LimitSettings, LogSettings, Network, OperatorSettings
from .drafts import Draft
from .intake import Intake
from .main_model import MainFile

SIDECAR_NETWORK = IPv4Network("127.0.0.6/32")
SIDECAR_ADMIN = "http://127.0.0.1:15000"


def log(intake: Intake, main: Draft[MainFile]) -> LogSettings:
    """Logs, the file's path absolute."""
    said = main.said.log
    return LogSettings(said.level, said.access, intake.path(said.file) if said.file else None)


def operators(main: Draft[MainFile]) -> OperatorSettings:
    """Who sees diagnoses."""
    said = main.said.operators
    return OperatorSettings(tuple(said.groups), tuple(said.emails), tuple(said.providers))


def state_dir(intake: Intake, main: Draft[MainFile]) -> Path | None:
    """Where things survive a restart; it need not be there yet, but nothing else may stand in its place."""
    if not main.said.state_dir:
        return None
    path = intake.path(main.said.state_dir)
    if path.exists() and not path.is_dir():
        intake.complain(main.file, "state_dir", f"{main.said.state_dir} is not a directory")
    return path


def limits(main: Draft[MainFile]) -> LimitSettings:
    """What one connection, one head, one body may cost."""
    return LimitSettings(**main.said.limits.model_dump())


def control(intake: Intake, main: Draft[MainFile]) -> str:
    """The control socket's path, "" for the default place."""
    return str(intake.path(main.said.control)) if main.said.control else ""


def trusted(main: Draft[MainFile]) -> tuple[tuple[Network, ...], tuple[str, ...]]:
    """Whose ``X-Forwarded-*`` are believed: networks, and SPIFFE ids."""
    peers = main.said.trusted_peers
    return tuple(peer for peer in peers if not isinstance(peer, str)), tuple(peer for peer in peers if isinstance(peer, str))


def sidecar(main: Draft[MainFile]) -> tuple[tuple[Network, ...], str]:
    """Where our own sidecar's connections come from, and its admin; in a mesh both have the places that Istio gives them."""
    said = main.said
    networks = said.sidecar_peers if said.sidecar_peers is not None else [SIDECAR_NETWORK] if said.mesh else []
    admin = said.sidecar_admin if said.sidecar_admin is not None else SIDECAR_ADMIN if said.mesh else ""
    return tuple(networks), admin
