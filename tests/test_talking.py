"""What does a port say to raw bytes?"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.trial.unittest import TestCase

from meshproxy.core.places import Upstream
from meshproxy.doctor.talking import Heard, Port, Talk

from .support.odd_services import OddServices, answering, silent, then
from .support.ports import free_ports


class TalkingTests(TestCase):
    """One connection, heard to its end or to ours."""

    def setUp(self) -> None:
        self.odd = OddServices(reactor)
        self.addCleanup(self.odd.stop)

    def heard(self, port: int, opening: bytes = b"hello", enough: int = 5, within: float = 5.0) -> Deferred[Heard]:
        at = Port(reactor, Upstream("http", "127.0.0.1", port), None)  # type: ignore[arg-type]
        return Deferred.fromCoroutine(at.talk(Talk(opening, lambda data: len(data) >= enough), within))

    @inlineCallbacks
    def test_enough(self) -> Any:
        """As soon as enough has come; the connection is let go."""
        found = yield self.heard(self.odd.listen(silent, greet=b"220 ready\r\n"))
        self.assertEqual(("enough", b"220"), (found.end, found.received[:3]))

    @inlineCallbacks
    def test_the_other_side_ends_it(self) -> Any:
        """FIN and RST are told apart, and what came before is kept."""
        closed = yield self.heard(self.odd.listen(then("close", b"abc")))
        self.assertEqual(Heard("eof", b"abc"), closed)
        reset = yield self.heard(self.odd.listen(then("reset")))
        self.assertEqual("reset", reset.end)

    @inlineCallbacks
    def test_silence(self) -> Any:
        """Our own patience ends it."""
        found = yield self.heard(self.odd.listen(answering(b"")), within=0.05)
        self.assertEqual(Heard("timeout"), found)

    @inlineCallbacks
    def test_nobody(self) -> Any:
        """A closed port."""
        found = yield self.heard(free_ports(1)[0])
        self.assertEqual("refused", found.end)
