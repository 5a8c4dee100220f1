"""The asking side of the control socket: :mod:`meshproxy.control_client`; the whole is :mod:`tests.test_control`'s."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase

from meshproxy.control import ControlError
from meshproxy.control_client import ANSWER_WITHIN, _Asking


class Asking(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asking = _Asking()
        self.transport = StringTransportWithDisconnection()
        self.transport.protocol = self.asking
        self.asking.makeConnection(self.transport)
        self.answer = self.asking.ask(b'{"ask": "x"}', self.clock)

    def test_an_answer(self) -> None:
        """One line each way; then the connection ends and no timer is left."""
        self.assertEqual(self.transport.value(), b'{"ask": "x"}\n')
        self.asking.dataReceived(b'{"ok": true,')
        self.assertNoResult(self.answer)
        self.asking.dataReceived(b' "answer": 1}\n')
        self.assertEqual(self.successResultOf(self.answer), {"ok": True, "answer": 1})
        self.assertEqual((self.clock.getDelayedCalls(), self.transport.connected), ([], False))

    def test_no_answer(self) -> None:
        """Nobody waits for ever."""
        self.clock.advance(ANSWER_WITHIN + 1)
        self.assertIn("does not answer", str(self.failureResultOf(self.answer, ControlError).value))

    def test_a_closed_connection(self) -> None:
        """Says so at once."""
        self.transport.loseConnection()
        self.assertIn("without an answer", str(self.failureResultOf(self.answer, ControlError).value))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_somebody_else(self) -> None:
        """What answers there may be no meshproxy."""
        self.asking.dataReceived(b"220 mail ready\n")
        self.assertIn("no meshproxy", str(self.failureResultOf(self.answer, ControlError).value))
