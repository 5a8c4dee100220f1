"""When does a service let strangers in?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import Situation, TlsSeen
from meshproxy.doctor.bypass import Bypass, judge_bypass

from .support.diagnosing import answered, certificate, failed, reset, situation, verdict

FINE = verdict(answered(200))


def judged(about: Situation, stranger: object = None, tls: TlsSeen | None = None, own: object = FINE) -> Bypass:
    """What is said."""
    return judge_bypass(about, own, stranger, tls)  # type: ignore[arg-type]


class BypassTests(SynchronousTestCase):
    """What answers a stranger answers everybody."""

    def test_in_a_mesh(self) -> None:
        """An invented Host passes without our identity: an answer of the service means that it takes plaintext of anybody."""
        found = judged(situation(), verdict(answered(404, "no such page")))
        self.assertTrue(found.reachable)
        self.assertIn("STRICT", found.hints[0])
        self.assertFalse(judged(situation(), verdict(reset("connection termination"))).reachable)

    def test_a_closed_registry(self) -> None:
        """Our own sidecar lets no such request out: nothing is known."""
        self.assertIsNone(judged(situation(), verdict(answered(502, "", {"server": "envoy", "content-length": "0"}))).reachable)

    def test_without_a_mesh(self) -> None:
        """Whoever gets to the address is in."""
        found = judged(situation(mesh=False), verdict(answered(200)))
        self.assertTrue(found.reachable)
        self.assertIn("NetworkPolicy", found.hints[0])

    def test_tls(self) -> None:
        """A duty to show a certificate is a fence."""
        self.assertFalse(judged(situation("https"), tls=TlsSeen("handshake", certificate("a"), wants_client=True)).reachable)
        self.assertTrue(judged(situation("https"), tls=TlsSeen("handshake", certificate("a"))).reachable)
        self.assertIsNone(judged(situation("https"), tls=TlsSeen("timeout")).reachable)

    def test_a_socket(self) -> None:
        """A Unix socket is a fence."""
        self.assertFalse(judged(situation("unix", "localhost", 0)).reachable)

    def test_nothing_is_known(self) -> None:
        """No answer in time, or to nobody at all."""
        self.assertIsNone(judged(situation()).reachable)
        down = verdict(failed("connect", "refused"))
        self.assertIsNone(judged(situation(), down, own=down).reachable)
        self.assertEqual({"reachable", "because", "hints"}, set(judged(situation()).as_dict()))
