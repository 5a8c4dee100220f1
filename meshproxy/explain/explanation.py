"""What is told about a request? One value, in the form of the contract, read by the table and by ``--json`` alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..core.disposition import FieldTrace
from ..core.principal import Principal
from ..core.routing import Loser

FORWARD, CHALLENGE, REFUSE, UPSTREAM_FAILED = 0, 2, 3, 4

#: causes of an answer that the service gave on purpose: the upstream did not fail
_ANSWERED = frozenset(("ok", "service_refused"))


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What goes (or would go, or went) upstream.

    :ivar sni: the server name in the TLS handshake, ``None`` without TLS and for addresses.
    :ivar head: the whole head, secrets redacted.
    """

    request_line: str
    host: str
    sni: str | None
    head: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """One request explained.

    :ivar status: what the client gets when it is not ``forward``; ``None`` where a page of meshproxy's own answers.
    :ivar access: every rule of the service's ``[access]`` in words, and whether it is met.
    :ivar losers: the routes that were not taken, and why.
    :ivar needs: the groups any of which would do.
    :ivar answer: with ``--send`` the service's answer: status and fields, redacted.
    :ivar diagnosis: with ``--send``, in the form of diagnosis.md §1.
    :ivar notes: what else is worth knowing, in sentences.
    """

    url: str
    method: str
    verdict: Literal["forward", "challenge", "refuse"]
    status: int | None
    reason: str
    service: str | None = None
    route: tuple[str, str] | None = None
    principal: Principal | None = None
    upstream: UpstreamRequest | None = None
    upstream_url: str = ""
    fields: tuple[FieldTrace, ...] = ()
    access: tuple[tuple[str, bool], ...] = ()
    losers: tuple[Loser, ...] = ()
    needs: tuple[str, ...] = ()
    answer: tuple[int, tuple[tuple[str, str], ...]] | None = None
    diagnosis: dict[str, Any] | None = None
    curl: str = ""
    notes: tuple[str, ...] = ()
    request_id: str = ""

    @property
    def exit_status(self) -> int:
        """Of the command (contract §1)."""
        if self.verdict == "challenge":
            return CHALLENGE
        if self.verdict == "refuse":
            return REFUSE
        return FORWARD if self.diagnosis is None or self.diagnosis["cause"] in _ANSWERED else UPSTREAM_FAILED

    def as_dict(self) -> dict[str, Any]:
        """As ``explain --json`` prints it (diagnosis.md §4); what stands beside the promised keys may grow."""
        who, up = self.principal, self.upstream
        told: dict[str, Any] = {
            "verdict": self.verdict,
            "status": self.status,
            "reason": self.reason,
            "service": self.service,
            "route": None if self.route is None else {"host": self.route[0], "path": self.route[1]},
            "principal": None if who is None else {
                "issuer": who.issuer, "subject": who.subject, "email": who.email, "groups": list(who.groups),
                "name": who.name, "username": who.username, "provider": who.provider, "email_verified": who.email_verified,
            },
            "upstream": None if up is None else {"request_line": up.request_line, "host": up.host, "sni": up.sni},
            "fields": [
                {"name": one.name, "action": one.action, "value": one.value, "by": one.by, "why": one.why} for one in self.fields
            ],
            "diagnosis": self.diagnosis,
            "access": [{"rule": words, "met": met} for words, met in self.access],
            "needs": {"groups": list(self.needs)},
            "losers": [{"service": one.service, "host": one.host, "path": one.path, "why": one.why} for one in self.losers],
            "notes": list(self.notes),
        }
        if self.answer is not None:
            told["answer"] = {"status": self.answer[0], "fields": [{"name": name, "value": value} for name, value in self.answer[1]]}
        if self.curl:
            told["curl"] = self.curl
        if self.request_id:
            told["request_id"] = self.request_id
        return told
