"""How are sessions kept? ``[session]``: its secrets found, its store's own keys set apart.

The rule: a key that nobody reads is an error; only a plugin's store may bring keys of its own.
"""

from __future__ import annotations

from ..settings import SessionSettings
from .certificates import check_ca
from .complaints import unknown_key
from .drafts import Draft
from .intake import Intake
from .main_model import MainFile
from .redis_address import parse_redis_url
from .secret_values import find_secret, parse_session_keys
from .wrong import Wrong

#: Stores that read no further keys of [session]; those of a plugin's store belong to it.
BUILTIN_STORES = ("cookie", "memory", "redis")
#: Keys that say something about ``redis_url``.
BESIDE_REDIS_URL = {"redis_username", "redis_password", "redis_password_file", "redis_password_env", "redis_ca_file"}


def session(intake: Intake, main: Draft[MainFile]) -> SessionSettings:
    """How sessions are kept: secrets found, the store's own keys set apart."""
    said, file = main.said.session, main.file
    options = dict(said.model_extra or {})
    if said.store in BUILTIN_STORES:
        for name in options:
            intake.complain(file, f"session.{name}", *unknown_key(MainFile, ("session", name)))
        options = {}
    redis_url = _redis_url(intake, main)
    if said.store == "redis" and not redis_url and not any(main.flawed(f"session.redis_{key}") for key in ("url", "url_file", "url_env")):
        intake.complain(file, "session.redis_url", "required, and missing: store = \"redis\"")
    if said.idle_timeout > said.lifetime:
        intake.warn(file, "session.idle_timeout", "is longer than lifetime: a session ends at its lifetime, used or not")
    _check_cookie_domain(intake, main)
    return SessionSettings(
        store=said.store,
        keys=_session_keys(intake, main),
        lifetime=said.lifetime,
        idle_timeout=said.idle_timeout,
        recheck=said.recheck,
        cookie_domain=said.cookie_domain,
        redis_url=redis_url,
        redis_ca_file=check_ca(intake, file, "session.redis_ca_file", said.redis_ca_file) if said.redis_ca_file else None,
        options=options,
    )


def _session_keys(intake: Intake, main: Draft[MainFile]) -> tuple[bytes, ...]:
    said, file = main.said.session, main.file
    text = find_secret(intake, file, "session", "secret", said.secret, said.secret_file, said.secret_env)
    if text is None:
        if not any((said.secret, said.secret_file, said.secret_env, main.flawed("session"))):
            intake.warn(file, "session.secret_file", "no session key: one is made for this run, and its sessions end with it",
                        "`meshproxy new-key > session.key` makes one that stays")
        return ()
    try:
        return parse_session_keys(text)
    except Wrong as refusal:
        source = "secret_file" if said.secret_file else "secret_env" if said.secret_env else "secret"
        intake.complain(file, f"session.{source}", f"{said.secret_file + ': ' if said.secret_file else ''}{refusal}", refusal.hint)
        return ()


def _redis_url(intake: Intake, main: Draft[MainFile]) -> str:
    said, file = main.said.session, main.file
    url = find_secret(intake, file, "session", "redis_url", said.redis_url, said.redis_url_file, said.redis_url_env)
    password = find_secret(
        intake, file, "session", "redis_password", said.redis_password, said.redis_password_file, said.redis_password_env
    )
    if url is None:
        if not any(main.flawed(f"session.{name}") for name in ("redis_url", "redis_url_file", "redis_url_env")):
            for name in sorted(said.model_fields_set & BESIDE_REDIS_URL):
                intake.complain(file, f"session.{name}", "means nothing without redis_url")
        return ""
    try:
        return parse_redis_url(url, said.redis_username, password)
    except Wrong as refusal:
        intake.complain(file, "session.redis_url", str(refusal), refusal.hint)
        return ""


def _check_cookie_domain(intake: Intake, main: Draft[MainFile]) -> None:
    domain, origin = main.said.session.cookie_domain, main.said.public_url
    if not domain or main.flawed("public_url") or main.flawed("session.cookie_domain"):
        return
    if origin.host != domain and not origin.host.endswith("." + domain):
        message = f"{origin.host!r}, the host of public_url, is not in {domain!r}: browsers would refuse the cookie"
        intake.complain(main.file, "session.cookie_domain", message)
    elif origin.scheme != "https":
        intake.complain(main.file, "session.cookie_domain", "needs https: the cookie of a whole domain is never sent in the clear")
