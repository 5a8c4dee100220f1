"""Who has come in, and how is it written down? Connections, request ids, and the record that each request gets.

What a trusted peer claims about the client is believed here, when the record is made, and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger
from twisted.web.http import datetimeToString

from ..core.authority import parse_authority
from ..core.exchange import Exchange

if TYPE_CHECKING:
    from ..core.heads import Field
    from ..core.inspection import Facts
    from ..core.trust import Trust
    from ..settings import LimitSettings
    from .tunnelling import Tunnelling


class Reception:
    """What is in hand for every request before anything is decided about it."""

    log = Logger()

    def __init__(self, reactor: Any, observers: Iterable[Callable[[Exchange], None]], request_ids: str) -> None:
        self.reactor = reactor
        self.seconds: Callable[[], float] = reactor.seconds
        self.observers = tuple(observers)
        self.channels: set[Any] = set()
        self.tunnels: set[Tunnelling] = set()
        self.trust: Trust
        self.limits: LimitSettings
        #: no keep-alive any more: the process is about to end
        self.draining = False
        self._per_peer: Counter[str] = Counter()
        self._id_prefix = request_ids.encode("ascii")
        self._id_count = 0
        self._date_at = -1
        self._date = b""

    # ---------------------------------------------------------------- small things in hand for every request

    def next_request_id(self) -> bytes:
        """An id that no other request of any process has: a random prefix and a counter."""
        self._id_count += 1
        return b"%b%08x" % (self._id_prefix, self._id_count)

    def date(self) -> bytes:
        """The ``Date`` of now, formatted once a second."""
        now = int(self.seconds())
        if now != self._date_at:
            self._date_at, self._date = now, datetimeToString(now)
        return self._date

    def connection_opened(self, channel: Any) -> None:
        """Count a connection; the ones over the limits are not built at all (:class:`meshproxy.web.site.MeshSite`)."""
        self.channels.add(channel)
        self._per_peer[channel.peer.address] += 1

    def connection_closed(self, channel: Any) -> None:
        """It is gone."""
        self.channels.discard(channel)
        address = channel.peer.address
        self._per_peer[address] -= 1
        if self._per_peer[address] <= 0:
            del self._per_peer[address]

    def connections_of(self, address: str) -> int:
        """How many connections an address has open."""
        return self._per_peer[address]

    def tunnel_opened(self, relay: Tunnelling) -> None:
        """Count a tunnel."""
        self.tunnels.add(relay)

    def tunnel_closed(self, relay: Tunnelling) -> None:
        """It is gone."""
        self.tunnels.discard(relay)

    # ---------------------------------------------------------------- a request arrives

    def exchange_for(self, channel: Any, method: bytes, target: bytes, fields: list[Field], facts: Facts) -> Exchange:
        """The record of a request; what a trusted peer claims about the client is believed here, and only here.

        It changes ``facts.host``, ``facts.port`` and ``facts.authority`` where a trusted peer says so.
        """
        peer = channel.peer
        exchange = Exchange(b"", method, target, facts.authority, peer, self.seconds())
        exchange.fields = fields
        exchange.scheme = channel.scheme
        if peer.trusted or peer.sidecar:
            self._believe(exchange, facts)
        exchange.authority = facts.authority
        if not exchange.request_id:
            exchange.request_id = self.next_request_id()
        return exchange

    def _believe(self, exchange: Exchange, facts: Facts) -> None:
        """What a trusted peer (or our sidecar, of a trusted one) says about the client counts as if the client were here."""
        claimed = self.trust.claimed(exchange.peer, exchange.fields)
        exchange.peer = replace(exchange.peer, trusted=claimed.trusted, spiffe_id=claimed.spiffe_id)
        if not claimed.trusted:
            return
        exchange.client = claimed.client
        exchange.forwarded_for = self.trust.forwarded_for(exchange.peer, claimed)
        exchange.request_id = claimed.request_id or b""
        exchange.scheme = claimed.scheme or exchange.scheme
        if claimed.host is not None:
            try:
                facts.host, facts.port = parse_authority(claimed.host.encode("ascii"))
            except ValueError:
                return  # what the peer wrote is no host; the Host it sent is
            facts.authority = facts.host if facts.port is None else f"{facts.host}:{facts.port}"

    def exchange_of_request(self, lane: Any, request: Any, fields: list[Field], facts: Facts | None) -> Exchange:
        """The record of a request that came through a plain ``Site``."""
        address = request.getClientAddress()
        peer = self.trust.peer(getattr(address, "host", None) or "unix", getattr(address, "port", 0))
        lane.peer = peer
        if facts is not None:
            return self.exchange_for(lane, request.method, request.uri, fields, facts)
        return Exchange(self.next_request_id(), request.method, request.uri, "", peer, self.seconds())

    def record(self, exchange: Exchange) -> None:
        """Give a complete record to every observer; one that breaks is logged and keeps nobody else from it."""
        exchange.duration = max(self.seconds() - exchange.started_at, 1e-6)
        for observer in self.observers:
            try:
                observer(exchange)
            except Exception:
                self.log.failure("an observer broke")
