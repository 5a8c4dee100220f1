"""When does a port speak HTTP/2 alone?"""

from __future__ import annotations

from meshproxy.core.diagnosis import Http2Seen

from .support.diagnosing import CauseTests, failed, situation, verdict
from .support.odd_services import GOAWAY_FRAME, SETTINGS_FRAME


class Http2OnlyTests(CauseTests):
    """When does a port speak HTTP/2 alone?"""

    def test_a_frame_for_an_answer(self) -> None:
        """SETTINGS or GOAWAY in place of an answer is proof."""
        for frame in (SETTINGS_FRAME, GOAWAY_FRAME):
            found = self.proven("http2_only", "nobody", verdict(failed("head", "invalid", frame)))
            self.advises(found, "HTTP/1.1", "gRPC")

    def test_the_preface_is_answered(self) -> None:
        """So is a port that closes on HTTP/1.1 and answers the preface in kind."""
        self.proven("http2_only", "nobody", verdict(failed("head", "eof"), situation(mesh=False), Http2Seen(True)))
        found = verdict(failed("head", "eof"), situation(mesh=False), Http2Seen(False))
        self.assertEqual("closed_early", found.cause)
