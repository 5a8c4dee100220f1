"""Which causes leave the same marks, and what moves them forward?"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from meshproxy.core.diagnosis import TlsSeen
from meshproxy.core.diagnosis.groups import family, group_of, is_http2, member

from .support.diagnosing import answered, certificate, failed, reading, reset, situation, workload
from .support.odd_services import GOAWAY_FRAME, SETTINGS_FRAME


class GroupTests(SynchronousTestCase):
    """The groups of diagnosis.md §3."""

    def test_families(self) -> None:
        """Whatever a version calls it."""
        for reason, kind in (("connection failure", "failure"), ("remote connection failure", "failure"), ("connection timeout", "timeout"),
                             ("connection termination", "termination"), ("remote refused stream reset", "remote"), ("local reset", "local"),
                             ("overflow", "overload"), ("protocol error", "protocol"), ("solar flare", "")):
            self.assertEqual(kind, family(reading(reset(reason))))
        self.assertEqual("", family(reading(answered(503))))

    def test_order(self) -> None:
        """The most frequent first, and less weight for each that follows."""
        seen = reading(reset("connection failure"))
        group = group_of(seen)
        self.assertEqual("connect_refused", group[0])
        weights = [fit.weight for cause in group if (fit := member(seen, cause)) is not None]
        self.assertEqual(sorted(weights, reverse=True), weights)
        self.assertEqual(len(group), len(set(weights)))
        self.assertIsNone(member(seen, "ok"))

    def test_a_probe_removes_none(self) -> None:
        """It moves causes forward; the group stays whole, because a probe may end elsewhere."""
        for evidence, about in ((reset("connection failure"), None), (reset("connection termination"), None), (failed("head", "eof"), None),
                                (failed("head", "eof"), situation(mesh=False))):
            whole = set(group_of(reading(evidence, about)))
            for tls in (TlsSeen("eof"), TlsSeen("timeout"), TlsSeen("handshake", workload(), True), TlsSeen("plain", spoke=SETTINGS_FRAME)):
                self.assertEqual(whole, set(group_of(reading(evidence, about, tls))))

    def test_a_web_certificate_brings_one_in(self) -> None:
        """plain_to_tls joins those of a sidecar's 'connection termination' when the port shows a certificate of the web."""
        seen = reading(reset("connection termination"), None, TlsSeen("handshake", certificate("www.example.com")))
        self.assertEqual("plain_to_tls", group_of(seen)[0])

    def test_http2_frames(self) -> None:
        """SETTINGS and GOAWAY on stream 0, and nothing else."""
        self.assertTrue(is_http2(SETTINGS_FRAME) and is_http2(GOAWAY_FRAME))
        for first in (b"", b"\x00\x00\x00", b"HTTP/1.1 200", b"\x00\x00\x06\x00\x00\x00\x00\x00\x00", b"\x15\x03\x01\x00\x02\x02\x46"):
            self.assertFalse(is_http2(first))
