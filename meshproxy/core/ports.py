"""What do the two legs say to each other? The interfaces between a relay and a connection to a service.

``web/`` and ``upstream/`` do not import each other. The relay (``web/relay``) is an :class:`UpstreamReceiver` and holds
an :class:`UpstreamExchange`; the pool (``upstream/pool``) gives it one. Every call is synchronous and nothing here is a
Deferred: this is the request path.
"""

from __future__ import annotations

from typing import Protocol

from .evidence import Evidence
from .heads import Field


class UpstreamExchange(Protocol):
    """One request on one upstream connection, as the relay holds it. All calls after the end are ignored."""

    def write_body(self, data: bytes) -> None:
        """Send body bytes, framed as :meth:`UpstreamPool.submit` was told (chunked or counted)."""

    def finish_body(self) -> None:
        """The request body is complete."""

    def pause_answer(self) -> None:
        """Stop reading from the service: the browser does not keep up."""

    def resume_answer(self) -> None:
        """Read again."""

    def write_tunnel(self, data: bytes) -> None:
        """After :meth:`UpstreamReceiver.tunnel_opened`: bytes towards the service."""

    def finish_tunnel(self) -> None:
        """After :meth:`UpstreamReceiver.tunnel_opened`: the browser half-closed (FIN); pass it on."""

    def cancel(self) -> None:
        """Nobody wants the answer any more: close the connection, never pool it. No callback comes after it."""


class UpstreamReceiver(Protocol):
    """Who gets the answer. Calls come in this order: ``upstream_connected`` (once, before the first byte goes out),
    ``interim_received``*, then ``answer_started``, ``answer_data``*, ``answer_finished`` — or ``tunnel_opened``,
    ``tunnel_data``*, perhaps ``tunnel_finished``, ``tunnel_closed`` — or, at any point, ``upstream_failed``, after which
    nothing comes.
    """

    def upstream_connected(self) -> None:
        """A connection is there and the head is written: body bytes may be given now."""

    def interim_received(self, status: int, reason: bytes, fields: list[Field]) -> None:
        """An interim answer (1xx other than 101; 100 too)."""

    def answer_started(self, status: int, reason: bytes, fields: list[Field], length: int | None, no_body: bool) -> None:
        """The final head. ``length`` is the body's, ``None`` when it is chunked or ends with the connection;
        ``no_body`` for answers that never have one (HEAD, 204, 304): their ``Content-Length`` is metadata.
        """

    def answer_data(self, data: bytes) -> None:
        """Body bytes, without transfer coding."""

    def answer_waits(self) -> None:
        """All that has arrived has been told: now is the time to send on what was collected of it."""

    def answer_finished(self) -> None:
        """The body is complete. (``upstream_failed`` instead when it was cut.)"""

    def tunnel_opened(self, fields: list[Field]) -> None:
        """A 101 came that fits the handshake; from now on raw bytes."""

    def tunnel_data(self, data: bytes) -> None:
        """Raw bytes from the service."""

    def tunnel_finished(self) -> None:
        """The service half-closed (FIN): it says no more, but still takes what comes from the browser."""

    def tunnel_closed(self, clean: bool) -> None:
        """The tunnel is over, in both directions (``clean``: closed in order, else reset)."""

    def upstream_failed(self, evidence: Evidence) -> None:
        """There will be no (further) answer."""

    def pause_body(self) -> None:
        """The service does not keep up with the request body (or tunnel): give less."""

    def resume_body(self) -> None:
        """It does again."""


class UpstreamPool(Protocol):
    """The connections to one service's endpoint."""

    def submit(
        self,
        receiver: UpstreamReceiver,
        head: bytes,
        method: bytes,
        *,
        body: bool,
        chunked: bool,
        websocket_key: bytes | None = None,
        principal: object = None,
    ) -> UpstreamExchange:
        """Send a request. ``head`` is complete, with its framing fields and the empty line.

        :param body: a body follows by ``write_body`` … ``finish_body``; without one nothing else is needed.
        :param chunked: its framing is ``Transfer-Encoding: chunked``: the connection frames what it is given.
        :param websocket_key: the request asks for a WebSocket; the 101 is verified against this
            ``Sec-WebSocket-Key`` (RFC 6455 §4.2.2), and it counts as a tunnel.
        :param principal: whose request it is, for ``per_principal`` (any hashable; ``None`` for anonymous).
        """
