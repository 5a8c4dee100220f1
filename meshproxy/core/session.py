"""What is a session? A login that lasts: who, since when, by which provider, with which tokens.

The record is a value; what a running process keeps beside it (identity fields, open tunnels) lives in
:mod:`meshproxy.sessions.live`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .principal import Principal, Tokens


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session on one host, as it is sealed and stored. Instants are seconds since the epoch.

    :ivar id: 32 random bytes, base64url; a handed-off session has its parent's id (contract §3.3).
    :ivar host: the host whose cookie holds it, or the ``cookie_domain``; a cookie shown to another host counts as none.
    :ivar started_at: when the person logged in (the parent's start for a handed-off session): ``lifetime`` counts from it.
    :ivar seen_at: the last use that was recorded: ``idle_timeout`` counts from it.
    :ivar checked_at: when a handed-off session last asked its parent (``recheck`` counts from it).
    :ivar auth_time: when the person authenticated at the provider.
    :ivar provider: the name of the ``[identity.NAME]`` table.
    :ivar provider_session: the provider's session id (``sid``).
    :ivar ends_at: when the provider wants the login to end, if it said.
    :ivar parent: the host of the session it was handed off from; ``None`` for one that began with a login.
    :ivar version: counts what changed (tokens, principal): of two records with the same id the higher one is the newer.
        In a store it is the store's own count of writes, for compare-and-set.
    :ivar address: from where the person logged in, and ``device`` with which browser: shown in the list of sessions.
    """

    id: str
    host: str
    principal: Principal
    provider: str
    started_at: float
    seen_at: float
    checked_at: float
    auth_time: float
    tokens: Tokens | None = None
    provider_session: str | None = None
    ends_at: float | None = None
    parent: str | None = None
    version: int = 0
    address: str = ""
    device: str = ""
