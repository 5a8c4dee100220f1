"""What may people see in a list of sessions? Whose it is, since when, from where; never what lets anybody in.

In a store it stands beside the session and is sealed with the deployment's keys, while the session itself opens with its cookie alone.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from ..core.session import SessionRecord
from .names import handle_of


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the list.

    :ivar id: the session's handle, by which it is revoked.
    :ivar seen_at: the last use that the store heard of.
    """

    id: str
    issuer: str
    subject: str
    email: str | None
    name: str | None
    provider: str
    started_at: float
    seen_at: float
    expires_at: float
    address: str
    device: str


def summary_of(record: SessionRecord, expires_at: float) -> Summary:
    """The line for a session."""
    who = record.principal
    return Summary(
        handle_of(record.id), who.issuer, who.subject, who.email, who.name, record.provider, record.started_at, record.seen_at, expires_at,
        record.address, record.device,
    )  # fmt: skip


def encode_summary(summary: Summary) -> bytes:
    """As bytes."""
    return json.dumps(astuple(summary), separators=(",", ":")).encode("ascii")


def decode_summary(payload: bytes | None) -> Summary | None:
    """What :func:`encode_summary` wrote, or ``None``."""
    try:
        return Summary(*json.loads(payload or b""))
    except (ValueError, TypeError):
        return None
