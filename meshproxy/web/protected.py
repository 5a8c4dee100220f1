"""What is known of a service before the first request comes? Everything that start-up can compute, in one place.

A :class:`ProtectedService` is made once per service and configuration; a request only reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.access import Allowed, Denied, judge
from ..core.answering import AnswerPlan
from ..core.forwarding import ForwardingPlan

if TYPE_CHECKING:
    from ..core.places import Origin
    from ..core.ports import UpstreamPool
    from ..core.principal import Principal, SignedIn
    from ..rewriting import Rewriting
    from ..settings import ServiceSettings


class Admission:
    """What a service holds of one principal: the access verdict and the identity fields as ready bytes.

    Kept with the session, so that the usual request neither judges nor computes anything.

    :ivar allowed: whether the access rule lets the principal in, as :func:`meshproxy.core.access.judge` said it.
    :ivar identity: the identity fields, each line with its CRLF.
    :ivar valid_until: when they must be computed anew; infinity when only a new session changes them.
    """

    __slots__ = ("access", "allowed", "identity", "service", "valid_until")

    def __init__(self, service: ProtectedService, access: Allowed | Denied, identity: bytes, valid_until: float) -> None:
        self.service = service
        self.access = access
        self.allowed = isinstance(access, Allowed)
        self.identity = identity
        self.valid_until = valid_until


class ProtectedService:
    """One service, compiled: who may enter, what goes up, what comes down, and the connections to it."""

    __slots__ = (
        "access",
        "allowed_origins",
        "anonymous",
        "answers",
        "body_bytes",
        "forwarding",
        "name",
        "origin_policy",
        "pool",
        "public_origin",
        "rewriting",
        "settings",
        "upstream_authority",
    )

    def __init__(
        self,
        settings: ServiceSettings,
        public: Origin,
        rewriting: Rewriting,
        pool: UpstreamPool,
        *,
        managed: frozenset[bytes],
        cookie_name: bytes,
        body_bytes: int,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self.access = settings.access
        self.rewriting = rewriting
        self.pool = pool
        self.forwarding = ForwardingPlan(settings, public, managed, rewriting.managed, cookie_name)
        self.answers = AnswerPlan(settings, public, cookie_name)
        self.public_origin = str(public)
        self.allowed_origins = frozenset(origin.lower().encode("ascii") for origin in settings.request.allowed_origins)
        self.body_bytes = body_bytes if settings.request.body_bytes is None else settings.request.body_bytes
        host = settings.request.host
        self.upstream_authority = settings.upstream.authority if host == "upstream" else "" if host == "preserve" else host
        #: what holds for a request without principal
        self.anonymous = Admission(self, judge(settings.access, None), b"", float("inf"))

    def admit(self, principal: Principal, signed_in: SignedIn) -> Admission:
        """Judge a principal and compute their identity fields.

        Raises :class:`meshproxy.api.Refused` and :class:`meshproxy.rewriting.RewriterFailed`, as the rewriters do.
        """
        access = judge(self.access, principal)
        if not isinstance(access, Allowed):
            return Admission(self, access, b"", float("inf"))
        block = self.rewriting.identity(signed_in)
        return Admission(self, access, block.lines, float("inf") if block.valid_until is None else block.valid_until)
