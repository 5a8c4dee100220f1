"""What does a relay do after a verified 101? Bytes pass as they are, each direction ends by itself (RFC 6455, RFC 9110 §7.8).

Nothing is parsed but the frame headers of what the service sends, so that a close frame of ours never lands inside one of its.
A tunnel ends when both directions have, when either side is gone, or with the session that opened it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.websocket import FrameTracker, close_frame

if TYPE_CHECKING:
    from ..core.exchange import Exchange
    from ..core.heads import Field
    from ..core.ports import UpstreamExchange
    from .gateway import Gateway
    from .lane import Lane
    from .protected import ProtectedService

_CLOSE_CODES = {"going away": 1001}
_POLICY_VIOLATION = 1008


class Tunnelling:
    """The half of a relay that is used once its request has become a tunnel; :class:`~meshproxy.web.relay.Relay` is the other."""

    __slots__ = ("_ended", "_started_answer", "_tracker", "_upstream", "exchange", "gateway", "lane", "live", "service", "set_cookies")

    gateway: Gateway
    lane: Lane
    service: ProtectedService
    exchange: Exchange
    live: Any
    set_cookies: tuple[bytes, ...]
    _upstream: UpstreamExchange | None
    _tracker: FrameTracker | None
    _started_answer: bool
    _ended: bool

    def tunnel_opened(self, fields: list[Field]) -> None:
        """A verified 101: from now on raw bytes."""
        exchange = self.exchange
        exchange.tunnel = True
        exchange.status = exchange.upstream_status = 101
        exchange.answered_by = "service"
        self._tracker = FrameTracker()
        self._started_answer = True
        if self.live is not None:
            self.live.channels.add(self)
        self.gateway.tunnel_opened(self)
        head, _ = self.service.answers.head(
            101, b"Switching Protocols", fields, http10=False, close=False, request_id=exchange.request_id, length=None, no_body=True,
            date=self.gateway.date(), set_cookies=self.set_cookies,
        )
        early = self.lane.open_tunnel(self, head)
        if early:
            self.client_data(early)

    # ---------------------------------------------------------------- from the browser

    def client_data(self, data: bytes) -> None:
        """Bytes from the browser."""
        self.exchange.body_in_bytes += len(data)
        if self._upstream is not None:
            self._upstream.write_tunnel(data)

    def client_finished(self) -> None:
        """The browser sent FIN: it says no more, but may still be told something."""
        if self._upstream is not None:
            self._upstream.finish_tunnel()

    # ---------------------------------------------------------------- from the service

    def tunnel_data(self, data: bytes) -> None:
        """Bytes from the service."""
        self.exchange.body_out_bytes += len(data)
        if self._tracker is not None:
            self._tracker.feed(data)
        self.lane.send_raw(data)

    def tunnel_finished(self) -> None:
        """The service sent FIN. Where the browser's side cannot be half-closed (TLS), that is the end."""
        if not self._ended and not self.lane.half_close_tunnel():
            self._end_tunnel(clean=True)

    def tunnel_closed(self, clean: bool) -> None:
        """Both directions are over, or the service is gone."""
        if not self._ended:
            self._end_tunnel(clean)

    # ---------------------------------------------------------------- the end

    def session_ended(self, cause: str) -> None:
        """The session is over: so is the tunnel, with a close frame where one fits between two others."""
        if self._ended:
            return
        self.exchange.reason = cause
        if self._tracker is not None and self._tracker.at_boundary:
            self.lane.send_raw(close_frame(_CLOSE_CODES.get(cause, _POLICY_VIOLATION), cause.encode("utf-8")[:120]))
        self._end_tunnel(clean=True)

    def _end_tunnel(self, clean: bool) -> None:
        self._cancel_upstream()
        self._finish()
        self.lane.close_tunnel(clean)

    def _cancel_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.cancel()

    def _finish(self) -> None:
        """Everything is known: give the record to the observers, once."""
        raise NotImplementedError
