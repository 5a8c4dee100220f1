"""How is a session written down? As compact JSON with a version, the same for a cookie and for a store.

The rules: what was written by another version, or is no session at all, reads as ``None``; and a session that is too big for where it is
kept gets smaller in one known order (:func:`slimmer`), so that the same login is kept alike on every replica.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from .principal import Principal, Tokens
from .session import SessionRecord

_FORMAT = 1
_REFERENCE_FORMAT = 1
_SPARED_CLAIM_BYTES = 256
"""Claims that take less than this as JSON are never dropped: access rules and rewriters live on small ones."""
_NOBODYS_CLAIMS = frozenset({"at_hash", "c_hash", "s_hash", "nonce"})
"""Claims that only the check of the ID token itself reads."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the cookie of a session in a store holds: which session, and the key without which the store's value does not open.

    :ivar id: the session's id (:attr:`SessionRecord.id`).
    :ivar secret: 32 bytes; they exist in the cookie alone.
    :ivar host: the host whose cookie it is, or the ``cookie_domain``.
    :ivar issued_at: when the cookie was written.
    """

    id: str
    secret: bytes
    host: str
    issued_at: float

    def __repr__(self) -> str:
        return f"<Reference host={self.host!r}>"


def encode_session(record: SessionRecord) -> bytes:
    """The record as bytes."""
    who, tokens = record.principal, record.tokens
    claims = {name: value for name, value in who.claims.items() if name not in _NOBODYS_CLAIMS}
    return _dump({
        "f": _FORMAT, "i": record.id, "h": record.host, "p": record.provider, "s": record.started_at, "u": record.seen_at,
        "c": record.checked_at, "a": record.auth_time, "q": record.provider_session, "e": record.ends_at, "r": record.parent,
        "n": record.version, "x": record.address, "d": record.device,
        "t": tokens and [tokens.access, tokens.id, tokens.refresh, tokens.expires_at, tokens.id_expires_at, tokens.scope],
        "w": [who.issuer, who.subject, who.email, who.name, who.username, who.groups, who.provider, who.email_verified, claims],
    })


def decode_session(payload: bytes) -> SessionRecord | None:
    """The record that :func:`encode_session` wrote, or ``None``."""
    try:
        found = json.loads(payload)
        if found["f"] != _FORMAT:
            return None
        issuer, subject, email, name, username, groups, provider, verified, claims = found["w"]
        principal = Principal(issuer, subject, email, name, username, tuple(groups), provider, bool(verified), claims)
        tokens = Tokens(*found["t"]) if found["t"] else None
        return SessionRecord(
            id=found["i"], host=found["h"], principal=principal, provider=found["p"], started_at=float(found["s"]),
            seen_at=float(found["u"]), checked_at=float(found["c"]), auth_time=float(found["a"]), tokens=tokens,
            provider_session=found["q"], ends_at=found["e"], parent=found["r"], version=int(found["n"]), address=found["x"],
            device=found["d"],
        )
    except (ValueError, TypeError, KeyError):
        return None


def encode_reference(reference: Reference) -> bytes:
    """The reference as bytes."""
    return _dump({"f": _REFERENCE_FORMAT, "i": reference.id, "k": reference.secret.hex(), "h": reference.host, "t": reference.issued_at})


def decode_reference(payload: bytes) -> Reference | None:
    """The reference that :func:`encode_reference` wrote, or ``None``."""
    try:
        found = json.loads(payload)
        if found["f"] != _REFERENCE_FORMAT:
            return None
        return Reference(found["i"], bytes.fromhex(found["k"]), found["h"], float(found["t"]))
    except (ValueError, TypeError, KeyError):
        return None


def slimmer(record: SessionRecord, needed: Collection[str] = ("id", "access")) -> Iterator[SessionRecord]:
    """The record, then the same with less and less in it, until nothing may be left out any more.

    First the ID token goes and then the access token, each only if no rewriter needs it (``needed``); the refresh token stays. Then the
    claims go, the biggest first, down to those that cost next to nothing; what the principal's own attributes say stays.
    """
    yield record
    tokens = record.tokens
    if tokens is not None:
        if tokens.id and "id" not in needed:
            tokens = replace(tokens, id=None)
            record = replace(record, tokens=tokens)
            yield record
        if tokens.access and "access" not in needed:
            record = replace(record, tokens=replace(tokens, access=None))
            yield record
    claims = dict(record.principal.claims)
    for name in _biggest_first(claims):
        del claims[name]
        record = replace(record, principal=replace(record.principal, claims=dict(claims)))
        yield record


def left_out(before: SessionRecord, after: SessionRecord) -> list[str]:
    """What :func:`slimmer` took away, in words without a value: for the log."""
    had, has = before.tokens or Tokens(), after.tokens or Tokens()
    gone = [f"the {name} token" for name in ("id", "access") if getattr(had, name) and not getattr(has, name)]
    return gone + [f"the claim {name}" for name in before.principal.claims if name not in after.principal.claims]


def _biggest_first(claims: Mapping[str, object]) -> list[str]:
    sizes = {name: len(_dump(value)) for name, value in claims.items()}
    return sorted((name for name, size in sizes.items() if size >= _SPARED_CLAIM_BYTES), key=lambda name: (-sizes[name], name))


def _dump(value: object) -> bytes:
    """JSON in ASCII: text of any kind survives, lone surrogates too. What is no JSON (a plugin's date in a claim) becomes its text."""
    return json.dumps(value, separators=(",", ":"), default=str).encode("ascii")
