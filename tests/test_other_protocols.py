"""Does the port speak something else than we were told?"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import TestCase

from meshproxy.core.places import Upstream
from meshproxy.doctor.other_protocols import speak_http2, speak_plain
from meshproxy.doctor.talking import Port

from .support.odd_services import OddServices, answer, answering, http2_alone, then

HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class OtherProtocolTests(TestCase):
    """Plain HTTP on a TLS port, HTTP/2 on an HTTP/1.1 port."""

    def setUp(self) -> None:
        self.odd = OddServices(reactor)
        self.addCleanup(self.odd.stop)

    def at(self, respond: Any) -> Port:
        return Port(reactor, Upstream("http", "127.0.0.1", self.odd.listen(respond)), None)  # type: ignore[arg-type]

    @inlineCallbacks
    def test_http2(self) -> Any:
        """A SETTINGS frame to the preface; HTTP/1.1's 400 to it is none."""
        spoken = yield Deferred.fromCoroutine(speak_http2(self.at(http2_alone), 5.0))
        self.assertTrue(spoken.speaks)
        for respond in (then("close", answer("400 Bad Request")), then("close")):
            other = yield Deferred.fromCoroutine(speak_http2(self.at(respond), 5.0))
            self.assertFalse(other.speaks)

    @inlineCallbacks
    def test_plain(self) -> Any:
        """An answer in HTTP, whatever it says; anything else is none."""
        spoken = yield Deferred.fromCoroutine(speak_plain(self.at(answering(answer("404 Not Found", b"x" * 50))), HEAD, 5.0))
        self.assertEqual((True, b"HTTP/1.1 404"), (spoken.http, spoken.first_bytes[:12]))
        for respond in (then("close", b"\x15\x03\x01\x00\x02\x02\x46"), then("close")):
            other = yield Deferred.fromCoroutine(speak_plain(self.at(respond), HEAD, 5.0))
            self.assertFalse(other.http)
