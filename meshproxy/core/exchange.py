"""What happened with one request? The record that audit, access log, metrics and inspector read.

It is filled as the request goes, from values that are in hand anyway, and given to the observers once, at the end.
Nothing on the request's way calls an observer, and no observer changes the record.
"""

from __future__ import annotations

from .heads import Field
from .peer import Peer
from .principal import Principal


class Exchange:
    """One request and what became of it. A plain slotted class: it is made once a request on the hot path.

    Instants are seconds since the epoch (``started_at``) or seconds of the reactor's clock; sizes are bytes on the
    wire of the body, before any transfer coding. Fields that a request never reached keep their default.
    """

    __slots__ = (
        "answered_by", "authority", "body_in_bytes", "body_out_bytes", "cause", "challenged", "client", "diagnosis",
        "duration", "event", "evidence", "fields", "forwarded_for", "method", "outgoing_head", "peer", "principal", "reason",
        "request_id", "scheme", "service", "session_id", "started_at", "status", "target", "tunnel", "upstream_authority",
        "upstream_duration", "upstream_status",
    )

    def __init__(self, request_id: bytes, method: bytes, target: bytes, authority: str, peer: Peer, started_at: float) -> None:
        #: the id that the response carries in ``X-Request-Id``
        self.request_id = request_id
        self.method = method
        self.target = target
        #: the authority the client asked for, as routed (``host[:port]``, lower case)
        self.authority = authority
        self.scheme = "http"
        self.peer = peer
        #: the client's address: the peer's, or who a trusted peer says it is
        self.client = peer.address
        #: the value of ``X-Forwarded-For`` where a trusted peer's chain is continued; else "": the connection's own
        self.forwarded_for = b""
        self.started_at = started_at
        #: ``request.forwarded``, ``request.challenged``, ``request.refused``, ``request.failed``, or "" (own pages)
        self.event = ""
        #: why, for people: "group devs", "no session", "Origin is another site's"
        self.reason = ""
        self.service = ""
        self.principal: Principal | None = None
        self.session_id = ""
        self.challenged = False
        #: the status the client got; 0 while there is none
        self.status = 0
        #: the Host that went upstream; "" when nothing did
        self.upstream_authority = ""
        self.upstream_status = 0
        #: ``answered_by`` and ``cause`` of diagnosis.md §2 and §3
        self.answered_by = "meshproxy"
        self.cause = ""
        self.body_in_bytes = 0
        self.body_out_bytes = 0
        #: seconds from the head to the last byte; of the upstream until its head
        self.duration = 0.0
        self.upstream_duration = 0.0
        self.tunnel = False
        #: the incoming fields and the head that went upstream, by reference; redacted by whoever stores or shows them
        self.fields: tuple[Field, ...] | list[Field] = ()
        self.outgoing_head = b""
        #: :class:`meshproxy.core.evidence.Evidence` of a failed upstream, and the diagnosis made of it
        self.evidence: object | None = None
        self.diagnosis: object | None = None
