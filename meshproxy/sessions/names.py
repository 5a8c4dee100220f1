"""By which names is a session found, besides its cookie? By its handle, and by what the provider calls it or the person.

The rule: names are hashes. A handle is shown to operators and stands in logs, a tag stands in stores; neither tells who it is about, and
neither lets anybody in.
"""

from __future__ import annotations

import json
from hashlib import sha256

from ..core.session import SessionRecord

EVERYBODY = "all"
"""The revocation of all sessions there are."""


def handle_of(session_id: str) -> str:
    """The session's public name, 32 hexadecimal digits; also its key in a store."""
    return sha256(session_id.encode()).hexdigest()[:32]


def handle_tag(handle: str) -> str:
    """The revocation of one session, on every host."""
    return "id:" + handle


def sid_tag(issuer: str, provider_session: str) -> str:
    """The sessions that began with one session at the provider."""
    return "sid:" + _hash(issuer, provider_session)


def principal_tag(issuer: str, subject: str) -> str:
    """The sessions of one principal."""
    return "sub:" + _hash(issuer, subject)


def subject_tag(subject: str) -> str:
    """The sessions of everybody whom some provider calls by that subject: operators name people so."""
    return "name:" + _hash(subject)


def tags_of(record: SessionRecord) -> tuple[str, ...]:
    """The tags under which a store keeps the session."""
    who = record.principal
    tags = (principal_tag(who.issuer, who.subject), subject_tag(who.subject))
    return (*tags, sid_tag(who.issuer, record.provider_session)) if record.provider_session else tags


def revocations_of(record: SessionRecord) -> tuple[str, ...]:
    """The names under which this session may have been revoked."""
    return (handle_tag(handle_of(record.id)), *tags_of(record), EVERYBODY)


def _hash(*parts: str) -> str:
    return sha256(json.dumps(parts).encode("ascii")).hexdigest()[:32]
