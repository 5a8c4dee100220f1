"""What failed, in the words of the diagnosis? The request path's door to :mod:`meshproxy.core.diagnosis`.

The path hands over what it has in hand and knows no mesh; what a sidecar is stands behind this door.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .core.diagnosis import Diagnosis, Situation, diagnose, local_reply, proxies
from .core.evidence import Evidence
from .core.heads import Field
from .settings import ServiceSettings, Settings

if TYPE_CHECKING:
    from .web.relay import Relay


class Diagnosing:
    """Diagnoses for one configuration."""

    def __init__(self, settings: Settings) -> None:
        self._mesh = settings.mesh

    def may_be_local_reply(self, status: int, fields: Iterable[Field], length: int | None, no_body: bool) -> bool:
        """Whether the body of an answer has to be seen before it is known whose it is."""
        return self._mesh and local_reply.may_be(status, fields, length, no_body)

    def is_local_reply(self, status: int, fields: Iterable[Field], body: bytes) -> bool:
        """Whether an answer is a sidecar's beyond doubt."""
        return self._mesh and local_reply.certain(status, fields, body)

    def __call__(self, evidence: Evidence, relay: Relay) -> Diagnosis:
        """The diagnosis of a failed request. Costs some hundred microseconds, so it is for failures alone."""
        return diagnose(evidence, self.situation(relay))

    def passed(self, relay: Relay, status: int, fields: Iterable[Field], length: int | None, no_body: bool) -> tuple[str, str]:
        """Who answered and why, of an answer that passes untouched, by its head alone: for the record of the request.

        Nearly every answer is the service's own, which a look at its fields settles; only what has the form of somebody else's
        is diagnosed.
        """
        if status < 400:
            return "service", "ok"
        names = local_reply.named(fields)
        bare = length == 0 and not no_body
        if (bare and local_reply.is_empty_form(status, names)) or proxies.page_of(status, names, b"", mesh=self._mesh):
            evidence = Evidence(phase="head", end="answered", status=status, fields=tuple(fields), body_complete=bare)
            found = diagnose(evidence, self.situation(relay))
            return found.answered_by, found.cause
        return "service", "service_refused" if status < 500 else "service_error"

    def situation(self, relay: Relay) -> Situation:
        """What was meant to happen with a request."""
        exchange = relay.exchange
        return situation_of(
            relay.service.settings, self._mesh, exchange.upstream_authority, method=relay.method.decode("latin-1"),
            upgrade=relay.facts.upgrade, now=exchange.started_at,
        )


def situation_of(
    service: ServiceSettings, mesh: bool, sent_host: str = "", *, method: str = "GET", upgrade: bool = False, now: float = 0.0,
    waited: float = 0.0, capped: bool = False, identity: str = "",
) -> Situation:
    """What a service's settings mean for a diagnosis.

    :param sent_host: the Host that went upstream; "": as the settings say it.
    """
    host = service.request.host
    configured = service.upstream.authority if host == "upstream" else service.route.host if host == "preserve" else host
    return Situation(
        mesh=mesh, service=service.name, upstream=service.upstream, sent_host=sent_host or configured, public_host=service.route.host,
        method=method, upgrade=upgrade, connect_timeout=service.timeouts.connect, response_timeout=service.timeouts.response, waited=waited,
        capped=capped, now=now, identity=identity,
    )
