"""Do the files of a conf directory fit together? Routes, providers, hosts: what no file can know alone.

The rule: an error is what cannot work or lets nobody, or anybody, in; a warning is what works and will surprise.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..settings import ServiceSettings
from .drafts import Draft
from .hosts import is_loopback
from .intake import Intake
from .main_model import MainFile
from .service_model import ServiceFile
from .wrong import did_you_mean

Pair = tuple[Draft[ServiceFile], ServiceSettings]


def check_routes(intake: Intake, services: Sequence[Pair]) -> None:
    """No two services on one route."""
    taken: dict[tuple[str, str], str] = {}
    for draft, service in services:
        if draft.flawed("route.host") or draft.flawed("route.path"):
            continue
        place = (service.route.host, service.route.path)
        first = taken.setdefault(place, draft.file)
        if first != draft.file:
            intake.complain(draft.file, "route.path" if "path" in draft.raw.get("route", {}) else "route",
                            f"{place[0]}{place[1]} is the route of {first} already")


def check_hosts(intake: Intake, main: Draft[MainFile], services: Sequence[Pair]) -> None:
    """Hosts that browsers reach in the clear, although they are not this machine."""
    if main.flawed("public_url") or main.said.public_url.scheme == "https":
        return
    for draft, service in services:
        if not draft.flawed("route.host") and not is_loopback(service.route.host):
            message = f"public_url is http://: {service.route.host!r} is served in the clear, for trying out alone"
            intake.warn(draft.file, "route.host", message)


def check_providers(intake: Intake, main: Draft[MainFile], services: Sequence[Pair]) -> None:
    """There is a provider where one is needed, and rules name providers that exist."""
    if main.flawed("identity"):
        return
    known = tuple(main.said.identity)
    _check_names(intake, main.file, "operators.providers", main.said.operators.providers, known)
    if main.said.operators.groups and len(known) > 1 and not main.said.operators.providers:
        intake.warn(main.file, "operators.groups", _ANY_PROVIDER, "name them in providers")
    for draft, service in services:
        access = service.access
        _check_names(intake, draft.file, "access.providers", access.providers, known)
        if draft.flawed("access") or access.public:
            continue
        if not known and (access.authenticated or access.groups or access.emails or access.domains or access.claims):
            intake.complain(draft.file, "access", "nobody can log in: meshproxy.toml has no [identity.NAME] table")
        if access.groups and len(known) > 1 and not access.providers:
            intake.warn(draft.file, "access.groups", _ANY_PROVIDER, "name them in providers")


_ANY_PROVIDER = "there are several identity providers, and a group of any of them counts"


def _check_names(intake: Intake, file: str, key: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            intake.complain(file, key, f"there is no [identity.{name}] table", did_you_mean(name, known))


def check_memory(intake: Intake, main: Draft[MainFile], services: Sequence[Pair]) -> None:
    """With the cookie store, what must hold once (tickets, revocations) lives in this process unless it is put somewhere."""
    session = main.said.session
    shared = session.redis_url or session.redis_url_file or session.redis_url_env or main.said.state_dir
    if main.flawed("session") or main.flawed("public_url") or session.store != "cookie" or shared:
        return
    hosts = {main.said.public_url.host, *(service.route.host for _, service in services)}
    why = []
    if len(hosts) > 1:
        why.append("several hosts are handed sessions by tickets that are good once")
    if any(provider.type == "oidc" for provider in main.said.identity.values()):
        why.append("providers end sessions by back-channel logout")
    if why:
        intake.warn(
            main.file, "session.store",
            f"{' and '.join(why)}: with the cookie store, used tickets and ended sessions are forgotten at a restart, unknown to replicas",
            "set redis_url, or state_dir for one replica",
        )
