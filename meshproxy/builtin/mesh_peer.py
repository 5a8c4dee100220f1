"""``mesh``: a workload that calls through the mesh is who its certificate says.

The rule: only what the connection itself proved counts. ``peer.spiffe_id`` is set by meshproxy from the verified client certificate, or
from the last element of a believed X-Forwarded-Client-Cert, never from what a request merely says.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from meshproxy.api import Authenticated, Context, IncomingRequest, Peer, Principal, hookimpl, settings_of


def _spiffe_id(text: str) -> str:
    trust_domain, slash, path = text.removeprefix("spiffe://").partition("/")
    if not text.startswith("spiffe://") or not trust_domain or not slash or not path:
        raise ValueError("not a SPIFFE id (spiffe://TRUST-DOMAIN/PATH)")
    return text


class MeshPeer:
    """Makes a principal of the peer's SPIFFE id: issuer ``mesh``, no groups."""

    name = "mesh"
    consumes: tuple[bytes, ...] = ()

    class Settings(BaseModel):
        """``ignore`` names peers that bring other people's requests: ingress gateways. Their identity says nothing about who is asking."""

        ignore: list[Annotated[str, AfterValidator(_spiffe_id)]] = Field(default_factory=list)

    def __init__(self, settings: Settings, context: Context) -> None:
        self._provider = context.name
        self._ignored = frozenset(settings_of(self.Settings, settings).ignore)

    def authenticate(self, request: IncomingRequest, peer: Peer) -> Authenticated | None:
        """The peer's own identity, or ``None`` for a peer without one."""
        if peer.spiffe_id is None or peer.spiffe_id in self._ignored:
            return None
        return Authenticated(Principal(issuer="mesh", subject=peer.spiffe_id, provider=self._provider))


@hookimpl
def meshproxy_identity_providers() -> list[type]:
    """Registers ``mesh``."""
    return [MeshPeer]
