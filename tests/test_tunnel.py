"""Tunnels: only after a verified 101, raw bytes both ways, each direction ending by itself."""

from __future__ import annotations

from .support.wire import HEAD, KEY, SWITCHING, Recorder, ServiceTransport, WireTests


class Tunnels(WireTests):
    def websocket(self) -> tuple[Recorder, ServiceTransport]:
        return self.wire.ask(websocket_key=KEY)

    def test_opened(self) -> None:
        """A verified 101 opens a tunnel, early bytes first; then raw bytes pass both ways."""
        receiver, service = self.websocket()
        service.answers(SWITCHING[:50], SWITCHING[50:] + b"\x81\x01a")
        receiver.exchange.write_tunnel(b"ping")
        service.answers(b"pong")
        self.assertEqual(receiver.names(), ["upstream_connected", "tunnel_opened", "tunnel_data", "tunnel_data"])
        self.assertEqual((receiver.tunnelled, service.takes()), (b"\x81\x01apong", HEAD + b"ping"))
        self.assertEqual((self.wire.pool.tunnels, self.wire.pool.active), (1, 0))

    def test_wrong_101(self) -> None:
        """Another Upgrade, no Connection, a missing or wrong accept value, a body: 502, never a tunnel."""
        for old, new in (
            (b"websocket", b"h2c"),
            (b"Connection: Upgrade\r\n", b""),
            (b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", b"AAAA"),
            (b"Sec-WebSocket-Accept", b"X-Other"),
            (b"Connection: Upgrade", b"Connection: Upgrade\r\nContent-Length: 4"),
        ):
            receiver, service = self.websocket()
            service.answers(SWITCHING.replace(old, new) + b"data")
            self.assertEqual((receiver.evidence.end, receiver.names()), ("invalid", ["upstream_connected", "upstream_failed"]), old)
            self.assertEqual(self.wire.pool.tunnels, 0)
            self.wire.reactor.advance(0)

    def test_refused(self) -> None:
        """Another answer to the handshake is an ordinary answer."""
        receiver, service = self.websocket()
        service.answers(b"HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual((receiver.status, receiver.names()[-1], self.wire.pool.tunnels), (426, "answer_finished", 0))

    def test_service_half_closes(self) -> None:
        """After the service's FIN the browser's bytes still pass, until it finishes too: that is the end."""
        receiver, service = self.websocket()
        service.answers(SWITCHING)
        service.takes()
        service.fin()
        self.assertEqual(receiver.calls[-1], ("tunnel_finished",))
        receiver.exchange.write_tunnel(b"bye")
        self.assertEqual(service.takes(), b"bye")
        receiver.exchange.finish_tunnel()
        self.assertEqual((receiver.calls[-1], service.disconnecting, self.wire.pool.tunnels), (("tunnel_closed", True), True, 0))

    def test_browser_half_closes(self) -> None:
        """The browser's FIN is passed on as one; what the service still sends arrives."""
        receiver, service = self.websocket()
        service.answers(SWITCHING)
        receiver.exchange.finish_tunnel()
        receiver.exchange.write_tunnel(b"too late")
        self.assertEqual((service.half_closed, service.disconnecting, service.takes()), (True, False, HEAD))
        service.answers(b"last words")
        service.fin()
        self.assertEqual(receiver.calls[-2:], [("tunnel_data", b"last words"), ("tunnel_closed", True)])
        self.assertEqual((service.disconnecting, self.wire.pool.tunnels), (True, 0))

    def test_reset(self) -> None:
        """A reset is no clean end, and nothing comes after it."""
        receiver, service = self.websocket()
        service.answers(SWITCHING)
        service.lost(clean=False)
        self.assertEqual((receiver.calls[-1], self.wire.pool.tunnels), (("tunnel_closed", False), 0))

    def test_lost_after_half_close(self) -> None:
        """A service that is gone after its FIN ends the tunnel, in order: what it said was whole. Nothing comes after that."""
        receiver, service = self.websocket()
        service.answers(SWITCHING)
        service.fin()
        service.lost(clean=False)
        receiver.exchange.finish_tunnel()
        self.assertEqual(receiver.names()[-2:], ["tunnel_finished", "tunnel_closed"])
        self.assertEqual((receiver.of("tunnel_closed"), self.wire.pool.tunnels), ([(True,)], 0))

    def test_idle(self) -> None:
        """Bytes in either direction keep a tunnel; an hour of silence ends it."""
        receiver, service = self.websocket()
        service.answers(SWITCHING)
        self.wire.advance(3500)
        service.answers(b"x")
        self.wire.advance(3500)
        receiver.exchange.write_tunnel(b"y")
        self.wire.advance(3599)
        self.assertFalse(service.disconnecting)
        self.wire.advance(2)
        self.assertEqual((receiver.evidence.phase, receiver.evidence.end, service.disconnected), ("tunnel", "timeout", True))

    def test_back_pressure(self) -> None:
        """Slowness passes through a tunnel both ways."""
        receiver, service = self.websocket()
        service.answers(SWITCHING)
        service.producer.pauseProducing()
        service.producer.resumeProducing()
        self.assertEqual(receiver.names()[-2:], ["pause_body", "resume_body"])
        receiver.exchange.pause_answer()
        self.assertEqual(service.producerState, "paused")
        receiver.exchange.resume_answer()
        self.assertEqual(service.producerState, "producing")

    def test_cancel(self) -> None:
        """Cancel ends a tunnel at once and without a call."""
        receiver, service = self.websocket()
        service.answers(SWITCHING)
        receiver.exchange.cancel()
        self.assertEqual((receiver.names()[-1], service.disconnected, self.wire.pool.tunnels), ("tunnel_opened", True, 0))

    def test_half_closed_for_long(self) -> None:
        """A tunnel of which one direction has ended is not kept for an hour of silence."""
        for end in ("service", "browser"):
            receiver, service = self.websocket()
            service.answers(SWITCHING)
            service.fin() if end == "service" else receiver.exchange.finish_tunnel()
            self.wire.advance(29.5)
            self.assertFalse(service.disconnecting)
            self.wire.advance(1)
            self.assertEqual((receiver.evidence.end, service.disconnected, self.wire.pool.tunnels), ("timeout", True, 0))

    def test_paused_tunnel_has_no_limit(self) -> None:
        """While we do not read, silence is of our making."""
        receiver, service = self.websocket()
        service.answers(SWITCHING)
        receiver.exchange.pause_answer()
        self.wire.advance(4000)
        receiver.exchange.write_tunnel(b"x")
        self.assertFalse(service.disconnecting)
        receiver.exchange.resume_answer()
        self.wire.advance(3601)
        self.assertEqual(receiver.evidence.end, "timeout")
