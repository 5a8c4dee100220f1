"""What does a file of ``services/`` decide? Its draft becomes a service; what its values must be to each other is judged on the way.

The rule: a flawed place is left alone, its own complaint is enough.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..core.places import Upstream
from ..core.policy import AccessSettings, RequestSettings, ResponseSettings, RouteSettings
from ..settings import PoolSettings, ServiceSettings, TimeoutSettings, UpstreamTls
from .certificates import check_ca, check_pair
from .drafts import Draft
from .hosts import is_loopback
from .intake import Intake
from .main_model import MainFile
from .plugin_tables import rewrite_tables
from .service_model import ServiceFile
from .upstreams import mesh_advice

#: The longest path of a Unix socket (sun_path, less its end).
LONGEST_SOCKET_PATH = 107


def build_service(intake: Intake, draft: Draft[ServiceFile], name: str, main: Draft[MainFile]) -> ServiceSettings:
    """The service ``name`` as its file says it."""
    said = draft.said
    upstream = _upstream(intake, draft, main)
    service = ServiceSettings(
        name=name,
        title=said.title or name,
        description=said.description,
        icon=_icon(intake, draft),
        upstream=upstream,
        route=RouteSettings(said.route.host or main.said.public_url.host, said.route.path, said.route.strip_path),
        access=_access(draft),
        request=_request(draft),
        response=ResponseSettings(said.response.locations, tuple(said.response.strip)),
        rewrite=rewrite_tables(intake, draft),
        timeouts=TimeoutSettings(**said.timeouts.model_dump()),
        pool=PoolSettings(**said.pool.model_dump()),
        tls=_tls(intake, draft, upstream),
        file=intake.path(draft.file),
    )
    _check_access(intake, draft)
    _check_host(intake, draft, main)
    return service


def _upstream(intake: Intake, draft: Draft[ServiceFile], main: Draft[MainFile]) -> Upstream:
    upstream = draft.said.upstream
    if draft.flawed("upstream"):
        return upstream
    if upstream.scheme == "unix":
        path = str(intake.path(upstream.path))
        if len(path.encode()) > LONGEST_SOCKET_PATH:
            intake.complain(draft.file, "upstream", f"{path} is too long for a socket: at most {LONGEST_SOCKET_PATH} bytes")
        return replace(upstream, path=path)
    if upstream.scheme == "sample" and not _samples_allowed(main):
        message = "sample: shows everything it receives: allowed where public_url is a loopback address, or with samples = true"
        intake.complain(draft.file, "upstream", message)
    advice = mesh_advice(upstream) if main.said.mesh and not main.flawed("mesh") else None
    if advice:
        intake.warn(draft.file, "upstream", advice)
    return upstream


def _samples_allowed(main: Draft[MainFile]) -> bool:
    doubtful = main.flawed("samples") or main.flawed("public_url")
    return doubtful or main.said.samples or is_loopback(main.said.public_url.host)


def _icon(intake: Intake, draft: Draft[ServiceFile]) -> str:
    """The picture's absolute path. A missing one stops nobody: the tile shows a letter instead."""
    name = draft.said.icon
    if not name or draft.flawed("icon"):
        return ""
    candidates = (intake.path(name), intake.path("icons") / name)
    intake.files.update(candidates)
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        intake.warn(draft.file, "icon", f"{name}: no such file, nor in icons/: the tile goes without a picture")
    return str(found or "")


def _access(draft: Draft[ServiceFile]) -> AccessSettings:
    said = draft.said.access
    return AccessSettings(
        public=said.public,
        authenticated=said.authenticated,
        groups=tuple(said.groups),
        emails=tuple(said.emails),
        domains=tuple(said.domains),
        claims={claim: tuple(values) for claim, values in said.claims.items()},
        providers=tuple(said.providers),
        show=said.show,
        preflight=said.preflight,
    )


def _check_access(intake: Intake, draft: Draft[ServiceFile]) -> None:
    said = draft.said.access
    if draft.flawed("access"):
        return
    rules = bool(said.groups or said.emails or said.domains or said.claims)
    if not (rules or said.authenticated or said.public):
        intake.complain(
            draft.file, "access", "nobody may enter: give groups, emails, domains, claims, or authenticated = true, or public = true"
        )
    if said.public and (rules or said.authenticated or said.providers):
        intake.warn(draft.file, "access.public", "lets everybody in: the other rules of [access] have no effect")
    elif said.authenticated and rules:
        message = "lets everybody in who is logged in: groups, emails, domains and claims have no effect"
        intake.warn(draft.file, "access.authenticated", message)


def _request(draft: Draft[ServiceFile]) -> RequestSettings:
    said = draft.said.request
    return RequestSettings(
        host=said.host,
        origin=said.origin,
        allowed_origins=tuple(said.allowed_origins),
        authorization=said.authorization,
        strip=tuple(said.strip),
        body_bytes=said.body_bytes,
        via=said.via,
    )


def _check_host(intake: Intake, draft: Draft[ServiceFile], main: Draft[MainFile]) -> None:
    if draft.flawed("request.host") or draft.flawed("upstream") or main.flawed("mesh"):
        return
    said = draft.said
    if said.request.host == "preserve" and said.upstream.scheme == "http" and main.said.mesh:
        intake.complain(
            draft.file, "request.host",
            "'preserve' lets browsers choose where a sidecar sends plain http: use 'upstream' or a literal name, or mesh = false",
        )


def _tls(intake: Intake, draft: Draft[ServiceFile], upstream: Upstream) -> UpstreamTls | None:
    """TLS towards the service; every https upstream has it, with the defaults where the file has no table."""
    said, file = draft.said.tls, draft.file
    if said is None:
        return UpstreamTls() if upstream.scheme == "https" else None
    if upstream.scheme != "https" and not draft.flawed("upstream"):
        intake.complain(file, "tls", f"only with https://, and upstream is {upstream.url}")
    if said.spiffe_id and not said.ca_file and not draft.flawed("tls.ca_file"):
        intake.complain(file, "tls.ca_file", "required, and missing: spiffe_id means nothing without the CA of its trust domain")
    if not said.verify:
        intake.warn(file, "tls.verify", "false: whoever answers there is believed, and gets what people send")
    cert_file: Path | None = None
    key_file: Path | None = None
    if said.cert_file and said.key_file:
        cert_file, key_file = check_pair(intake, file, "tls", said.cert_file, said.key_file)
    elif (said.cert_file or said.key_file) and not (draft.flawed("tls.cert_file") or draft.flawed("tls.key_file")):
        missing = "key_file" if said.cert_file else "cert_file"
        intake.complain(file, f"tls.{missing}", "required, and missing: a certificate and its key come together")
    ca_file = check_ca(intake, file, "tls.ca_file", said.ca_file) if said.ca_file else None
    return UpstreamTls(ca_file, said.server_name, said.spiffe_id, cert_file, key_file, said.min_version, said.verify)
