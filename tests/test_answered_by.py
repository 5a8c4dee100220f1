"""Who answered, by form and way alone? (diagnosis.md §2)"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis.answered_by import answered_by, in_words

from .support.diagnosing import BEYOND, ENVOYS, answered, failed, reading, situation

TEXT = "no healthy upstream"


class AnsweredByTests(SynchronousTestCase):
    """Each of the six."""

    def test_meshproxy(self) -> None:
        """It never left, or we ended it."""
        for evidence in (failed("queue", "overload"), failed("queue", "aborted"), failed("connect", "overload"), failed("head", "aborted")):
            self.assertEqual("meshproxy", answered_by(reading(evidence)))

    def test_the_sidecars(self) -> None:
        """The field that counts our upstream's time tells ours from the peer's, and the words say so."""
        ours, theirs = reading(answered(503, TEXT, ENVOYS)), reading(answered(503, TEXT, {**ENVOYS, **BEYOND}))
        self.assertEqual(("own-sidecar", "peer-sidecar"), (answered_by(ours), answered_by(theirs)))
        self.assertIn("no x-envoy-upstream-service-time", in_words(ours))
        self.assertIn("from beyond it", in_words(theirs))

    def test_a_gateway(self) -> None:
        """An Envoy's form without a mesh, and another proxy's page with or without one."""
        for server in ("envoy", "istio-envoy"):
            seen = reading(answered(503, TEXT, {**ENVOYS, "server": server}), situation(mesh=False))
            self.assertEqual("gateway", answered_by(seen))
        page = "<center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center>"
        for mesh in (True, False):
            seen = reading(answered(502, page, {"content-type": "text/html"}), situation(mesh=mesh))
            self.assertEqual("gateway", answered_by(seen))
            self.assertIn("nginx", in_words(seen))

    def test_an_envoy_that_hides_its_name(self) -> None:
        """Load balancers made of Envoy add Via and no server; without a mesh that is enough for words of its own."""
        fields = {"content-type": "text/plain", "via": "1.1 google"}
        self.assertEqual("gateway", answered_by(reading(answered(503, TEXT, fields), situation(mesh=False))))
        self.assertEqual("service", answered_by(reading(answered(503, TEXT, {"content-type": "text/plain"}), situation(mesh=False))))

    def test_the_service(self) -> None:
        """Anything else that is HTTP: the default."""
        for evidence in (answered(200), answered(503, TEXT), answered(500, "x", {"server": "envoy"}), failed("body", "eof", b"HTTP/1.1"),
                         failed("head", "invalid", error="101 without Upgrade: websocket")):
            self.assertEqual("service", answered_by(reading(evidence)))

    def test_nobody(self) -> None:
        """No HTTP answer."""
        for evidence in (failed("resolve", "dns"), failed("connect", "refused"), failed("tls", "tls"), failed("head", "timeout"),
                         failed("head", "eof"), failed("head", "invalid", b"SSH-2.0")):
            self.assertEqual("nobody", answered_by(reading(evidence)))
