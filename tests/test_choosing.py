"""Which probes tell the remaining causes apart?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import Situation, diagnose
from meshproxy.core.evidence import Evidence
from meshproxy.doctor.choosing import choose

from .support.diagnosing import ENVOYS, answered, failed, reset, situation


def chosen(evidence: Evidence, about: Situation | None = None, *, admin: bool = True) -> tuple[str, ...]:
    """What is probed after this."""
    about = about or situation()
    return choose(about, evidence, diagnose(evidence, about), admin=admin)


class ChoosingTests(SynchronousTestCase):
    """As few as help."""

    def test_nothing_to_tell_apart(self) -> None:
        """A refused connection, a name that does not resolve, a banner, the service's own error."""
        for evidence in (failed("connect", "refused"), failed("resolve", "dns"), failed("head", "invalid", b"SSH-2.0-x"),
                         answered(500, "x"), failed("queue", "overload")):
            self.assertEqual((), chosen(evidence))

    def test_a_sidecars_failure(self) -> None:
        """A ClientHello, other Hosts, and the admin where there is one; what is proven needs no ClientHello."""
        self.assertEqual(("hello", "hosts", "admin"), chosen(reset("connection failure")))
        self.assertEqual(("hello", "hosts"), chosen(reset("connection failure"), admin=False))
        self.assertEqual(("hosts", "admin"), chosen(answered(503, "no healthy upstream", ENVOYS)))
        self.assertEqual((), chosen(reset("connection failure", beyond=True)))

    def test_silence(self) -> None:
        """Does the port speak TLS, or HTTP/2?"""
        self.assertEqual(("hello", "http2"), chosen(failed("head", "eof")))
        self.assertEqual(("hello",), chosen(failed("head", "timeout")))
        self.assertEqual(("http2",), chosen(failed("head", "eof"), situation("unix", "localhost", 0)))

    def test_tls_towards_us(self) -> None:
        """A handshake that ends without a word may be a plain port; one that says why is not asked again."""
        https = situation("https")
        self.assertEqual(("hello", "plain"), chosen(failed("tls", "eof"), https))
        self.assertEqual(("hello",), chosen(failed("tls", "tls", error="certificate has expired"), https))

    def test_a_refusal(self) -> None:
        """A service may want another Host: outside a mesh its public name, in one all of them."""
        self.assertEqual(("public",), chosen(answered(403, "no"), situation(mesh=False)))
        self.assertEqual(("hosts",), chosen(answered(403, "no")))

    def test_while_it_hangs(self) -> None:
        """What can be asked before it is known how it ends."""
        self.assertEqual(("hello", "hosts"), choose(situation(), None, None, admin=True))
        self.assertEqual(("hello",), choose(situation(mesh=False), None, None, admin=True))
        self.assertEqual(("hello", "plain"), choose(situation("https"), None, None, admin=True))
        self.assertEqual((), choose(situation("unix", "localhost", 0), None, None, admin=True))
