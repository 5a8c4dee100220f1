"""Records of requests, as the observers get them."""

from __future__ import annotations

from typing import Any

from meshproxy.core.exchange import Exchange
from meshproxy.core.peer import Peer
from meshproxy.core.principal import Principal

ALICE = Principal(
    "https://idp.example", "alice-1", email="alice@example.com", name="Alice", provider="corp", email_verified=True,
    claims={"secret": "claim"},
)


def exchange(**changes: Any) -> Exchange:
    """A request that alice made to grafana and that the service answered; ``changes`` are set on it."""
    made = Exchange(b"5f00000001", b"GET", b"/grafana/d/1?token=s3cret", "apps.example.com", Peer("10.0.0.7", 5000), 1_790_000_000.25)
    made.event = "request.forwarded"
    made.reason = "group devs"
    made.service = "grafana"
    made.principal = ALICE
    made.status = made.upstream_status = 200
    made.upstream_authority = "grafana.monitoring.svc.cluster.local:3000"
    made.answered_by = "service"
    made.cause = "ok"
    made.duration = 0.0125
    made.body_out_bytes = 98
    made.fields = [(b"Cookie", b"meshproxy=s3cret"), (b"Authorization", b"Bearer s3cret")]
    for name, value in changes.items():
        setattr(made, name, value)
    return made
