"""What does the evidence say before anybody asks why?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import HostSeen
from meshproxy.core.diagnosis.reading import printable, quote

from .support.diagnosing import BEYOND, ENVOYS, answered, failed, reading, reset


class ReadingTests(SynchronousTestCase):
    """Facts and comparisons."""

    def test_forms(self) -> None:
        """A text, an empty answer, or neither."""
        self.assertEqual("text", reading(reset("overflow")).local)
        self.assertEqual("empty", reading(answered(404, "", {"server": "envoy"})).local)
        self.assertEqual("", reading(answered(404, "x", {"server": "envoy"})).local)
        self.assertEqual("", reading(failed("head", "eof")).local)

    def test_a_body_that_is_not_whole_is_no_text(self) -> None:
        """Of a longer body the first bytes may read like a text."""
        evidence = answered(503, "no healthy upstream", ENVOYS)
        evidence.body_complete = False
        self.assertEqual("", reading(evidence).local)

    def test_the_grpc_way(self) -> None:
        """200, and the text in a field."""
        fields = {"content-type": "application/grpc", "grpc-status": "14", "grpc-message": "no healthy upstream", "server": "envoy"}
        seen = reading(answered(200, "", fields))
        self.assertEqual(("text", b"no healthy upstream", "own-sidecar"), (seen.local, seen.text, seen.answered_by))

    def test_signatures(self) -> None:
        """Equal outcomes compare equal, retried or not; who answered and why make the difference."""
        one = reading(reset("connection termination"))
        self.assertEqual(one.signature, reading(answered(503, b"upstream connect error or disconnect/reset before headers. retried and the "
                                                             b"latest reset reason: connection termination", ENVOYS)).signature)
        self.assertNotEqual(one.signature, reading(reset("connection failure")).signature)
        self.assertNotEqual(one.signature, reading(reset("connection termination", beyond=True)).signature)
        self.assertNotEqual(reading(failed("head", "eof")).signature, reading(failed("head", "timeout")).signature)

    def test_other_hosts(self) -> None:
        """The same as an invented one, and a name that fares better: only the upstream's own counts."""
        evidence = reset("connection termination")
        same = HostSeen("invented", reading(evidence).signature, "own-sidecar", 503)
        better, public = HostSeen("full", "200 service ", "service", 200), HostSeen("public", "200 service ", "service", 200)
        self.assertIsNone(reading(evidence).same_as_invented)
        self.assertTrue(reading(evidence, None, same).same_as_invented)
        self.assertIs(better, reading(evidence, None, same, public, better).better_host)
        self.assertIsNone(reading(evidence, None, same, public).better_host)
        self.assertIsNone(reading(evidence, None, better).better_host)

    def test_silence(self) -> None:
        """A connection that ended without a byte; a timer of ours is no end."""
        self.assertTrue(reading(failed("send", "reset")).silent)
        for evidence in (failed("head", "timeout"), failed("head", "eof", b"x"), failed("tls", "eof"), answered(200, "", BEYOND)):
            self.assertFalse(reading(evidence).silent)

    def test_a_strangers_words(self) -> None:
        """On one line, bounded, without what a terminal obeys."""
        self.assertEqual("a b", printable("a\nb\x1b"))
        self.assertEqual(160, len(printable("x" * 500)))
        self.assertEqual(r"'\x1b[2J'", quote(b"\x1b[2J"))
